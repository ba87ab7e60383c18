"""The methods of ``LocalPostmark`` for webhooks and inbound mail."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from mailframe.errors import SandboxError
from mailframe.sandbox.api.receiving import receive
from mailframe.sandbox.checks.option_values import checked_seconds
from mailframe.sandbox.checks.texts import CheckFailed
from mailframe.sandbox.webhooks.events import is_collected

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from mailframe.sandbox.state.store import Store
    from mailframe.sandbox.webhooks.thread import WebhookThread

_POLL_S = 0.005


class WebhookMethods:
    """Webhooks and inbound mail of a sandbox; ``LocalPostmark`` has these methods."""

    _store: Store
    _webhooks: WebhookThread

    def set_webhook_times(
        self, *, retries_s: Iterable[float] | None = None, timeout_s: float | None = None
    ) -> None:
        """Change how long webhooks wait, for tests that do not move the clock.

        Args:
            retries_s: the seconds before each retry; none if it is empty. Postmark retries an event
                nine times; see RETRIES_S in ``state/webhook_queue.py``.
            timeout_s: the seconds until an attempt without an answer is given up; 10 at first.

        Raises:
            SandboxError: a time is not a number of seconds from 0 on.

        >>> from mailframe.sandbox import LocalPostmark
        >>> sandbox = LocalPostmark(in_process=True)
        >>> sandbox.set_webhook_times(retries_s=[0.1, 0.1], timeout_s=2)
        """
        if retries_s is not None:
            times = tuple(checked_seconds(seconds, name="retries_s") for seconds in retries_s)
            self._store.webhook_queue.retries_s = times
        if timeout_s is not None:
            self._store.webhook_queue.timeout_s = checked_seconds(timeout_s, name="timeout_s")

    def wait_for_webhooks(self, timeout_s: float = 10.0) -> bool:
        """Wait until everything that is due was posted; retries that wait for later stay.

        Args:
            timeout_s: the seconds to wait at most.

        Returns:
            Whether nothing is due any more.

        Raises:
            SandboxError: the time is not a number of seconds from 0 on.
        """
        end = time.monotonic() + checked_seconds(timeout_s, name="timeout_s")
        self._store.wake()
        while not self._is_idle():
            if self._webhooks.is_closing or time.monotonic() > end:
                return False
            time.sleep(_POLL_S)
        return True

    def _is_idle(self) -> bool:
        with self._store.lock:
            return self._store.webhook_queue.is_idle() and is_collected(self._store)

    def receive(self, mail: Mapping[str, Any] | None = None, **fields: Any) -> str:
        """Receive an inbound email: the inbound hook of its server gets it.

        Args:
            mail: the fields of the email, named as in a message for ``/email``: From, To, Subject,
                TextBody, HtmlBody, Cc, ReplyTo, Headers, Attachments, Tag; and SpamScore. Without
                To, the address of the first server.
            fields: further fields.

        Returns:
            The MessageID.

        Raises:
            SandboxError: a field is not right, or no server receives mail at that address.

        >>> from mailframe.sandbox import LocalPostmark
        >>> sandbox = LocalPostmark(in_process=True)
        >>> len(sandbox.receive({"From": "ann@example.com", "Subject": "Hi", "TextBody": "Hello"}))
        36
        """
        given = {name.lower(): value for name, value in {**(mail or {}), **fields}.items()}
        try:
            with self._store.lock:
                item = receive(self._store, given)
        except CheckFailed as error:
            raise SandboxError(f"the mail cannot come in: {error.text}") from None
        self._store.wake()
        message_id: str = item["MessageID"]
        return message_id

    def confirm_sender(self, address: str) -> None:
        """Confirm a sender signature, as its owner does with the link in Postmark's mail.

        Raises:
            SandboxError: the account has no signature with that address.
        """
        with self._store.lock:
            item = self._store.senders.of_name("senders", address)
            if item is None:
                raise SandboxError(f"the account has no sender signature for {address!r}")
            self._store.senders.replace("senders", item | {"Confirmed": True})
