"""The methods of ``LocalPostmark`` that return what it has recorded as DataFrames."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailframe.sandbox.life.simulation import Simulation

if TYPE_CHECKING:
    import pandas as pd

    from mailframe.sandbox.state.store import Store


class Recorded:
    """What a sandbox has recorded; ``LocalPostmark`` has these methods."""

    _store: Store

    def messages(self, *, server: int | str | None = None) -> pd.DataFrame:
        """The accepted messages as they were posted: one row each, in the order of acceptance.

        Args:
            server: the name or the ID of the only server; None is all of them.

        Returns:
            Columns MessageID, SubmittedAt (UTC), From, To, Cc, Bcc, Subject, Tag, HtmlBody,
            TextBody, ReplyTo, ServerID, MessageStream, Metadata (dict of texts), Headers (list of
            dicts), Attachments (list of names) and request, the number of its request.

        Raises:
            SandboxError: there is no such server.
        """
        from mailframe.sandbox.local import frames  # noqa: PLC0415 - pandas

        return frames.messages_frame(self._store, self._id_of(server))

    def delivered(self, *, server: int | str | None = None) -> pd.DataFrame:
        """The rows of ``messages()`` with the unsubscribe links and headers that Postmark adds.

        The links are those of the first recipient.

        Args:
            server: the name or the ID of the only server; None is all of them.

        Raises:
            SandboxError: there is no such server.
        """
        from mailframe.sandbox.local import frames  # noqa: PLC0415 - pandas

        return frames.messages_frame(self._store, self._id_of(server), delivered=True)

    def requests(self) -> pd.DataFrame:
        """Every request: one row each, in the order of arrival.

        Returns:
            Columns number (of the request that sends, from 1 in a new file, else NA), method,
            path, messages, bytes (of the body), http_status (NA without a complete answer), fault
            and accepted.
        """
        from mailframe.sandbox.local import frames  # noqa: PLC0415 - pandas

        return frames.requests_frame(self._store)

    def bounces(self, *, server: int | str | None = None) -> pd.DataFrame:
        """The bounces and the spam complaints: one row each.

        Args:
            server: the name or the ID of the only server; None is all of them.

        Returns:
            Columns ID, Type, Email, MessageID, ServerID, MessageStream and BouncedAt (UTC).

        Raises:
            SandboxError: there is no such server.
        """
        from mailframe.sandbox.local import frames  # noqa: PLC0415 - pandas

        return frames.bounces_frame(self._caught_up(), self._id_of(server))

    def events(self, *, server: int | str | None = None) -> pd.DataFrame:
        """What happened to the messages: one row each, in the order in which it happened.

        Args:
            server: the name or the ID of the only server; None is all of them.

        Returns:
            Columns RecordType (Bounce, SpamComplaint, Open, Click, SubscriptionChange), MessageID
            (empty without a message), ServerID, MessageStream, Recipient, At (UTC), Tag and Details
            (a dict with Postmark's names). A message without a Bounce is delivered.

        Raises:
            SandboxError: there is no such server.
        """
        from mailframe.sandbox.local import frames  # noqa: PLC0415 - pandas

        return frames.events_frame(self._caught_up(), self._id_of(server))

    def suppressions(
        self, stream: str = "outbound", *, server: int | str | None = None
    ) -> pd.DataFrame:
        """The inactive addresses of *stream*: one row each.

        Args:
            stream: the ID of the stream.
            server: the name or the ID of the only server; None is all of them.

        Returns:
            Columns EmailAddress, SuppressionReason, Origin, CreatedAt (UTC) and ServerID.

        Raises:
            SandboxError: there is no such server.
        """
        from mailframe.sandbox.local import frames  # noqa: PLC0415 - pandas

        return frames.suppressions_frame(self._caught_up(), self._id_of(server), stream)

    def webhook_deliveries(self, *, server: int | str | None = None) -> pd.DataFrame:
        """What was posted to webhooks, or waits for it: one row each, in the order of queuing.

        Args:
            server: the name or the ID of the only server; None is all of them.

        Returns:
            Columns ID, WebhookID, ServerID, RecordType, MessageID, Url, TraceID, Status
            (``waiting``, ``sending``, ``delivered``, ``dropped``, ``failed`` or ``removed``),
            Attempts, HttpStatus and Error (of the last attempt), CreatedAt and NextAt (UTC). The
            last 10,000 that ended are kept.

        Raises:
            SandboxError: there is no such server.
        """
        from mailframe.sandbox.local import frames  # noqa: PLC0415 - pandas

        return frames.webhook_deliveries_frame(self._store, self._id_of(server))

    def _id_of(self, server: int | str | None) -> int | None:
        return None if server is None else self._store.servers.named(server)

    def _caught_up(self) -> Store:
        """The state after everything that is due has happened."""
        Simulation(self._store).catch_up(is_whole=True)
        return self._store
