"""A composed campaign: a frame, the letter that is bound to it, and the results that it keeps."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar

from mailframe.counting import counted
from mailframe.message.binding import bind
from mailframe.message.checked_rows import checked_messages
from mailframe.message.fingerprint import (
    campaign_fingerprint,
    letter_digest,
    recorded_fingerprint,
    variants_digest,
)
from mailframe.message.groups import NO_GROUPS
from mailframe.message.preflight import Preflight, run_preflight
from mailframe.message.row_names import RowNames
from mailframe.message.variants import check_variants, messages_of_variants, rows_of_variants
from mailframe.notebook import rows_bar
from mailframe.pages.text import one_line
from mailframe.problems import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import pandas as pd

    from mailframe.letter.letter import Letter
    from mailframe.message.binding import BoundLetter
    from mailframe.message.given_frame import GivenFrame
    from mailframe.message.groups import Groups
    from mailframe.message.message import Message
    from mailframe.message.preflight import Mask
    from mailframe.notebook import RowsBar
    from mailframe.problems import Problem

TourT = TypeVar("TourT")

_BAR_ROWS: Final = 16
"""A bar is advanced by so many rows."""


def _advance(bar: RowsBar, position: int) -> None:
    """Advance the bar before the row at *position* is checked."""
    if position and position % _BAR_ROWS == 0:
        bar.update(_BAR_ROWS)


class Composed:
    """The inner value of a ``Campaign``, which the rooms for sending and for review share.

    It never changes, but it keeps the preflight checks and the tour after they were made once.

    Args:
        letter: the templates.
        given: the caller's frame, with one row per message.
        key: the columns of the key; empty for the address.
        name: the name of the campaign.
        groups: who may get a message, and which.
        variants: the letters in the order of ``groups.variants``, in place of *letter*.

    Attributes:
        given, key, name, groups: the arguments of the same names.
        frame: the rows of *given*.
        bounds: the letters, compiled against the frame; one without variants.
        bound: the first of them.
        variants: the rows of each variant; empty without variants.
        names: the names of the rows, for texts.

    Raises:
        LetterError: see ``bind``.
        FrameError: see ``bind``.
    """

    __slots__ = (
        "_live_preflight",
        "_preflight",
        "_tour",
        "bound",
        "bounds",
        "frame",
        "given",
        "groups",
        "key",
        "name",
        "names",
        "variants",
    )

    def __init__(
        self,
        letter: Letter,
        given: GivenFrame,
        *,
        key: tuple[str, ...],
        name: str | None,
        groups: Groups = NO_GROUPS,
        variants: Sequence[Letter] = (),
    ) -> None:
        self.given, self.frame, self.key, self.name = given, given.rows, key, name
        self.groups = groups
        self.bounds = tuple(bind(one, self.frame) for one in variants or (letter,))
        self.bound = self.bounds[0]
        self.variants = (
            ()
            if groups.variant is None
            else rows_of_variants(groups.variants, self.bounds, groups.variant)
        )
        self.names = RowNames(self.frame, key)
        self._preflight: Preflight | None = None
        self._live_preflight: Preflight | None = None
        self._tour: object = None

    @property
    def rows(self) -> int:
        """The number of rows."""
        return len(self.frame)

    def key_parts(self) -> Iterator[pd.DataFrame]:
        """The key columns of all rows."""
        yield self.frame[list(self.key)]

    def preflight(
        self,
        *,
        live: bool = False,
        again: bool = False,
        with_digests: bool = False,
        watch: Callable[[int], None] | None = None,
    ) -> Preflight:
        """The preflight check without the rows that compose leaves out; it runs once and is kept.

        Args:
            live: whether to apply the stricter rules for a live server; by default those that hold
                for every server.
            again: whether to discard the kept check and repeat it; files or cells may have changed.
            with_digests: whether a check that runs now makes the digests of the messages at once.
            watch: a function called with the position of each row before the row is checked; by
                default a bar is shown if the check takes long.
        """
        if again:
            self._preflight = self._live_preflight = None
        kept = self._live_preflight if live else self._preflight
        if kept is not None:
            return kept
        check = partial(self._check, live=live, with_digests=with_digests)
        if watch is not None:
            preflight = check(watch=watch)
        else:
            with rows_bar("checking", len(self.frame)) as bar:
                preflight = check(watch=partial(_advance, bar))
        preflight = self.groups.left(preflight)
        if live:
            self._live_preflight = preflight
        else:
            self._preflight = preflight
        return preflight

    def _check(self, *, live: bool, with_digests: bool, watch: Callable[[int], None]) -> Preflight:
        options: Any = {"live": live, "with_digests": with_digests, "watch": watch}
        if self.variants:
            return check_variants(self.variants, self.frame, self.key, **options)
        return run_preflight(self.bound, self.frame, self.key, **options)

    def bound_of(self, position: int) -> BoundLetter:
        """The letter of a row."""
        places = self.groups.variant
        return self.bound if places is None else self.bounds[places[position]]

    @property
    def title(self) -> str:
        """The campaign in one line: its name, rows, letter and key; no value of a row."""
        letter, name = self.bound.letter, f"Campaign {self.name!r}" if self.name else "Campaign"
        of_letter = [
            f"letter {letter.folder.name!r}" if letter.folder and not self.variants else "",
            f"subject {shown(letter.subject)}"
            if isinstance(letter.subject, str) and not letter.folder and not self.variants
            else "",
            f"template {shown(letter.template)}" if isinstance(letter.template, str | int) else "",
        ]
        key = f"key {one_line(', '.join(map(str, self.key)))}" if self.key else ""
        names = ", ".join(map(one_line, self.groups.variants))
        variants = f"variants {names}" if names else ""
        parts = [counted(len(self.frame), "row"), *of_letter, variants, key]
        return f"{name}: {', '.join(filter(None, parts))}"

    @property
    def kept_preflight(self) -> Preflight | None:
        """The preflight check with the rules for every server; None if it has not run yet."""
        return self._preflight

    def messages(
        self, preflight: Preflight, *, live: bool, wanted: Mask
    ) -> Iterator[Message | Problem]:
        """The messages of some rows as they were checked; see ``checked_messages``."""
        if self.variants:
            return messages_of_variants(self.variants, preflight, live=live, wanted=wanted)
        return checked_messages(self.bound, preflight, live=live, wanted=wanted)

    @property
    def letter_fingerprint(self) -> bytes:
        """The fingerprint of the letter that the ledger records."""
        return recorded_fingerprint(self._letter_digest)

    @property
    def _letter_digest(self) -> bytes:
        digests = [letter_digest(bound) for bound in self.bounds]
        if not self.variants:
            return digests[0]
        return variants_digest(self.groups.variants, digests, self.groups.rule)

    @property
    def has_many_recipients(self) -> bool:
        """Whether a message may have several recipients in To."""
        return any("to[1]" in bound.sources for bound in self.bounds)

    @property
    def has_copies(self) -> bool:
        """Whether a message may have other recipients than the first one in To."""
        return any(bound.has_copies for bound in self.bounds)

    def fingerprint(self, *, sending: Preflight | None = None) -> str:
        """The fingerprint for an approval; see ``campaign_fingerprint``.

        Args:
            sending: the check of the messages that are about to be sent, if it is another one.
        """
        return campaign_fingerprint(
            self._letter_digest,
            self.preflight(),
            name=self.name,
            key=self.key,
            sending=sending,
        )

    def kept_tour(self, kind: type[TourT]) -> TourT | None:
        """The tour that was kept; None if there is none.

        Args:
            kind: the class of tours, which this room does not import.
        """
        return self._tour if isinstance(self._tour, kind) else None

    def keep_tour(self, tour: TourT) -> TourT:
        """Keep a tour of all rows, and return it."""
        self._tour = tour
        return tour
