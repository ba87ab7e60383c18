"""The outcome of a simulation, in numbers."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import pandas as pd

OUTCOMES: Final = ("delivered", "bounced", "opened", "clicked", "complained", "unsubscribed")
_NOTES: Final = {
    "untracked": "opened or clicked in messages without tracking: Postmark would not record it "
    "(`tracked=True` leaves it out)",
    "without_link": "did not click, because the message has no link that counts",
    "without_unsubscribe": "did not unsubscribe, because the message has no unsubscribe link",
}


@dataclass(slots=True)
class Aftermath:
    """How many of each outcome; each number but the first and ``later`` counts recipients.

    Attributes:
        messages: the messages that were simulated.
        recipients: their recipients.
        delivered: those to whom it did not bounce.
        bounced: those to whom it bounced.
        opened: those who open it.
        clicked: those who click a link.
        complained: those who mark it as spam.
        unsubscribed: those who unsubscribe.
        later: the events that have not happened yet; ``sandbox.advance`` moves the clock.
        untracked: those who open or click, though the message does not track it.
        without_link: those who would click, if the message had a link that counts.
        without_unsubscribe: those who would unsubscribe, if the message had a link for it.
    """

    messages: int = 0
    recipients: int = 0
    delivered: int = 0
    bounced: int = 0
    opened: int = 0
    clicked: int = 0
    complained: int = 0
    unsubscribed: int = 0
    later: int = 0
    untracked: int = 0
    without_link: int = 0
    without_unsubscribe: int = 0

    def as_dict(self) -> dict[str, int]:
        """The numbers by name."""
        return asdict(self)

    def frame(self) -> pd.DataFrame:
        """One row for each outcome: recipients, and their share of all recipients."""
        import pandas as pd  # noqa: PLC0415 - the sandbox runs without pandas

        from mailframe.pandas_versions import text_labels  # noqa: PLC0415 - as above

        counts = [getattr(self, name) for name in OUTCOMES]
        shares = [count / self.recipients if self.recipients else 0.0 for count in counts]
        index = text_labels(OUTCOMES, "outcome")
        return pd.DataFrame({"recipients": counts, "share": shares}, index=index)

    @property
    def notes(self) -> list[str]:
        """What kept the numbers from the rates, one sentence each."""
        counts = {name: getattr(self, name) for name in _NOTES}
        return [f"{counts[name]:,} {text}" for name, text in _NOTES.items() if counts[name]]

    def __repr__(self) -> str:
        outcomes = ", ".join(f"{getattr(self, name):,} {name}" for name in OUTCOMES)
        noun = "message" if self.messages == 1 else "messages"
        later = f"; {self.later:,} events to come" if self.later else ""
        lines = [f"{self.messages:,} {noun}: {outcomes}{later}", *self.notes]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        from mailframe.pages.summary import Summary  # noqa: PLC0415 - the template engine

        return Summary(
            "Aftermath",
            about="what the recipients did",
            counts=[(f"{getattr(self, name):,}", name, "") for name in OUTCOMES],
            lines=[("Messages", f"{self.messages:,}"), ("Events to come", f"{self.later:,}")],
            note=". ".join(self.notes),
        ).html()
