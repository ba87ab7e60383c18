"""The sandbox from the command line: a line of help, then one line per request."""

from __future__ import annotations

import contextlib
import sys
import threading
from typing import TYPE_CHECKING, TextIO

from mailframe.sandbox.endpoints import route_of
from mailframe.sandbox.local import LocalPostmark

if TYPE_CHECKING:
    from mailframe.sandbox.store import Seen

WELCOME = """\
mailframe sandbox: a local Postmark at {url}; no mail leaves this machine. Ctrl-C ends it.
Inbox: {url}/   Token: any text will do, such as {token}

    import mailframe as mf
    server = mf.Postmark("{token}", base_url="{url}")

"""


def serve(*, host: str = "127.0.0.1", port: int = 0, out: TextIO | None = None) -> None:
    """Run a sandbox until Ctrl-C.

    Args:
        host: ``localhost``, ``::1`` or an address in 127.0.0.0/8.
        port: 0 takes a free one.
        out: where the lines go; None is standard output. No line holds an address or a token.

    Raises:
        SandboxError: on a host that is not loopback, or a port that is taken.
        MissingExtra: when Starlette or uvicorn is not installed.
    """
    stream = sys.stdout if out is None else out
    with LocalPostmark(host=host, port=port) as sandbox:
        sandbox.listen(
            lambda seen: _write(stream, seen)
        )  # before the URL is known, so that no request is missed
        stream.write(WELCOME.format(url=sandbox.url, token=sandbox.token))
        stream.flush()
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            stream.write("sandbox closed\n")


def line(seen: Seen) -> str:
    """One request in words.

    >>> from mailframe.sandbox.store import Seen
    >>> line(Seen(1, "POST", "/email/batch", messages=500, http_status=200, accepted=498))
    'POST /email/batch  500 messages, 498 accepted  200'
    """
    path = route_of(seen.path) or "(other)"
    counts = f"  {seen.messages} messages, {seen.accepted} accepted" if seen.number else ""
    return f"{seen.method} {path}{counts}  {seen.http_status or 'no answer'}"


def _write(stream: TextIO, seen: Seen) -> None:
    with contextlib.suppress(
        OSError, ValueError
    ):  # who read the lines has gone; the requests go on
        stream.write(line(seen) + "\n")
        stream.flush()
