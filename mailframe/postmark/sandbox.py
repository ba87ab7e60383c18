"""Sandbox: the local Postmark with a client. The only module that imports both sides."""

from __future__ import annotations

import threading
from typing import Self

from mailframe.errors import SandboxError
from mailframe.postmark.client import Postmark
from mailframe.sandbox import LocalPostmark


class Sandbox(LocalPostmark):
    """A Postmark on this machine, to try mailframe without an account; no mail is delivered.

    It has the arguments of ``mailframe.sandbox.LocalPostmark``. Where no thread can be started, as
    in Pyodide and JupyterLite, it opens no socket, as with ``in_process=True``.

    >>> import pandas as pd
    >>> people = pd.DataFrame({"email": ["ann@example.com", "bob@example.com"]})
    >>> with Sandbox(in_process=True) as sandbox:
    ...     campaign = people.mail.compose(
    ...         sender="me@acme.example", to="{{ email }}", subject="Hi", text_body="Hi", name="hi"
    ...     )
    ...     results = campaign.send(sandbox.server, progress=False)
    >>> results["status"].tolist(), len(sandbox.messages())
    (['accepted', 'accepted'], 2)
    """

    def start(self) -> Self:
        """Start to accept requests; see ``LocalPostmark.start``."""
        if not self._in_process and not _has_threads():
            self._in_process = True
        return super().start()

    @property
    def server(self) -> Postmark:
        """The server to send through.

        Raises:
            SandboxError: the sandbox is not started, or it is closed.
        """
        if self._in_process:
            return Postmark(self.token, base_url="http://127.0.0.1", transport=self.transport())
        if not self.port:
            raise SandboxError(
                "the sandbox is not started, so there is no server yet; write "
                "`with mf.Sandbox() as sandbox:`, or call sandbox.start() first"
            )
        return Postmark(self.token, base_url=self.url)


def _has_threads() -> bool:
    """Whether a thread can be started; Python in a browser has none."""
    try:
        threading.Thread(target=int, name="mailframe-test").start()
    except RuntimeError:
        return False
    return True
