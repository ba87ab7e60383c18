"""Campaign: a frame, a letter, a name and a key. Frozen; every verb returns a frame or something to look at."""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from mailframe import batch
from mailframe.binding import BoundLetter, bind, check_frame
from mailframe.errors import LetterError, MailframeError
from mailframe.inspection import Inspection, Plan, checked_messages, inspect
from mailframe.keys import key_columns
from mailframe.ledger import DEFAULT_LEDGER, ledger_path
from mailframe.letter import Letter
from mailframe.message import Message
from mailframe.messages import messages_frame
from mailframe.prepare import single_message
from mailframe.problems import problems_frame
from mailframe.send import send
from mailframe.sender import Options, Run

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterator, Sequence

    import pandas as pd

    from mailframe.message import Batch
    from mailframe.postmark import Postmark


def compose(
    df: pd.DataFrame,
    letter: Letter | None = None,
    *,
    name: str | None = None,
    key: str | Sequence[str] | None = None,
    **letter_fields: Any,
) -> Campaign:
    """A campaign: one message per row of *df*, written by *letter*. Nothing is rendered or sent yet.

    Args:
        df: one row per message. A private copy is taken, so later changes of it change nothing here.
        letter: the templates; its fields may also be given one by one, or some of them changed.
        name: of the campaign; what a person would call it.
        key: the column, or columns, that tell one row from another; by default the address.
        **letter_fields: fields of ``mf.Letter``.

    Raises:
        NotAFrame: *df* is no DataFrame.
        FrameError: columns in several levels; a key column that is not there.
        LetterError: templates that do not compile, or that use columns which *df* does not have.

    >>> people = pd.DataFrame({"email": ["ann@example.com"], "name": ["Ann"]})
    >>> compose(people, sender="me@acme.example", to="{{ email }}", text_body="Hi {{ name }}", name="hello")
    <Campaign 'hello': 1 row, <Letter: sender, to, text_body>>
    """
    frame = check_frame(df).copy(deep=False)
    if letter is not None and not isinstance(letter, Letter):
        raise LetterError(f"compose takes an mf.Letter, not a {type(letter).__name__}; mf.Letter.load reads a folder")
    given: object = name
    if given is not None and not (isinstance(given, str) and given.strip() and given.isprintable()):
        raise LetterError(f"name={name!r}: a campaign's name is a line of text")
    whole = (letter or Letter()).replace(**letter_fields)
    columns = key_columns(frame, key)
    return Campaign(frame=frame, letter=whole, name=name, key=columns, _bound=bind(whole, frame))


@dataclass(frozen=True, slots=True, eq=False)
class Campaign:
    """A frame, a letter, a name and a key; made by ``df.mail.compose(…)``.

    Attributes:
        frame: the private copy of the caller's frame.
        letter: the templates.
        name: what a person calls it.
        key: the columns that tell one row from another; empty for the address.
    """

    frame: pd.DataFrame
    letter: Letter
    name: str | None
    key: tuple[str, ...]
    _bound: BoundLetter = field(repr=False)
    _inspections: dict[bool, Inspection] = field(default_factory=dict, repr=False)

    def messages(self) -> pd.DataFrame:
        """Every message as Postmark's fields: one row per row of the frame, with its index.

        Returns:
            Columns ``From``, ``To``, ``Subject`` and so on, as far as the letter has them, and ``size``, the
            bytes of the message as it is posted. A part that has an error is a gap.
        """
        return messages_frame(self._bound, self.frame.index)

    def message(self, position: int) -> Message:
        """The message of the row at *position* (``frame.iloc[position]``), for ``Postmark.send_email``.

        Raises:
            IndexError: there is no such row.
            LetterError: the row has errors; the text names them.
        """
        return single_message(self._bound, position)

    def problems(self) -> pd.DataFrame:
        """Every problem of every row, ordered by row: columns ``row, field, code, severity, detail``.

        ``row`` is the position in the frame, so ``campaign.frame.iloc[problems["row"].dropna()]`` shows the
        rows; it is missing for a problem of the letter as a whole. Codes are listed in ``docs/problems.md``.
        """
        return problems_frame(self._inspect().problems)

    def plan(self, *, ledger: str | os.PathLike[str] | None = DEFAULT_LEDGER) -> Plan:
        """What ``send`` would do, as one line: rows, messages, batches, MB, and what is held back and why.

        Args:
            ledger: as for ``send``; with None the plan says that nobody will remember who got it.
        """
        return Plan.of(self.name, self._inspect(), remembered=ledger is not None)

    def batches(self) -> Iterator[Batch]:
        """The batches that ``send`` would post, in row order; rows with errors are left out (see ``problems``).

        Each has at most 500 messages and 50 MB, with the ``positions`` of its rows and the ``body`` itself.
        """
        found = self._inspect()
        return batch.batches(m for m in checked_messages(self._bound, found) if isinstance(m, Message))

    def send(
        self,
        server: Postmark,
        *,
        on_invalid: Literal["raise", "skip"] = "raise",
        limit: int | None = None,
        workers: int = 1,
        progress: bool = True,
        ledger: str | os.PathLike[str] | None = DEFAULT_LEDGER,
        allow_changed: bool = False,
        allow_repeat: bool = False,
        resend: Iterable[object] | None = None,
    ) -> pd.DataFrame:
        """Post every message in batches and return the frame with an answer for each row.

        Args:
            server: ``sandbox.server`` or ``mf.Postmark()``.
            on_invalid: what to do when a row has an error: ``raise`` sends nothing at all, ``skip`` sends the
                others and lists these as ``invalid``.
            limit: send the first so many messages only; the others stay ``unsent``.
            workers: batches under way at once. At most so many can be in doubt after a crash.
            progress: draw a bar; never anything else is printed.
            ledger: the file that remembers who has what; by default one for each user (``MAILFRAME_LEDGER``
                names another). None sends without memory: running the cell again then sends again.
            allow_changed: when some people have this campaign with an earlier letter, send the new one to the
                others. Nobody gets both.
            allow_repeat: send although the same people have the very same mail under another campaign's name.
            resend: keys of rows that go out again although they were accepted or rejected before.

        Returns:
            The caller's rows, order, index and columns, and ``status``, ``reason``, ``MessageID``,
            ``ErrorCode``, ``Message``, ``SubmittedAt``, ``To``, ``batch``. A batch that got no clear answer is
            ``unknown``, is never repeated, and ends the run: what comes after it is ``unsent``. An interrupt
            (the notebook's ■) ends it after the batch in flight, a second one at once.

        Raises:
            InvalidRows: a row has an error and *on_invalid* is ``raise``; nothing was sent.
            SendError: the run could not go on: TokenRefused, RequestRefused, EveryoneRejected, ServerBusy,
                ServerUnreachable. Each carries ``.results``.
        """
        options = Options(
            on_invalid=on_invalid,
            limit=limit,
            workers=workers,
            progress=progress,
            ledger=ledger_path(ledger),
            allow_changed=allow_changed,
            allow_repeat=allow_repeat,
            resend=None if resend is None else _listed(resend),
        )
        run = Run(self.frame, self._bound, self.key, self.name, self._inspections)
        return send(run, server, options)

    def pipe(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Call ``function(campaign, …)`` within a chain, as in pandas."""
        return function(self, *args, **kwargs)

    def _inspect(self) -> Inspection:
        if False not in self._inspections:
            self._inspections[False] = inspect(self._bound, self.frame, self.key)
        return self._inspections[False]

    def __repr__(self) -> str:
        rows = f"{len(self.frame):,} row{'' if len(self.frame) == 1 else 's'}"
        return (
            f"<Campaign {self.name!r}: {rows}, {self.letter!r}>"
            if self.name
            else f"<Campaign: {rows}, {self.letter!r}>"
        )

    def _repr_html_(self) -> str:
        """What Jupyter shows: who, what, and what to do next."""
        shown = html.escape(repr(self)[1:-1])
        return (
            f'<div class="tex2jax_ignore mathjax_ignore"><b>{shown}</b><br>'
            "next: <code>.problems()</code> · <code>.plan()</code> · <code>.messages()</code> · "
            "<code>.send(sandbox.server)</code></div>"
        )


def _listed(resend: object) -> list[object]:
    """The keys of a list, a Series or the like; a text would be taken letter by letter."""
    if isinstance(resend, str | bytes | Mapping) or not isinstance(resend, Iterable):
        raise MailframeError(f"resend={resend!r} is no list of keys; write resend=[{resend!r}]")
    return list(resend)
