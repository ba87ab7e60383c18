"""How a notebook and a traceback show a sandbox."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailframe.errors import SandboxError

if TYPE_CHECKING:
    from mailframe.sandbox.serving.socket_server import SocketServer
    from mailframe.sandbox.state.store import Store


class Shown:
    """What is shown of a sandbox; ``LocalPostmark`` has these methods."""

    _store: Store
    _server: SocketServer | None
    _is_open: bool

    if TYPE_CHECKING:

        @property
        def url(self) -> str:
            """The base URL."""

    def __repr__(self) -> str:
        where = self.url if self._server else "without a socket" if self._is_open else "closed"
        try:
            return f"<{type(self).__name__} {where}, {self._store.messages.count()} messages>"
        except SandboxError:  # it is in another process, or another sandbox uses its file
            return f"<{type(self).__name__} {where}>"

    def _repr_html_(self) -> str | None:
        """Where it is and what arrived, with a link to its inbox; without a token."""
        from mailframe.sandbox.inbox.summary import summary_html  # noqa: PLC0415 - templates

        try:
            messages, requests = self._store.messages.count(), self._store.requests.count()
        except SandboxError:
            return None
        return summary_html(
            type(self).__name__,
            url=self.url if self._server else None,
            is_open=self._is_open,
            messages=messages,
            requests=requests,
        )
