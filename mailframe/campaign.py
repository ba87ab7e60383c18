"""Campaign: a frame, a letter, a name and a key. Frozen; every verb returns a frame or something to look at."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, Literal

from mailframe.errors import LetterError
from mailframe.letter.copying import made
from mailframe.letter.letter import FIELDS, Letter
from mailframe.letter.suggestions import refuse_unknown
from mailframe.message import batch, row_selection
from mailframe.message.binding import BoundLetter, bind, check_frame
from mailframe.message.composed import Composed
from mailframe.message.fingerprint import fingerprint
from mailframe.message.frame import messages_frame
from mailframe.message.keys import key_columns
from mailframe.message.models import Message
from mailframe.message.pipeline import single_message
from mailframe.message.preflight import Plan, Preflight, checked_messages
from mailframe.message.problem_frame import problems_frame
from mailframe.paths import DEFAULT_LEDGER, ledger_path
from mailframe.review.diff.campaigns import campaigns_difference
from mailframe.review.diff.rows import rows_difference
from mailframe.review.preview.opening import (
    contact_sheet,
    preview,
    quick_tour,
    refuse_foreign,
    stops,
)
from mailframe.review.preview.summary import summary
from mailframe.review.tour import tour
from mailframe.send.ledger import plain_name
from mailframe.send.options import SendOptions, key_list
from mailframe.send.run import send
from mailframe.send.test_emails import MAX_TEST_EMAILS, send_test

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence

    import pandas as pd

    from mailframe.message.models import Batch
    from mailframe.message.row_selection import Rows
    from mailframe.postmark.client import Postmark
    from mailframe.review.diff.difference import Difference
    from mailframe.review.preview.opening import StaticPreview
    from mailframe.review.preview.pages import Page
    from mailframe.review.preview.widget import Preview
    from mailframe.review.tour import Tour


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
        name: of the campaign. White space around it is dropped, and composed and decomposed letters (NFC and
            NFD) are one name.
        key: the column, or columns, that tell one row from another; by default the address.
        **letter_fields: fields of ``mf.Letter``.

    Raises:
        NotAFrame: *df* is no DataFrame.
        FrameError: columns in several levels; a key column that is not there.
        LetterError: templates that do not compile, or that use columns which *df* does not have.

    >>> people = pd.DataFrame({"email": ["ann@example.com"], "name": ["Ann"]})
    >>> compose(people, sender="me@acme.example", to="{{ email }}", subject="Hi", text_body="Hi {{ name }}", name="hi")
    <Campaign 'hi': 1 row, <Letter: sender, to, subject, text_body>>
    """
    frame = check_frame(df).copy(deep=False)
    if letter is not None and not isinstance(letter, Letter):
        raise LetterError(
            f"compose takes an mf.Letter, not a {type(letter).__name__}; mf.Letter.load reads a folder"
        )
    refuse_unknown(letter_fields, [*FIELDS, "letter", "name", "key"])
    whole = (letter or Letter()).replace(**letter_fields)
    return Campaign(frame=frame, letter=whole, name=name, key=key_columns(frame, key))


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
    _bound: BoundLetter = field(init=False, repr=False)
    _inspections: dict[bool, Preflight] = field(init=False, default_factory=dict, repr=False)
    _tours: list[Tour] = field(init=False, default_factory=list, repr=False)

    def __post_init__(self) -> None:
        key_columns(check_frame(self.frame), list(self.key) or None)
        object.__setattr__(self, "name", _checked_name(self.name))
        object.__setattr__(self, "_bound", bind(self.letter, self.frame))

    def messages(self) -> pd.DataFrame:
        """Every message as Postmark's fields: one row per row of the frame, with its index.

        Returns:
            Columns ``From``, ``To``, ``Subject`` and so on, as far as the letter has them, and ``size``, the
            bytes of the message as it is posted. A part that has an error is a gap.
        """
        return messages_frame(self._bound, self.frame.index)

    def message(self, row: Hashable = row_selection.NOT_GIVEN, *, key: object = None) -> Message:
        """The message of one row, for ``Postmark.send_email``.

        Args:
            row: its label in the frame's index.
            key: instead of the label, its key; a tuple for a key of several columns.

        Raises:
            FrameError: there is no such row, or the label names several.
            LetterError: the row has errors; the text names them.
        """
        position = row_selection.one(self.frame, self.key, row=row, key=key)
        return single_message(self._bound, position, name=self._run().names.of(position))

    def problems(self) -> pd.DataFrame:
        """Every problem of every row, ordered by row; ``docs/problems.md`` lists the codes.

        Returns:
            Columns ``row`` (the row's label in the frame's index; missing for the letter as a whole), ``key`` (where
            the campaign has one), ``field``, ``code``, ``severity`` (``error`` or ``warning``), ``detail``, ``value``
            (what broke the rule) and ``position`` (in ``campaign.frame``, from 0), by which the frame is joined,
            whatever its index.

        >>> people = pd.DataFrame({"email": ["ann@example.com", "bob@"]}, index=["a", "a"])
        >>> campaign = compose(people, sender="me@acme.example", to="{{ email }}", subject="Hi", text_body="Hi")
        >>> found, by_position = campaign.problems(), campaign.frame.reset_index(drop=True)
        >>> joined = found.merge(by_position, how="left", left_on="position", right_index=True)
        >>> print(joined[["row", "code", "email"]].to_string(index=False))
        row            code email
          a invalid_address  bob@
        """
        return problems_frame(self._run().inspected().problems, self._run().names)

    def tour(self, *, progress: bool = True) -> Tour:
        """The fewest rows that take every branch of every template, then the longest, shortest and emptiest ones.

        Every row is rendered once, or a spread sample of 100,000 of a larger frame, and the tour says so. Rows
        with errors are chosen only for what no other row shows.

        Args:
            progress: draw a bar.

        Returns:
            A ``Tour``: its ``frame()`` is one row per chosen row with the reason, its ``untaken`` the branches
            that no row takes, with template and line.
        """
        if not self._tours or self._tours[-1].sampled:
            self._tours[:] = [
                tour(self._bound, self.frame.index, names=self._run().names, progress=progress)
            ]
        return self._tours[-1]

    def preview(
        self,
        rows: Rows | None = None,
        *,
        key: object = None,
        static: bool | None = None,
        mask: bool | None = None,
        save: bool = True,
    ) -> Preview | StaticPreview:
        """See what people will get, one row at a time, isolated from the notebook: a widget or a static page.

        Only the row that is shown is rendered, so it opens at once on any frame.

        Args:
            rows: those that it opens on: labels of the index, such as ``problems()["row"]``, a boolean Series, or
                a ``Tour``; by default the tour, over a sample of 500 rows as long as ``tour()`` was not called.
            key: instead of *rows*, one key or a list of them; a tuple for a key of several columns.
            static: True for a page without widgets, False for widgets; by default what ``MAILFRAME_PREVIEW``
                (``widget``, ``static``, ``auto``) says, and with ``auto`` what fits where it runs.
            mask: True shows the shape of each value in place of the value ("Xxx"). By default the screen shows
                values, and what a saved notebook keeps beside a widget, unseen, is masked; False keeps values.
            save: False leaves nothing of a row in a saved notebook beside the widget; a page shows nothing then.

        Returns:
            Both kinds have ``save(path)``, which writes one self-contained page of the tour for a colleague who
            approves, and ``close()``.

        Raises:
            FrameError: a label that the index does not have, or a key that no row has.
            MissingExtra: ``static=False`` without ipywidgets.
        """
        rows = row_selection.named(self.frame, self.key, rows=rows, key=key)
        return preview(self._run(), rows, tours=self._tours, static=static, mask=mask, save=save)

    def gallery(
        self,
        rows: Rows | None = None,
        n: int | None = None,
        *,
        key: object = None,
        mask: bool = False,
    ) -> Page:
        """Messages side by side, at most 60 of them, as a static page of small frames; ``save(path)`` writes it.

        Args:
            rows: as for ``preview``; by default the tour, and then rows spread over the frame.
            n: how many; by default all that *rows* names, or 12.
            key: instead of *rows*, as for ``preview``.
            mask: show the shape of each value in place of the value.
        """
        rows = row_selection.named(self.frame, self.key, rows=rows, key=key)
        return contact_sheet(self._run(), rows, n=n, tours=self._tours, mask=mask)

    def diff(
        self,
        a: Campaign | Hashable = row_selection.NOT_GIVEN,
        b: Hashable = row_selection.NOT_GIVEN,
        *,
        key: tuple[object, object] | None = None,
        progress: bool = True,
    ) -> Difference:
        """What differs, word by word: from one row to another, or from this campaign to an edited one.

        With another campaign the rows are matched by their key where both have the same key columns, else by
        position where the indexes are equal, else by label; changes that are the same edit are one group.

        Args:
            a: a row's label, or a campaign.
            b: the other row's label.
            key: instead of two labels, the keys of both rows.
            progress: draw a bar while two campaigns are compared.

        Returns:
            A ``Difference``: its ``frame()`` is one row per changed field of two rows, or per changed row of
            two campaigns.

        Raises:
            FrameError: a label that is not there or that names several rows; rows that cannot be matched.
        """
        if isinstance(a, Campaign):
            row_selection.refuse_rows(rows=(b,), key=key)
            return campaigns_difference(self._run(), a._run(), progress=progress)  # noqa: SLF001 - of the same class
        old, new = row_selection.two(self.frame, self.key, rows=(a, b), key=key)
        return rows_difference(self._run(), old, new)

    @property
    def fingerprint(self) -> str:
        """Twenty hexadecimal digits that stand for letter, frame and settings; ``send(…, approved=…)`` takes them.

        Another one as soon as a message, a key, the rows, their order, the name or what is held back is another.
        Every row is rendered for it once; columns that nothing uses, the index and dtypes do not matter.
        """
        return fingerprint(self._bound, self._run().inspected(), name=self.name, key=self.key)

    def plan(self, *, ledger: str | os.PathLike[str] | None = DEFAULT_LEDGER) -> Plan:
        """What ``send`` would do, as one line: rows, messages, batches, MB, and what is held back and why.

        Args:
            ledger: as for ``send``; with None the plan says that nobody will remember who got it.
        """
        return Plan.of(self.name, self._run().inspected(), remembered=ledger is not None)

    def batches(self) -> Iterator[Batch]:
        """The batches that ``send`` would post, in row order; rows with errors are left out (see ``problems``).

        Each has at most 500 messages and 50 MB, with the ``positions`` of its rows and the ``body`` itself.
        """
        found = self._run().inspected()
        return batch.batches(
            m for m in checked_messages(self._bound, found) if isinstance(m, Message)
        )

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
        approved: str | None = None,
    ) -> pd.DataFrame:
        """Post every message in batches and return the frame with an answer for each row.

        Args:
            server: ``sandbox.server`` or ``mf.Postmark()``.
            on_invalid: what to do when a row has an error: ``raise`` sends nothing at all, ``skip`` sends the
                others and lists these as ``invalid``.
            limit: send so many messages only; the others stay ``unsent``. With a ledger the next call sends the
                next ones, so ``limit=100`` today and ``limit=1_000`` tomorrow is a ramp-up.
            workers: batches under way at once. At most so many can be in doubt after a crash.
            progress: draw a bar; never anything else is printed.
            ledger: the file that remembers who has what; by default one for each user (``MAILFRAME_LEDGER``
                names another). None sends without memory: running the cell again then sends again.
            allow_changed: when some people have this campaign with an earlier letter, send the new one to the
                others. Nobody gets both.
            allow_repeat: send although the same people have, or may have, the identical message: under another
                name, under another key, or twice in this frame.
            resend: keys of rows that go out again although they were accepted or rejected before.
            approved: the ``fingerprint`` that a person approved; with another one now, nothing is sent.
                Case, blanks and dashes do not matter.

        Returns:
            The caller's rows, order, index and columns, and ``status``, ``reason``, ``MessageID``,
            ``ErrorCode``, ``Message``, ``SubmittedAt``, ``To``, ``batch``. A batch that got no clear answer is
            ``unknown``, is never repeated, and ends the run: what comes after it is ``unsent``. An interrupt
            (the notebook's ■) ends it after the batch in flight, a second one at once.

        Raises:
            InvalidRows: a row has an error and *on_invalid* is ``raise``; nothing was sent.
            NotApproved: the fingerprint is not the one that was approved; nothing was sent.
            SendError: the run could not go on: TokenRefused, RequestRefused, EveryoneRejected, ServerBusy,
                ServerUnreachable. Each carries ``.results``.
        """
        options = SendOptions(
            on_invalid=on_invalid,
            limit=limit,
            workers=workers,
            progress=progress,
            ledger=ledger_path(ledger),
            allow_changed=allow_changed,
            allow_repeat=allow_repeat,
            resend=None if resend is None else key_list(resend),
            approved=approved,
        )
        return send(self._run(), server, options)

    def send_test(
        self, server: Postmark, to: str, rows: Rows | None = None, *, key: object = None
    ) -> pd.DataFrame:
        """Send some rows' messages to one's own address, marked as tests; nobody of the campaign gets anything.

        ``To``, ``Cc`` and ``Bcc`` become *to*, the subject begins with ``[Test row 17]``, with the row's label, and the
        metadata hold ``mf-test``; all else is what the row would get, also its unsubscribe link. The ledger is not
        touched.

        Args:
            server: ``sandbox.server`` or ``mf.Postmark()``.
            to: the address, with or without a name.
            rows: as for ``preview``, at most 50; by default the first 50 of the tour.
            key: instead of *rows*, as for ``preview``.

        Returns:
            The chosen rows with the nine columns of a results frame. An ``unknown`` ends it; ■ ends it at once.

        Raises:
            MailframeError: *to* is no single address, or there are too many rows; nothing was sent.
            SendError: the run could not go on; carries ``.results``.
        """
        rows = row_selection.named(self.frame, self.key, rows=rows, key=key)
        if rows is None:  # a long tour begins with the branches
            first = [
                position
                for position, _ in stops(self._run(), None, quick_tour(self._run(), self._tours))
            ]
            return send_test(self._run(), server, to=to, positions=first[:MAX_TEST_EMAILS])
        refuse_foreign(self._run(), rows)
        return send_test(
            self._run(), server, to=to, positions=row_selection.positions(self.frame.index, rows)
        )

    def pipe(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Call ``function(campaign, …)`` within a chain, as in pandas."""
        return function(self, *args, **kwargs)

    def __reduce__(self) -> tuple[Any, ...]:
        """A pickle and a copy hold what it was made from; what was compiled and looked at is made again."""
        given = {each.name: getattr(self, each.name) for each in fields(self) if each.init}
        return made, (type(self), given)

    def _run(self) -> Composed:
        return Composed(self.frame, self._bound, self.key, self.name, self._inspections)

    def __repr__(self) -> str:
        rows = f"{len(self.frame):,} row{'' if len(self.frame) == 1 else 's'}"
        return (
            f"<Campaign {self.name!r}: {rows}, {self.letter!r}>"
            if self.name
            else f"<Campaign: {rows}, {self.letter!r}>"
        )

    def _repr_html_(self) -> str:
        """What Jupyter shows: what it is, its first message with masked values, and what to do next."""
        return summary(self._run(), repr(self)[1:-1])


def _checked_name(name: object) -> str | None:
    """The name as the ledger notes it; two spellings of it would be two campaigns.

    Raises:
        LetterError: it is not a line of text.
    """
    if name is None:
        return None
    plain = plain_name(name) if isinstance(name, str) else ""
    if not (plain and plain.isprintable()):
        raise LetterError(f"name={name!r}: a campaign's name is a line of text")
    return plain
