"""The sandbox on the command line: a short help, then one line per request."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import sys
import threading
from typing import TYPE_CHECKING, Final, TextIO

from mailframe.sandbox.inbox.client_settings import CURL, client_settings
from mailframe.sandbox.local.postmark import LocalPostmark
from mailframe.sandbox.serving.routes import match

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mailframe.sandbox.state.requests import RequestRecord

WELCOME: Final = """\
mailframe sandbox: a local Postmark at {url}; no mail leaves this machine. Ctrl-C stops it.
Inbox: {inbox}/   Token: {tokens}

Send an email from another terminal:
{curl}
Or point a client at it:
{settings}
The requests of clients; their answers are at {inbox}/inbox/requests:"""
WAKE_S: Final = 0.5 if os.name == "nt" else None
"""Windows tells a waiting thread of Ctrl-C only after its wait."""
PLAIN: Final = re.compile(r"_?[A-Za-z][A-Za-z_.-]{0,30}\d{0,2}")
"""A part of a path that is a word: tokens and IDs have more digits, and addresses an @."""
MOST_PARTS: Final = 8


def serve(
    sandbox: LocalPostmark | None = None,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    out: TextIO | None = None,
    tokens: Sequence[str] = (),
    name: str | None = None,
) -> None:
    """Run a sandbox until Ctrl-C or SIGTERM.

    Args:
        sandbox: a sandbox that is not started; None makes one.
        host: the host of the new one.
        port: the port of the new one; 0 takes a free one.
        out: the stream for the lines, without addresses and tokens; None is standard output.
        tokens: the tokens of *sandbox* that a person chose.
        name: the name by which other machines call it; None if they cannot.

    Raises:
        SandboxError: other machines could connect, or the port is in use.
    """
    stream = sys.stdout if out is None else out
    local = LocalPostmark(host=host, port=port) if sandbox is None else sandbox
    local.listen(lambda record: _write(stream, line(record, hidden=tokens)))
    with contextlib.suppress(KeyboardInterrupt), _terminated_as_interrupted(), local:
        _write(stream, welcome(local, has_tokens=bool(tokens), name=name))
        end = threading.Event()
        while not end.wait(WAKE_S):
            pass
    _write(stream, "sandbox closed")


def welcome(sandbox: LocalPostmark, *, has_tokens: bool = False, name: str | None = None) -> str:
    """What is printed at the start; it contains no token that a person chose."""
    token = "YOUR-TOKEN" if has_tokens else sandbox.token
    url = sandbox.url if name is None else f"http://{name}:{sandbox.port}"
    return WELCOME.format(
        url=url,
        inbox=sandbox.public_url,
        tokens="one of yours" if has_tokens else f"any text, such as {token}",
        curl=CURL.format(url=url, token=token),
        settings=client_settings(url, token=token),
    )


def line(record: RequestRecord, *, hidden: Sequence[str] = ()) -> str:
    """One request as text.

    Args:
        record: the request.
        hidden: texts that the path must not show.

    >>> from mailframe.sandbox.state.requests import RequestRecord
    >>> line(RequestRecord(1, "POST", "/email/batch", messages=500, http_status=200, accepted=498))
    'POST /email/batch  500 messages, 498 accepted  200'
    >>> line(RequestRecord(1, "POST", "/email", messages=1, http_status=422, error_code=300))
    'POST /email  1 message, 0 accepted  422, ErrorCode 300'
    >>> line(RequestRecord(None, "GET", "/email/ann@example.com/opens", http_status=404))
    'GET /email/{…}/opens  404'
    """
    path = match(record.path)[0] or shown_path(record.path, hidden=hidden)
    noun = "message" if record.messages == 1 else "messages"
    counts = f"  {record.messages} {noun}, {record.accepted} accepted" if record.number else ""
    status = record.http_status or "no answer"
    code = f", ErrorCode {record.error_code}" if record.error_code not in (None, status) else ""
    fault = f", fault {record.fault}" if record.fault else ""
    return f"{record.method} {path}{counts}  {status}{code}{fault}"


def shown_path(path: str, *, hidden: Sequence[str] = ()) -> str:
    """A path that the sandbox does not have, without what may be an address, a token or an ID.

    >>> shown_path("/stats/outbound/platforms"), shown_path("/servers/7d1a4c9e2b/edit")
    ('/stats/outbound/platforms', '/servers/{…}/edit')
    """
    secret = {text.lower() for text in hidden}
    parts = [
        part if not part or (PLAIN.fullmatch(part) and part.lower() not in secret) else "{…}"
        for part in path.split("/")
    ]
    return "/".join(parts[:MOST_PARTS]) + ("/…" if len(parts) > MOST_PARTS else "")


@contextlib.contextmanager
def _terminated_as_interrupted() -> Iterator[None]:
    """Let SIGTERM, by which a container is stopped, do what Ctrl-C does."""
    before = signal.getsignal(signal.SIGTERM)
    is_main = threading.current_thread() is threading.main_thread()
    if not is_main or before in (None, signal.SIG_IGN):
        yield
        return
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _write(stream: TextIO, text: str) -> None:
    with contextlib.suppress(OSError, ValueError):  # a closed stream must not stop the sandbox
        stream.write(text + "\n")
        stream.flush()
