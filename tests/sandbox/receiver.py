"""A receiver of webhooks on 127.0.0.1 that answers as its script says."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, NamedTuple, Self

if TYPE_CHECKING:
    from collections.abc import Iterable

HUGE = 5_000_000


class Post(NamedTuple):
    """One request that arrived."""

    path: str
    headers: dict[str, str]
    json: Any


class Receiver:
    """A server in threads, for ``with``.

    Args:
        script: what the first requests get: a status, ``hang`` (no answer until the end), ``close``
            (the connection is closed), ``huge`` (200 with 5 MB) or an URL to redirect to; the rest
            get 200.
    """

    def __init__(self, script: Iterable[int | str] = ()) -> None:
        self.posts: list[Post] = []
        self._script = list(script)
        self._end = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def port(self) -> int:
        """The port."""
        return self._server.server_address[1]

    def url(self, path: str = "/hook") -> str:
        """The URL of *path*."""
        return f"http://127.0.0.1:{self.port}{path}"

    def kinds(self) -> list[str]:
        """The RecordType of each request."""
        return [post.json["RecordType"] for post in self.posts]

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                step = receiver._script.pop(0) if receiver._script else 200
                receiver.posts.append(Post(self.path, headers, json.loads(body)))
                if step == "hang":
                    receiver._end.wait()
                if step in ("hang", "close"):
                    self.close_connection = True
                    return
                self._answer(step)

            def _answer(self, step: int | str) -> None:
                body = b"x" * (HUGE if step == "huge" else 2)
                self.send_response(
                    step if isinstance(step, int) else 200 if step == "huge" else 302
                )
                if isinstance(step, str) and step != "huge":
                    self.send_header("Location", step)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                try:
                    self.wfile.write(body)
                except OSError:
                    self.close_connection = True

            def log_message(self, *_: object) -> None:
                """Print nothing."""

        return Handler
