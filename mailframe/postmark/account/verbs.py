"""The questions and changes that ``Postmark`` offers; each is a short call of this folder."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, cast

from mailframe.postmark.account import changes, lists, stats

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import pandas as pd

    from mailframe.postmark.account.times import When
    from mailframe.postmark.client import Postmark


class AccountVerbs:
    """What a server has stored, as DataFrames, and the changes of its suppressions.

    A question is repeated after 429, 5xx and errors of the network. Lists have all rows, newest
    first, also beyond the 10,000 that Postmark lists at once. *since* and *until* are days, which
    Postmark reads as US Eastern, or times with a time zone; both are included. Every method raises
    an ``AccountError`` if Postmark does not answer or refuses.

    >>> import mailframe as mf
    >>> with mf.Sandbox(in_process=True) as sandbox:
    ...     sandbox.server.streams()["ID"].tolist()
    ['outbound', 'broadcast', 'inbound']
    """

    def streams(self, *, archived: bool = False) -> pd.DataFrame:
        """The message streams, one row each.

        Args:
            archived: whether to list archived streams, too.
        """
        return lists.streams(_server(self), archived=archived)

    def templates(self) -> pd.DataFrame:
        """Postmark's own templates and layouts, one row each."""
        return lists.templates(_server(self))

    def messages(
        self,
        stream: str = "outbound",
        *,
        recipient: str | None = None,
        sender: str | None = None,
        tag: str | None = None,
        subject: str | None = None,
        status: Literal["queued", "sent"] | None = None,
        metadata: Mapping[str, str] | None = None,
        since: When = None,
        until: When = None,
        limit: int | None = None,
    ) -> pd.DataFrame:
        """The messages of a stream that Postmark has stored, 45 days by default.

        Args:
            stream: the ID of the stream; Postmark searches one at a time.
            recipient: an address in To, Cc or Bcc.
            sender: an address in From.
            tag: the tag.
            subject: a part of the subject.
            status: ``queued`` or ``sent``.
            metadata: one field, such as ``{"customer": "7"}``.
            since: the first day or time.
            until: the last day or time.
            limit: the maximum number of rows, the newest.
        """
        filters = {
            "messagestream": stream,
            "recipient": recipient,
            "fromemail": sender,
            "tag": tag,
            "subject": subject,
            "status": status,
        }
        return lists.messages(
            _server(self), filters, metadata=metadata, since=since, until=until, limit=limit
        )

    def bounces(
        self,
        *,
        stream: str | None = None,
        type: str | None = None,  # noqa: A002 - Postmark's name of the parameter
        inactive: bool | None = None,
        email: str | None = None,
        tag: str | None = None,
        message_id: str | None = None,
        since: When = None,
        until: When = None,
        limit: int | None = None,
    ) -> pd.DataFrame:
        """The bounces and spam complaints, one row each.

        Args:
            stream: the ID of a stream; by default all.
            type: such as ``HardBounce`` or ``SpamComplaint``.
            inactive: whether the bounce has deactivated the address.
            email: a part of the address.
            tag: the tag.
            message_id: the MessageID of a message.
            since: the first day or time.
            until: the last day or time.
            limit: the maximum number of rows, the newest.
        """
        filters = {
            "messagestream": stream,
            "type": type,
            "inactive": inactive,
            "emailFilter": email,
            "tag": tag,
            "messageID": message_id,
        }
        return lists.bounces(_server(self), filters, since=since, until=until, limit=limit)

    def suppressions(
        self,
        stream: str = "outbound",
        *,
        reason: Literal["HardBounce", "SpamComplaint", "ManualSuppression"] | None = None,
        origin: Literal["Recipient", "Customer", "Admin"] | None = None,
        email: str | None = None,
        since: When = None,
        until: When = None,
    ) -> pd.DataFrame:
        """The suppressed addresses of a stream, one row each; Postmark sends them nothing.

        Args:
            stream: the ID of the stream; each has its own list.
            reason: why they are suppressed; an unsubscribe is a ``ManualSuppression``.
            origin: who has suppressed them.
            email: one address.
            since: the first day or time.
            until: the last day or time.
        """
        filters = {"SuppressionReason": reason, "Origin": origin, "EmailAddress": email}
        return lists.suppressions(_server(self), stream, filters, since=since, until=until)

    def stats(
        self,
        by: Literal["day", "platform", "client", "browser", "location"] | None = None,
        *,
        stream: str | None = None,
        tag: str | None = None,
        since: When = None,
        until: When = None,
    ) -> pd.DataFrame:
        """The statistics of outbound email. Postmark counts recipients, in days of US Eastern.

        Privacy proxies open emails that nobody reads, and other people's opens are not seen: a
        count of opens is not a number of readers.

        Args:
            by: ``day`` for one row per day; ``platform``, ``client``, ``browser`` or ``location``
                for one row each. By default there is one row with all totals.
            stream: the ID of a stream; by default all.
            tag: the tag.
            since: the first day.
            until: the last day.
        """
        return stats.stats(_server(self), by, stream=stream, tag=tag, since=since, until=until)

    def suppress(self, addresses: str | Iterable[str], stream: str = "outbound") -> pd.DataFrame:
        """Suppress addresses, so that Postmark sends them nothing in a stream any more.

        Args:
            addresses: one address, a list or a Series.
            stream: the ID of the stream.

        Returns:
            One row per address, in the given order and with the index of a Series, and Postmark's
            ``Status`` (``Suppressed`` or ``Failed``) and ``Message``.

        Raises:
            AccountError: a request failed; its ``results`` have the addresses before.

        >>> import mailframe as mf
        >>> with mf.Sandbox(in_process=True) as sandbox:
        ...     sandbox.server.suppress(["ann@example.com", "bob@"])["Status"].tolist()
        ['Suppressed', 'Failed']
        """
        return changes.change_suppressions(
            _server(self), addresses, stream=stream, is_removal=False
        )

    def unsuppress(self, addresses: str | Iterable[str], stream: str = "outbound") -> pd.DataFrame:
        """Remove addresses from the suppressions of a stream, as ``suppress`` adds them.

        Postmark refuses it for a spam complaint: ``Status`` is then ``Failed``.
        """
        return changes.change_suppressions(_server(self), addresses, stream=stream, is_removal=True)

    def activate(self, bounce: int) -> pd.DataFrame:
        """Let Postmark send to the address of a bounce again.

        Args:
            bounce: its ID, from ``bounces()``; a row with ``CanActivate``.

        Returns:
            The bounce, with the columns of ``bounces()``.
        """
        return changes.activate(_server(self), bounce)


def _server(verbs: AccountVerbs) -> Postmark:
    return cast("Postmark", verbs)
