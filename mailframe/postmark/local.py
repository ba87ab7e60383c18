"""Sandbox: the local Postmark and the server that talks to it. The only place where both sides meet."""

from __future__ import annotations

from mailframe.errors import SandboxError
from mailframe.postmark.client import Postmark
from mailframe.sandbox import LocalPostmark


class Sandbox(LocalPostmark):
    """A Postmark on this machine, for trying everything without an account; nothing leaves.

    Takes what ``mailframe.sandbox.LocalPostmark`` takes. Over a real socket it needs the extra "sandbox";
    ``Sandbox(in_process=True)`` needs none.

    >>> import pandas as pd
    >>> people = pd.DataFrame({"email": ["ann@example.com", "bob@example.com"]})
    >>> with Sandbox(in_process=True) as sandbox:
    ...     letter = {"sender": "me@acme.example", "to": "{{ email }}", "subject": "Hi", "text_body": "Hi"}
    ...     campaign = people.mail.compose(**letter, name="hi")
    ...     results = campaign.send(sandbox.server, progress=False)
    >>> results["status"].tolist(), len(sandbox.messages())
    (['accepted', 'accepted'], 2)
    """

    @property
    def server(self) -> Postmark:
        """The server to send through.

        Raises:
            SandboxError: the sandbox is not started, or is closed again.
        """
        if self._in_process:
            return Postmark(self.token, base_url="http://127.0.0.1", transport=self.transport())
        if not self.port:
            raise SandboxError(
                "the sandbox is not started, so there is no server yet; write `with mf.Sandbox() as sandbox:`, "
                "or call sandbox.start() first"
            )
        return Postmark(self.token, base_url=self.url)
