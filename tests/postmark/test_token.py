"""The token appears nowhere: a search for it through everything that a person or a tool could print."""

from __future__ import annotations

import base64
import copy
import dataclasses
import gc
import io
import json
import logging
import os
import pickle
import signal
import traceback

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from rich.traceback import Traceback

from mailframe.errors import TokenError
from mailframe.postmark.client import Postmark
from mailframe.postmark.token import Secret
from tests.wire import (
    TIMEOUT_S,
    TOKEN,
    Turn,
    accepted,
    batch_of,
    http,
    scripted_server,  # noqa: F401 - a fixture
)

BATCH = batch_of()
NEEDLES = (TOKEN, TOKEN.upper(), base64.b64encode(TOKEN.encode()).decode())
ECHO = {"ErrorCode": 10, "Message": f"'{TOKEN}' ({TOKEN.upper()}) is not a valid Server token."}


def holds_the_token(text: object) -> bool:
    """Whether the token or its base64 is in *text*."""
    return any(needle in str(text) for needle in NEEDLES)


def shown(value: object) -> str:
    """Return everything that repr, str, format, vars and dir show of *value*, two steps deep."""
    inner = [*getattr(value, "__dict__", {}).values(), *slots_of(value)]
    deeper = [
        item for one in inner for item in [*getattr(one, "__dict__", {}).values(), *slots_of(one)]
    ]
    return "\n".join(f"{one!r} {one} {dir(one)}" for one in [value, *inner, *deeper])


def slots_of(value: object) -> list[object]:
    """Return what the slots of *value* hold."""
    names = getattr(type(value), "__slots__", ())
    return [getattr(value, name) for name in names if hasattr(value, name)]


def interrupt() -> None:
    """Press the button that stops a cell."""
    os.kill(os.getpid(), signal.SIGINT)


@pytest.fixture(autouse=True)
def stop_button():
    """Let SIGINT raise KeyboardInterrupt, as in a notebook."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def every_log():
    """Everything that any logger says at DEBUG."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    named = [
        logging.getLogger(name)
        for name in ("httpx", "httpcore", "h11", "mailframe.postmark.client")
    ]
    levels = [logger.level for logger in named]
    for logger in named:
        logger.setLevel(logging.DEBUG)
    yield stream
    for logger, before in zip(named, levels, strict=True):
        logger.setLevel(before)
    root.setLevel(level)
    root.removeHandler(handler)


# httpcore logs at DEBUG what a server writes in its headers; the scenes echo the token in bodies alone.
SCENES = {
    "success": (Turn(says=http(200, accepted(BATCH))), "answered"),
    "an echo in the rows": (Turn(says=http(200, [ECHO, ECHO])), "answered"),
    "401": (Turn(says=http(401, ECHO)), "refused"),
    "500": (Turn(says=http(500, ECHO)), "unknown"),
    "timeout": (Turn(ends="hang"), "unknown"),
    "reset": (Turn(ends="reset"), "unknown"),
    "garbage": (Turn(says=b"\0garbage\r\n\r\n"), "unknown"),
    "a redirect": (Turn(says=http(307, b"", Location="http://[")), "unknown"),
    "interrupt": (Turn(then=interrupt, ends="hang"), "unknown"),
}


@pytest.mark.parametrize("scene", SCENES)
def test_nothing_that_comes_out_of_a_request_holds_the_token(wire, every_log, scene):
    """Not the Answer, not the server object, not a log of ours or of httpx at DEBUG."""
    turn, verdict = SCENES[scene]
    wire.plays(turn)
    server = Postmark(TOKEN, base_url=wire.url, timeout=TIMEOUT_S)
    answer = server.send_batch(BATCH)
    assert answer.verdict == verdict
    assert not holds_the_token(json.dumps(dataclasses.asdict(answer)) + repr(answer))
    assert not holds_the_token(shown(server))
    assert "send_request_headers" in every_log.getvalue()
    assert "batch 1: 2 messages, 138 bytes: " in every_log.getvalue()
    assert not holds_the_token(every_log.getvalue())
    assert "@example.com" not in every_log.getvalue()


def test_a_refused_connection_tells_no_token(wire, every_log):
    """Nothing listens, and nothing is said about what would have been sent."""
    wire.stop()
    server = Postmark(TOKEN, base_url=wire.url, timeout=TIMEOUT_S)
    assert not holds_the_token(
        repr(server.send_batch(BATCH)) + shown(server) + every_log.getvalue()
    )


@pytest.mark.parametrize("scene", ["success", "401", "timeout", "reset"])
def test_no_exception_outlives_the_request(wire, scene):
    """An exception of httpx holds the request and its headers; none is left for a debugger to find."""
    wire.plays(SCENES[scene][0])
    gc.collect()
    Postmark(TOKEN, base_url=wire.url, timeout=TIMEOUT_S).send_batch(BATCH)
    gc.collect()
    kept = [one for one in gc.get_objects() if isinstance(one, (httpx.Request, httpx.HTTPError))]
    assert not [one for one in kept if "127.0.0.1" in str(getattr(one, "url", ""))]


def rich_traceback(error: BaseException) -> str:
    """Return the traceback with every frame's locals, as rich prints it."""
    console = Console(file=io.StringIO(), width=200)
    console.print(
        Traceback.from_exception(
            type(error),
            error,
            error.__traceback__,
            show_locals=True,
            locals_max_string=None,
            locals_max_length=None,
        )
    )
    return console.file.getvalue()


def our_locals(error: BaseException) -> str:
    """Return what is shown of the locals of each frame of mailframe on the traceback of *error*."""
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    ours = [
        frame for frame in frames if frame.f_globals.get("__name__", "").startswith("mailframe")
    ]
    assert ours
    return "\n".join(shown(value) for frame in ours for value in frame.f_locals.values())


BAD_ENDS = ["\n", "\r\n", " ", "\t", "\0", "\x1b[31m", "é", "\u2028", "\ud800", "\x7f"]


@pytest.mark.parametrize("bad", BAD_ENDS)
@pytest.mark.parametrize("before", [True, False])
def test_a_malformed_token_is_refused_and_not_shown(bad, before):
    """Neither the message nor a traceback with locals has it, where the caller keeps no name for it."""
    with pytest.raises(TokenError) as caught:
        Postmark(f"{bad}{TOKEN}" if before else f"{TOKEN}{bad}")
    error = caught.value
    assert not holds_the_token(str(error))
    assert (error.__cause__, error.__context__) == (None, None)
    assert not holds_the_token(our_locals(error))


def make(bad: str) -> None:
    """Make a server from the environment; a frame of a caller that holds no token."""
    os.environ["POSTMARK_SERVER_TOKEN"] = TOKEN + bad
    try:
        Postmark()
    finally:
        del os.environ["POSTMARK_SERVER_TOKEN"]


def test_a_rich_traceback_with_locals_shows_no_token(monkeypatch):
    """Rich prints every local of every frame, ours included."""
    monkeypatch.setenv("POSTMARK_SERVER_TOKEN", "")
    with pytest.raises(TokenError) as caught:
        make("\n")
    text = rich_traceback(caught.value)
    assert "secret = •••" in text
    assert not holds_the_token(text)


@pytest.mark.parametrize(
    "wrong", [{"base_url": "http://example.com"}, {"timeout": 0}, {"transport": object()}]
)
def test_another_fault_of_the_call_shows_no_token_either(wrong):
    """Every frame below has a Secret already."""
    with pytest.raises(Exception, match=next(iter(wrong))) as caught:
        Postmark(TOKEN, **wrong)
    assert not holds_the_token(str(caught.value) + our_locals(caught.value))


@pytest.mark.parametrize("token", ["", " ", "\n", b"bytes-of-a-token", 12345678, ["listed-token"]])
def test_what_cannot_be_a_token_is_refused(token):
    """Empty, blank, or no text at all."""
    with pytest.raises(TokenError) as caught:
        Postmark(token)
    assert "12345678" not in str(caught.value)
    assert "of-a-token" not in str(caught.value)


@given(st.text(min_size=9).filter(lambda text: not all("!" <= char <= "~" for char in text)))
def test_no_malformed_token_is_in_its_error(token):
    """Whatever it looks like."""
    with pytest.raises(TokenError) as caught:
        Postmark(token)
    assert token not in str(caught.value)


def test_an_error_of_a_transport_that_quotes_the_token_is_cut_off():
    """Only its class is told."""

    def fails(request):
        raise httpx.ConnectError(f"{dict(request.headers)}", request=request)

    answer = Postmark(TOKEN, transport=httpx.MockTransport(fails)).send_batch(BATCH)
    assert not holds_the_token(answer)


def test_a_secret_shows_as_dots():
    """repr, str, format, containers, vars and slots."""
    secret = Secret(TOKEN)
    assert {repr(secret), str(secret), f"{secret}"} == {"•••"}
    assert not holds_the_token(shown(secret) + repr([secret, {"token": secret}]))
    assert not hasattr(secret, "__dict__")


def test_a_secret_is_itself_when_copied_and_nothing_when_pickled():
    """A copy is the same object; a pickle would be a file with the token in it."""
    secret = Secret(TOKEN)
    assert copy.copy(secret) is secret
    assert copy.deepcopy([secret])[0] is secret
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        with pytest.raises(TypeError, match="cannot be pickled"):
            pickle.dumps(secret, protocol)


def test_a_secret_tells_who_asks_for_it():
    """One method lets it out; the other compares without telling."""
    secret = Secret(TOKEN)
    assert secret.reveal() == TOKEN
    assert secret.matches(TOKEN)
    assert not secret.matches(TOKEN[:-1])
    assert not secret.matches("")
    assert not secret.matches("\ud800é")


def test_a_short_secret_does_not_eat_words():
    """A sandbox takes any token, and 7 letters stand in plain words."""
    assert Secret("sandbox").hide_in("the sandbox") == "the sandbox"
    assert Secret("sandbox8").hide_in("the sandbox8") == "the •••"
