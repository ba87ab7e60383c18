"""A campaign that another ledger sends at the same time: Postmark's count, before each batch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailframe.errors import LedgerBehind, SearchError
from mailframe.message.message import CAMPAIGN_KEY
from mailframe.postmark import search
from mailframe.results import advice
from mailframe.send.states import MessageState, state_of, state_without_outcome

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mailframe.postmark.responses import Answer
    from mailframe.postmark.search import Queryable
    from mailframe.send.ledger import CampaignRecord, Ledger


class Recount:
    """Compares how many messages Postmark shows with those that this ledger may have sent.

    Postmark's search shows a message some time after it was accepted. So this bounds what two
    ledgers send twice to what one of them sends in that time, at least one batch.

    Args:
        server: the server that is asked.
        ledger: the ledger of the send.
        campaign: the campaign that is sent.
        streams: the streams that its messages go to.
    """

    def __init__(
        self,
        server: Queryable,
        ledger: Ledger,
        campaign: CampaignRecord,
        *,
        streams: Sequence[str],
    ) -> None:
        self._campaign, self._place, self._streams = campaign, ledger.place, streams
        self._searches = [
            search.MessageSearch(server, CAMPAIGN_KEY, campaign.tag, stream) for stream in streams
        ]
        unknown = ledger.counts(campaign).get(MessageState.UNKNOWN, 0)
        self._sent = ledger.expected_copies(campaign) + unknown

    def add(self, messages: int) -> None:
        """Count the messages of a batch that is about to be sent."""
        self._sent += messages

    def take_back(self, answer: Answer, *, messages: int) -> None:
        """Leave out those messages of a batch that were not accepted."""
        states = [state_of(outcome) for outcome in answer.outcomes]
        if not states:
            states = [state_without_outcome(answer)] * messages
        kept = (MessageState.ACCEPTED, MessageState.UNKNOWN)
        self._sent -= sum(state not in kept for state in states)

    def refuse_others(self) -> None:
        """Refuse to go on if Postmark shows more; a search that fails is left out.

        Raises:
            LedgerBehind: with both numbers.
        """
        try:
            held = sum(one.total() for one in self._searches)
        except SearchError:
            return  # a batch may be sent without it, as with recount=False
        if held > self._sent:
            name = self._campaign.name
            call = advice.adopt_call(name, ledger=self._place, streams=self._streams)
            raise LedgerBehind(
                f"Postmark has {held:,} messages of campaign {name!r}, and this ledger has sent at "
                f"most {self._sent:,}: another ledger is sending it. {call} reads them in when the "
                "other send has ended; nothing more was sent"
            )
