"""The token is in no text that a user or a tool can print."""

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
from tests.systems import press_ctrl_c
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
    """Return what repr, str, format, vars and dir show of *value*, two levels deep."""
    inner = [*getattr(value, "__dict__", {}).values(), *slots_of(value)]
    deeper = [
        item for one in inner for item in [*getattr(one, "__dict__", {}).values(), *slots_of(one)]
    ]
    return "\n".join(f"{one!r} {one} {dir(one)}" for one in [value, *inner, *deeper])


def slots_of(value: object) -> list[object]:
    """Return the values of the slots of *value*."""
    names = getattr(type(value), "__slots__", ())
    return [getattr(value, name) for name in names if hasattr(value, name)]


def interrupt() -> None:
    """Interrupt the process, as the stop button of a notebook does."""
    press_ctrl_c()


@pytest.fixture(autouse=True)
def stop_button():
    """Let SIGINT raise KeyboardInterrupt, as in a notebook."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def every_log():
    """The output of all loggers at DEBUG."""
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


# httpcore logs the headers of a reply at DEBUG, so the replies have the token only in bodies.
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
def test_no_result_of_a_request_contains_the_token(wire, every_log, scene):
    """The Answer, the server object and all logs at DEBUG are searched."""
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


def test_a_refused_connection_shows_no_token(wire, every_log):
    """The request was not sent, and is not shown."""
    wire.stop()
    server = Postmark(TOKEN, base_url=wire.url, timeout=TIMEOUT_S)
    assert not holds_the_token(
        repr(server.send_batch(BATCH)) + shown(server) + every_log.getvalue()
    )


@pytest.mark.parametrize("scene", ["success", "401", "timeout", "reset"])
def test_no_exception_outlives_the_request(wire, scene):
    """An exception of httpx contains the request with its headers, so none is kept."""
    wire.plays(SCENES[scene][0])
    gc.collect()
    Postmark(TOKEN, base_url=wire.url, timeout=TIMEOUT_S).send_batch(BATCH)
    gc.collect()
    kept = [one for one in gc.get_objects() if isinstance(one, (httpx.Request, httpx.HTTPError))]
    assert not [one for one in kept if "127.0.0.1" in str(getattr(one, "url", ""))]


def rich_traceback(error: BaseException) -> str:
    """Return the traceback with local variables, as rich prints it."""
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


def mailframe_locals(error: BaseException) -> str:
    """Return the local variables of the frames of mailframe in the traceback of *error*."""
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    of_mailframe = [
        frame for frame in frames if frame.f_globals.get("__name__", "").startswith("mailframe")
    ]
    assert of_mailframe
    return "\n".join(shown(value) for frame in of_mailframe for value in frame.f_locals.values())


BAD_ENDS = ["\n", "\r\n", " ", "\t", "\0", "\x1b[31m", "é", "\u2028", "\ud800", "\x7f"]


@pytest.mark.parametrize("bad", BAD_ENDS)
@pytest.mark.parametrize("before", [True, False])
def test_a_malformed_token_is_refused_and_not_shown(bad, before):
    """Neither the message nor a traceback with local variables has it."""
    with pytest.raises(TokenError) as caught:
        Postmark(f"{bad}{TOKEN}" if before else f"{TOKEN}{bad}")
    error = caught.value
    assert not holds_the_token(str(error))
    assert (error.__cause__, error.__context__) == (None, None)
    assert not holds_the_token(mailframe_locals(error))


def make(bad: str) -> None:
    """Make a server from the environment, in a frame without the token."""
    os.environ["POSTMARK_SERVER_TOKEN"] = TOKEN + bad
    try:
        Postmark()
    finally:
        del os.environ["POSTMARK_SERVER_TOKEN"]


def test_a_rich_traceback_with_locals_shows_no_token(monkeypatch):
    """Rich prints all local variables of all frames."""
    monkeypatch.setenv("POSTMARK_SERVER_TOKEN", "")
    with pytest.raises(TokenError) as caught:
        make("\n")
    text = rich_traceback(caught.value)
    assert "secret = •••" in text
    assert not holds_the_token(text)


@pytest.mark.parametrize(
    "wrong", [{"base_url": "http://example.com"}, {"timeout": 0}, {"transport": object()}]
)
def test_another_error_of_the_call_shows_no_token_either(wrong):
    """The other frames only have a Secret."""
    with pytest.raises(Exception, match=next(iter(wrong))) as caught:
        Postmark(TOKEN, **wrong)
    assert not holds_the_token(str(caught.value) + mailframe_locals(caught.value))


@pytest.mark.parametrize("token", ["", " ", "\n", b"bytes-of-a-token", 12345678, ["listed-token"]])
def test_an_invalid_token_is_refused(token):
    """It is empty, blank, or not text."""
    with pytest.raises(TokenError) as caught:
        Postmark(token)
    assert "12345678" not in str(caught.value)
    assert "of-a-token" not in str(caught.value)


@given(st.text(min_size=9).filter(lambda text: not all("!" <= char <= "~" for char in text)))
def test_no_malformed_token_is_in_its_error(token):
    """This holds for any text."""
    with pytest.raises(TokenError) as caught:
        Postmark(token)
    assert token not in str(caught.value)


def test_an_error_of_a_transport_that_quotes_the_token_is_cut_off():
    """Only its class is shown."""

    def fails(request):
        raise httpx.ConnectError(f"{dict(request.headers)}", request=request)

    answer = Postmark(TOKEN, transport=httpx.MockTransport(fails)).send_batch(BATCH)
    assert not holds_the_token(answer)


def test_a_secret_is_shown_as_dots():
    """This holds for repr, str, format, containers, vars and slots."""
    secret = Secret(TOKEN)
    assert {repr(secret), str(secret), f"{secret}"} == {"•••"}
    assert not holds_the_token(shown(secret) + repr([secret, {"token": secret}]))
    assert not hasattr(secret, "__dict__")


def test_a_copy_of_a_secret_is_itself_and_a_pickle_is_refused():
    """A copy is the same object; a pickle would contain the token."""
    secret = Secret(TOKEN)
    assert copy.copy(secret) is secret
    assert copy.deepcopy([secret])[0] is secret
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        with pytest.raises(TypeError, match="cannot be pickled"):
            pickle.dumps(secret, protocol)


def test_a_secret_can_be_read():
    """One method returns it."""
    assert Secret(TOKEN).reveal() == TOKEN


def test_a_short_secret_is_not_hidden_in_text():
    """A sandbox accepts any token, and 7 letters can be part of a word."""
    assert Secret("sandbox").hide_in("the sandbox") == "the sandbox"
    assert Secret("sandbox8").hide_in("the sandbox8") == "the •••"
