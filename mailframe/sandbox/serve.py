"""The sandbox on the command line: a short help, then one line per request."""

from __future__ import annotations

import contextlib
import sys
import threading
from typing import TYPE_CHECKING, TextIO

from mailframe.sandbox.api.routes import match
from mailframe.sandbox.local_postmark import LocalPostmark

if TYPE_CHECKING:
    from mailframe.sandbox.state.requests import RequestRecord

WELCOME = """\
mailframe sandbox: a local Postmark at {url}; no mail leaves this machine. Ctrl-C ends it.
Inbox: {url}/   Token: any text will do, such as {token}

    import mailframe as mf
    server = mf.Postmark("{token}", base_url="{url}")

"""


def serve(*, host: str = "127.0.0.1", port: int = 0, out: TextIO | None = None) -> None:
    """Run a sandbox until Ctrl-C.

    Args:
        host: the host, ``localhost``, ``::1`` or an address in 127.0.0.0/8.
        port: the port; 0 takes a free one.
        out: the stream for the lines, without addresses and tokens; None is standard output.

    Raises:
        SandboxError: the host is not loopback, or the port is in use.
        MissingExtra: Starlette or uvicorn is not installed.
    """
    stream = sys.stdout if out is None else out
    with LocalPostmark(host=host, port=port) as sandbox:
        sandbox.listen(lambda record: _write(stream, record))  # before the URL is printed
        stream.write(WELCOME.format(url=sandbox.url, token=sandbox.token))
        stream.flush()
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            stream.write("sandbox closed\n")


def line(record: RequestRecord) -> str:
    """One request as text.

    >>> from mailframe.sandbox.state.requests import RequestRecord
    >>> line(RequestRecord(1, "POST", "/email/batch", messages=500, http_status=200, accepted=498))
    'POST /email/batch  500 messages, 498 accepted  200'
    """
    path = match(record.path)[0] or "(other)"
    counts = f"  {record.messages} messages, {record.accepted} accepted" if record.number else ""
    return f"{record.method} {path}{counts}  {record.http_status or 'no answer'}"


def _write(stream: TextIO, record: RequestRecord) -> None:
    with contextlib.suppress(OSError, ValueError):  # a closed stream must not stop the sandbox
        stream.write(line(record) + "\n")
        stream.flush()
