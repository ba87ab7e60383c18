"""Campaign: a frame, a letter, a name and a key. Every method is a short call of another room."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar, overload

from mailframe.letter.pickling import construct
from mailframe.message import batch, messages_frame, row_selection
from mailframe.message.campaign_name import checked_name
from mailframe.message.composed import Composed
from mailframe.message.given_frame import FrameT, given_frame
from mailframe.message.groups import NO_GROUPING, Grouping, groups_of
from mailframe.message.keys import key_columns
from mailframe.message.message import Message
from mailframe.message.pipeline import single_message
from mailframe.message.problem_frame import problems_of
from mailframe.paths import DEFAULT_LEDGER
from mailframe.postmark.templates import template_rendering
from mailframe.send.planning import plan_of
from mailframe.send.send_method import SendMethod
from mailframe.send.test_emails import MAX_TEST_EMAILS, send_test

if TYPE_CHECKING:
    import datetime as dt
    import os
    from collections.abc import Callable, Hashable, Iterator, Mapping
    from typing import Self

    import pandas as pd

    from mailframe.letter.letter import Letter
    from mailframe.message.plan import Plan
    from mailframe.message.row_selection import Rows
    from mailframe.paths import LedgerName
    from mailframe.postmark.client import Postmark
    from mailframe.review.diff.difference import Difference
    from mailframe.review.preview.pages import Page
    from mailframe.review.preview.static_preview import StaticPreview
    from mailframe.review.preview.widget import Preview
    from mailframe.review.tour import Tour
    from mailframe.send.excluded import Exclude

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True, eq=False)
class Campaign(SendMethod[FrameT]):
    """A frame, a letter, a name and a key; made by ``df.mail.compose(…)``.

    Attributes:
        frame: a private copy of the caller's frame; a pyarrow Table for a DuckDB relation.
        letter: the templates; with variants those of the first.
        name: the name of the campaign.
        key: the columns that identify a row; empty for the address.
        grouping: the consent, the holdout and the variant of the rows.
        variants: the letters by name; empty without variants.
    """

    frame: FrameT
    letter: Letter
    name: str | None
    key: tuple[str, ...]
    grouping: Grouping = NO_GROUPING
    variants: Mapping[str, Letter] = field(default_factory=dict)
    _composed: Composed = field(init=False, repr=False)

    def __post_init__(self) -> None:
        given, name = given_frame(self.frame), checked_name(self.name)
        key_columns(given.rows, list(self.key) or None)
        names, letters = tuple(self.variants), tuple(self.variants.values())
        groups = groups_of(given.rows, self.grouping, key=self.key, name=name, variants=names)
        composed = Composed(
            self.letter, given, key=self.key, name=name, groups=groups, variants=letters
        )
        for each, value in (("frame", given.frame), ("name", name), ("_composed", composed)):
            object.__setattr__(self, each, value)

    @overload
    def messages(self, *, chunk_rows: None = None) -> FrameT: ...
    @overload
    def messages(self, *, chunk_rows: int) -> Iterator[FrameT]: ...
    def messages(self, *, chunk_rows: int | None = None) -> FrameT | Iterator[FrameT]:
        """Every message as Postmark's fields: one row per row of the frame, with its index.

        Args:
            chunk_rows: the rows of each frame of an iterator; by default one frame has all rows.

        Returns:
            Columns ``From``, ``To``, ``Subject`` and so on, as far as the letter has them, and
            ``size``, the bytes of the message as posted. A part that has an error is missing.
        """
        return messages_frame.messages(self._composed, chunk_rows)  # type: ignore[no-any-return]

    def message(self, row: Hashable = row_selection.NO_LABEL, *, key: object = None) -> Message:
        """The message of one row, for ``Postmark.send_email``.

        Args:
            row: the label of the row in the frame's index.
            key: the key of the row, in place of the label; a tuple for a key of several columns.

        Raises:
            FrameError: there is no such row, or there are several.
            LetterError: the row has errors; the text names them.
        """
        position = row_selection.one_row(self._composed.frame, self.key, row=row, key=key)
        name = self._composed.names.of(position)
        return single_message(self._composed.bound_of(position), position, name=name)

    def problems(self) -> FrameT:
        """Every problem of every row, ordered by row; ``docs/problems.md`` lists the codes.

        Returns:
            Columns ``row`` (the row's label in the frame's index; missing for the letter as a
            whole), ``key`` (if the campaign has one), ``field``, ``code``, ``severity`` (``error``
            or ``warning``), ``detail``, ``value`` (that broke the rule) and ``position`` (in
            ``campaign.frame``, counted from 0), to join the frame by.

        >>> people = pd.DataFrame({"email": ["ann@example.com", "bob@"]}, index=["a", "a"])
        >>> letter = mf.Letter(sender="me@acme.example", to="{{ email }}", text_body="Hi")
        >>> campaign = mf.compose(people, letter, subject="Hi")
        >>> joined = campaign.problems().join(campaign.frame.reset_index(drop=True), on="position")
        >>> print(joined[["row", "code", "email"]].to_string(index=False))
        row            code email
          a invalid_address  bob@
        """
        return problems_of(self._composed)  # type: ignore[no-any-return]

    def tour(self, *, progress: bool = True) -> Tour:
        """The fewest rows that cover every template branch, then rows with extreme values.

        Every row is rendered once; of a frame with more than 100,000 rows an even sample of
        100,000, and the tour says so. A row with errors is chosen only for what no other row shows.

        Args:
            progress: whether to show a progress bar.

        Returns:
            A ``Tour``. Its ``frame()`` has one row per chosen row, with the reason; its ``untaken``
            are the branches that no row takes, with template and line.
        """
        from mailframe.review.chosen_rows import full_tour

        return full_tour(self._composed, progress=progress)

    def preview(
        self,
        rows: Rows | None = None,
        *,
        key: object = None,
        static: bool | None = None,
        mask: bool | None = None,
        save: bool = True,
        server: Postmark | None = None,
    ) -> Preview | StaticPreview:
        """Show messages one row at a time, isolated from the notebook: a widget or a static page.

        Only the shown row is rendered, so the preview of any frame opens at once.

        Args:
            rows: the rows to open with: labels of the index, a boolean Series, or a ``Tour``. By
                default the tour, over a sample of a frame of more than 20,000 rows.
            key: one key or a list of keys, in place of *rows*; a tuple for several key columns.
            static: True for a page without widgets, False for widgets. By default the variable
                ``MAILFRAME_PREVIEW`` (``widget``, ``static``, ``auto``), or what works here.
            mask: True shows only the shape of each value ("Xxx"). By default the screen shows
                values, and the copy in a saved notebook is masked; False shows values in both.
            save: False saves no copy in the notebook; a static page is then not shown.
            server: renders the template of a letter with ``template=``; it gets the model of each
                row that is shown. Without it, the preview shows the model.

        Returns:
            An object with ``close()``, and ``save(path)``, which writes a page for approval.

        Raises:
            FrameError: a label that the index does not have, or a key that no row has.
            MissingExtra: ``static=False`` without ipywidgets.
            MailframeError: *server* is not one, or the letter has no template at Postmark.
        """
        from mailframe.review.preview.opening import preview

        rows = row_selection.select_rows(self._composed.frame, self.key, rows=rows, key=key)
        rendering = template_rendering(server, has_template=self.letter.template is not None)
        return preview(
            self._composed, rows, static=static, mask=mask, save=save, rendering=rendering
        )

    def gallery(
        self,
        rows: Rows | None = None,
        n: int | None = None,
        *,
        key: object = None,
        mask: bool = False,
    ) -> Page:
        """Up to 60 messages side by side, as a static page; its ``save(path)`` writes a file.

        Args:
            rows: the rows as for ``preview``; by default the tour, then rows spread over the frame.
            n: the number of rows; by default all of *rows*, or 12.
            key: the key or keys, in place of *rows*, as for ``preview``.
            mask: whether to show the shape of each value in place of the value.
        """
        from mailframe.review.preview.opening import open_gallery

        rows = row_selection.select_rows(self._composed.frame, self.key, rows=rows, key=key)
        return open_gallery(self._composed, rows, n=n, mask=mask)

    def diff(
        self,
        a: Campaign[Any] | Hashable = row_selection.NO_LABEL,
        b: Hashable = row_selection.NO_LABEL,
        *,
        key: tuple[object, object] | None = None,
        progress: bool = True,
    ) -> Difference:
        """The differences, word by word, between two rows, or between two campaigns.

        Rows of two campaigns are matched by their key if both have the same key columns, else by
        position if the indexes are equal, else by label. Equal edits are grouped.

        Args:
            a: the label of a row, or a campaign.
            b: the label of the other row.
            key: the keys of both rows, in place of their labels.
            progress: whether to show a progress bar while two campaigns are compared.

        Returns:
            A ``Difference``. Its ``frame()`` has one row per changed field, or per changed row.

        Raises:
            FrameError: a label that does not exist or is not unique; rows that cannot be matched.
        """
        from mailframe.review.diff.campaigns import campaigns_difference
        from mailframe.review.diff.rows import rows_difference

        if isinstance(a, Campaign):
            row_selection.refuse_rows(rows=(b,), key=key)
            other = a._composed  # noqa: SLF001 - of the same class
            return campaigns_difference(self._composed, other, progress=progress)
        first, second = row_selection.two_rows(self._composed.frame, self.key, rows=(a, b), key=key)
        return rows_difference(self._composed, first, second)

    @property
    def fingerprint(self) -> str:
        """Twenty hexadecimal digits that identify the campaign, for ``send(…, approved=…)``.

        They change with a message, a key, the rows, their order, the name or the blocked rows, but
        not with unused columns, the index or the dtypes. Every row is rendered once for them.
        """
        return self._composed.fingerprint()

    def plan(
        self,
        server: Postmark | None = None,
        *,
        ledger: LedgerName | None = DEFAULT_LEDGER,
        exclude: Exclude = None,
        at_most: str | None = None,
        rate: str | None = None,
    ) -> Plan:
        """What ``send`` would do: messages, batches, MB, and the blocked rows with the reasons.

        Args:
            server: the server to ask which streams it has and who is suppressed; by default nothing
                is asked, and no ledger is read.
            ledger: the ledger, as for ``send``: who has the message is skipped. With None the plan
                warns about duplicate sends.
            exclude: who is left out, as for ``send``.
            at_most: how many emails a person may have, as for ``send``; it needs *server*.
            rate: the rate of the send; the plan has its batches, and says how long they take.

        Raises:
            AccountError: the server did not answer.
            StreamRefused: a stream does not exist, or takes no messages.
            UnknownTemplate: the server does not have a template that the messages name.
        """
        return plan_of(
            self._composed, server, ledger=ledger, exclude=exclude, at_most=at_most, rate=rate
        )

    def batches(self) -> Iterator[batch.Batch]:
        """The batches that ``send`` would post, in row order, without rows that have errors.

        Each has at most 500 messages and 50 MB, the ``positions`` of its rows, and its ``body``.
        """
        composed, preflight = self._composed, self._composed.preflight()
        checked = composed.messages(preflight, live=False, wanted=preflight.sendable)
        return batch.batches(item for item in checked if isinstance(item, Message))

    @property
    def _sendable(self) -> Composed:
        return self._composed

    def send_test(
        self, server: Postmark, to: str, rows: Rows | None = None, *, key: object = None
    ) -> FrameT:
        """Send the messages of some rows to your own address alone, marked as tests.

        ``To``, ``Cc`` and ``Bcc`` become *to*, the subject begins with ``[Test row 17]`` (the row's
        key, or else its label), and the metadata have ``mf-test``. Everything else is as in the
        row's message, including its unsubscribe link. The ledger is not used.

        Args:
            server: ``sandbox.server`` or ``mf.Postmark()``.
            to: the address of the recipient, with or without a name.
            rows: the rows as for ``preview``, at most 50; by default the first 50 of the tour.
            key: the key or keys, in place of *rows*, as for ``preview``.

        Returns:
            The chosen rows with the columns of a results frame. It stops after an ``unknown`` row,
            and at once after an interrupt (■).

        Raises:
            MailframeError: *to* is not one address, or there are too many rows; nothing was sent.
            SendError: it could not continue; it has ``.results``.
        """
        from mailframe.review.chosen_rows import choose_rows

        composed = self._composed
        chosen = row_selection.select_rows(composed.frame, self.key, rows=rows, key=key)
        positions = [position for position, _ in choose_rows(composed, chosen)]
        if chosen is None:  # a long tour begins with the branches
            positions = positions[:MAX_TEST_EMAILS]
        return send_test(composed, server, to=to, positions=positions)  # type: ignore[no-any-return]

    def to_eml(
        self,
        folder: str | os.PathLike[str],
        rows: Rows | None = None,
        *,
        key: object = None,
        date: dt.datetime | None = None,
        overwrite: bool = False,
        progress: bool = True,
    ) -> pd.Series[Any]:
        """Write each message that can be sent as a file that mail programs open.

        The files have personal data, and only you can read them; see ``Message.to_eml``.

        Args:
            folder: a folder; it is made if there is none.
            rows: the rows as for ``preview``; by default all.
            key: the key or keys, in place of *rows*, as for ``preview``.
            date: the time of the header ``Date``, with a time zone; by default there is none.
            overwrite: whether to replace files with other content; the same content is no conflict.
            progress: whether to show a progress bar.

        Returns:
            The path of each row's file, with the frame's index; missing for a blocked row.

        Raises:
            MailframeError: a file cannot be written, or has other content.
        """
        from mailframe.review.eml_files import EmlFolder, write_eml_files

        chosen = row_selection.select_rows(self._composed.frame, self.key, rows=rows, key=key)
        files = EmlFolder(folder, date=date, overwrite=overwrite)
        return write_eml_files(self._composed, files, chosen, progress=progress)

    def pipe(
        self, function: Callable[Concatenate[Self, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Call ``function(campaign, …)`` in a method chain, as ``DataFrame.pipe`` does."""
        return function(self, *args, **kwargs)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle and copy the given values; the letter is compiled again and checked again."""
        given = {each.name: getattr(self, each.name) for each in fields(self) if each.init}
        return construct, (type(self), given)

    def __repr__(self) -> str:
        return f"<{self._composed.title}>"

    def _repr_html_(self) -> str:
        """The summary that Jupyter shows: the letter, its first message masked, the next steps."""
        from mailframe.review.preview.campaign_summary import campaign_summary

        return campaign_summary(self._composed)
