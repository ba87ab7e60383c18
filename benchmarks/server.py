"""The answering server on 127.0.0.1, in a process of its own: its CPU time counts for nobody."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Final

import httpx

import mailframe as mf
from benchmarks.answering import TOKEN, accepted_item, answer_to, recipients

if TYPE_CHECKING:
    from collections.abc import Iterator

_PIECE: Final = 65_536
_ROOT: Final = Path(__file__).parent.parent
_STOP_S: Final = 30.0
_HEADERS: Final = {
    "X-Postmark-Server-Token": TOKEN,
    "Accept": "application/json",
    "Content-Type": "application/json",
}


@contextmanager
def answering(*, latency_s: float = 0.0) -> Iterator[str]:
    """The URL of a server that accepts messages and stores none, as long as the block runs.

    Args:
        latency_s: the wait before each answer.
    """
    command = [sys.executable, "-m", "benchmarks.server", "--latency-s", str(latency_s)]
    with subprocess.Popen(  # noqa: S603 - ourselves
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=_ROOT, text=True
    ) as process:
        if process.stdin is None or process.stdout is None:
            raise TypeError("both are pipes")
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.stdin.close()  # it stops then
            process.wait(timeout=_STOP_S)


def postmark(url: str, *, token: str = TOKEN, timeout: float = 120.0) -> mf.Postmark:
    """A server object of mailframe for that URL."""
    return mf.Postmark(token, base_url=url, timeout=timeout)


def client(url: str, *, token: str = TOKEN, timeout: float = 120.0) -> httpx.Client:
    """A client that keeps its connection, with the headers of Postmark."""
    headers = {**_HEADERS, "X-Postmark-Server-Token": token}
    return httpx.Client(base_url=url, headers=headers, timeout=timeout)


class _Handler(BaseHTTPRequestHandler):
    """One connection; answers like Postmark."""

    protocol_version = "HTTP/1.1"  # keeps the connection
    disable_nagle_algorithm = True
    numbers = count(1)
    latency_s = 0.0

    def do_GET(self) -> None:
        """The server's description, or a search that finds nothing."""
        self._answer(json.dumps(answer_to(self.path.partition("?")[0])).encode())

    def do_POST(self) -> None:
        """Accept every message."""
        found = recipients(self._pieces(int(self.headers["Content-Length"])))
        items = [accepted_item(to, next(self.numbers)) for to in found]
        time.sleep(self.latency_s)
        is_batch = self.path.startswith("/email/batch")
        self._answer(b"[" + b",".join(items) + b"]" if is_batch else items[0])

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's
        """Write nothing."""

    def _pieces(self, size: int) -> Iterator[bytes]:
        while size:
            piece = self.rfile.read(min(size, _PIECE))
            if not piece:
                return
            size -= len(piece)
            yield piece

    def _answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def main(arguments: list[str] | None = None) -> int:
    """Serve until standard input is closed; the first line of output is the port."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.server", description=__doc__)
    parser.add_argument("--latency-s", type=float, default=0.0)
    _Handler.latency_s = parser.parse_args(arguments).latency_s
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        print(server.server_port, flush=True)
        sys.stdin.read()
        server.shutdown()
    return 0


if __name__ == "__main__":
    sys.exit(main())
