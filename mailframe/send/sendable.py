"""What a send needs of a campaign: its rows, their checks and their messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pandas as pd

    from mailframe.message.given_frame import GivenFrame
    from mailframe.message.groups import Groups
    from mailframe.message.message import Message
    from mailframe.message.preflight import Mask, Preflight
    from mailframe.message.row_names import RowNames
    from mailframe.problems import Problem


class Sendable(Protocol):
    """A campaign that can be sent.

    ``Composed`` renders a frame in this process; ``MessageDataset`` reads messages that other
    processes have rendered.
    """

    @property
    def rows(self) -> int:
        """The number of rows."""

    @property
    def frame(self) -> pd.DataFrame:
        """One row per message; the results have its columns and index."""

    def key_parts(self) -> Iterator[Any]:
        """The key columns of all rows, in parts: frames, or Arrow tables with one schema."""

    @property
    def given(self) -> GivenFrame:
        """The frame as the caller gave it, whose kind the results have."""

    @property
    def name(self) -> str | None:
        """The name of the campaign."""

    @property
    def key(self) -> tuple[str, ...]:
        """The columns of the key; empty for the address."""

    @property
    def names(self) -> RowNames:
        """The names of the rows, for texts."""

    @property
    def groups(self) -> Groups:
        """Who may get a message, and which one."""

    @property
    def letter_fingerprint(self) -> bytes:
        """The fingerprint of the letter that the ledger records."""

    @property
    def has_many_recipients(self) -> bool:
        """Whether a message may have several recipients in To."""

    @property
    def has_copies(self) -> bool:
        """Whether a message may have other recipients than the first one in To."""

    def preflight(
        self,
        *,
        live: bool = False,
        again: bool = False,
        with_digests: bool = False,
        watch: Callable[[int], None] | None = None,
    ) -> Preflight:
        """The preflight check; see ``Composed.preflight``."""

    def messages(
        self, preflight: Preflight, *, live: bool, wanted: Mask
    ) -> Iterator[Message | Problem]:
        """The messages of some rows as they were checked; a problem in the place of another one."""

    def fingerprint(self, *, sending: Preflight | None = None) -> str:
        """The fingerprint for an approval."""
