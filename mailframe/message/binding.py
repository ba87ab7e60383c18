"""A letter bound to a frame: each part compiled, each column that it needs found, constants settled once."""

from __future__ import annotations

import inspect
from collections import Counter
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import pandas as pd
from jinja2 import ChoiceLoader, DictLoader, Template, UndefinedError
from jinja2 import nodes as ast

from mailframe.errors import FrameError, LetterError, NotAFrame
from mailframe.letter.attachments import AttachmentFault, FileReader, Piece
from mailframe.letter.folder import Folder
from mailframe.letter.jinja.compiling import Names, UnknownFilters, compile_part
from mailframe.letter.jinja.environment import RESERVED, LetterEnvironment
from mailframe.letter.jinja.plain_line import Line
from mailframe.letter.jinja.printing import UnprintableValue, present
from mailframe.letter.jinja.values import HIDDEN
from mailframe.letter.letter import RECIPIENT_FIELDS
from mailframe.letter.lint.name_origins import Bindings, makes
from mailframe.letter.lint.near_columns import near_columns
from mailframe.letter.lint.values_in_html import lint_html, lint_text
from mailframe.letter.suggestions import did_you_mean, folded, listed, nearest
from mailframe.message.cells import Column, plain
from mailframe.message.other_tables import how_to_make_a_frame, kind_of
from mailframe.problems import Code, Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from mailframe.letter.letter import Attachment, Letter


@dataclass(frozen=True, slots=True)
class Varying:
    """A part whose value comes from a column as it is: of a callable, a Series or ``pd.col``."""

    key: str


Source = str | bool | Template | Line | Varying
"""Where a part's value comes from: the constant itself, a compiled template, or a column."""


@dataclass(frozen=True, slots=True)
class BoundLetter:
    """A letter and a frame, ready to be rendered row by row.

    Attributes:
        letter: as it was given.
        sources: where the value of each part comes from, such as ``to``, ``cc[1]`` or ``metadata.plan``.
        attachments: each with its pieces that are the same for all rows, else None.
        columns: those that the templates need, in the frame's order.
        whole_row: the names of the columns that ``row`` holds; empty when no template uses it.
        rows: how many the frame has.
        files: reads the attachments that vary by row.
        html, plain: the environments of the HTML part and of all others.
        warnings: of the letter as a whole.
        templates: of each part that is a template, the sources of it and of all that it refers to; a part
            whose rows choose what they include has no entry.
    """

    letter: Letter
    sources: Mapping[str, Source]
    attachments: tuple[tuple[Attachment, Piece | None], ...]
    columns: tuple[Column, ...]
    whole_row: tuple[object, ...]
    rows: int
    files: FileReader
    html: LetterEnvironment
    plain: LetterEnvironment
    warnings: tuple[Problem, ...]
    templates: Mapping[str, tuple[str, ...]]

    def environment(self, field: str) -> LetterEnvironment:
        """The environment that renders a field."""
        return self.html if field == "html_body" else self.plain

    def take(self, positions: Sequence[int]) -> BoundLetter:
        """The same letter for these rows only, in this order; they are then counted from 0."""
        columns = tuple(column.take(positions) for column in self.columns)
        return replace(self, columns=columns, rows=len(positions))


def check_frame(frame: object) -> pd.DataFrame:
    """The frame, if it is one whose rows can be mailed.

    Raises:
        NotAFrame: something else, with how to make it a frame.
        FrameError: columns in several levels, with how to flatten them.
    """
    if isinstance(frame, pd.DataFrame):
        if isinstance(frame.columns, pd.MultiIndex):
            raise FrameError(
                "the frame's columns have several levels; flatten them first: "
                "df.columns = ['_'.join(map(str, column)) for column in df.columns]"
            )
        return frame
    how = how_to_make_a_frame(frame)
    raise NotAFrame(
        f"compose needs a pandas DataFrame, not a {kind_of(frame)}; make it one with {how}"
    )


def bind(letter: Letter, frame: pd.DataFrame) -> BoundLetter:
    """The letter compiled against the frame's columns.

    Raises:
        LetterError: a field that is needed is missing, a template does not compile, or names columns that the
            frame does not have (all of them at once, with near names).
        FrameError: a column that a template uses stands twice in the frame.
    """
    _check_fields(letter)
    environments = _environments(letter)
    sources: dict[str, Source] = {}
    hidden: dict[str, Column] = {}
    names: dict[str, Names] = {}
    literal = list(_names_of_columns(letter, frame))
    unknown: list[str] = []
    for field, value in letter.parts():
        if isinstance(value, str):
            try:
                sources[field], names[field] = compile_part(
                    environments[field == "html_body"], value, name=field
                )
            except UnknownFilters as error:  # all of them at once, of every part
                unknown += error.faults
        elif _varies(value):
            sources[field], hidden[field] = _varying(frame, field, value)
        else:
            sources[field] = _constant(field, value)
    if unknown:
        raise LetterError("; ".join(dict.fromkeys(unknown)))
    _lint(environments, frame)
    columns, whole_row = _needed(frame, names)
    files = FileReader(letter.folder)
    written = {True: environments[True].sources, False: environments[False].sources}
    return BoundLetter(
        letter=letter,
        sources=sources,
        attachments=tuple(_attachments(letter, sources, files)),
        columns=(*columns, *hidden.values()),
        whole_row=whole_row,
        rows=len(frame),
        files=files,
        html=environments[True],
        plain=environments[False],
        warnings=(
            *_unescaped(environments[True], frame),
            *near_columns(names, frozenset(frame.columns)),
            *literal,
        ),
        templates={
            field: tuple(written[field == "html_body"][name] for name in sorted(found.templates))
            for field, found in names.items()
            if found.templates is not None
        },
    )


def _lint(environments: Mapping[bool, LetterEnvironment], frame: pd.DataFrame) -> None:
    written = environments[True].sources
    if "html_body" in written:
        lint_html(
            written["html_body"], name="html_body", others=written, columns=frozenset(frame.columns)
        )
    for part, source in environments[False].sources.items():
        lint_text(source, name=part)


def rebound(bound: BoundLetter, kind: Callable[..., LetterEnvironment]) -> BoundLetter:
    """The same letter, cells and sources, its templates compiled by environments of another kind.

    Args:
        bound: the letter and its frame.
        kind: makes an environment; called with ``loader``, ``html`` and ``sources`` as ``LetterEnvironment`` is.
    """
    environments = {}
    for made in (bound.html, bound.plain):
        known = {name: source for name, source in made.sources.items() if name not in bound.sources}
        loader = ChoiceLoader([DictLoader(known), *([made.loader] if made.loader else [])])
        environments[made.html] = kind(loader=loader, html=made.html, sources={})
    sources = dict(bound.sources)
    for field, value in bound.letter.parts():
        if isinstance(bound.sources[field], Template | Line) and isinstance(value, str):
            sources[field], _ = compile_part(environments[field == "html_body"], value, name=field)
    return replace(bound, sources=sources, html=environments[True], plain=environments[False])


def _check_fields(letter: Letter) -> None:
    if letter.sender is None:
        raise LetterError("the letter has no sender; write sender='Acme <hello@acme.example>'")
    if not any(part.partition("[")[0] in ("to", "cc", "bcc") for part, _ in letter.parts()):
        raise LetterError(
            "the letter has no recipient; write to='{{ email }}' with the column that holds the address"
        )
    if letter.html_body is None and letter.text_body is None:
        raise LetterError(
            "the letter has no body; give html_body, text_body or both (Postmark, ErrorCode 300)"
        )


def _environments(letter: Letter) -> dict[bool, LetterEnvironment]:
    loader = Folder(letter.folder) if letter.folder else None
    return {html: LetterEnvironment(loader=loader, html=html, sources={}) for html in (True, False)}


_EXPRESSION: Final = type(pd.col("x"))  # pandas gives the class no public name


def _varies(value: object) -> bool:
    return isinstance(value, pd.Series | _EXPRESSION) or callable(value)


def _varying(frame: pd.DataFrame, field: str, value: Any) -> tuple[Varying, Column]:
    key = HIDDEN + field
    try:
        given = (
            value(frame.copy(deep=False))
            if inspect.isroutine(value) or isinstance(value, partial)
            else value
        )
        _refuse_other_index(field, given, frame)
        series = frame.assign(**{key: given})[key]
    except LetterError:
        raise
    except Exception as error:
        said = str(error).replace(repr(key), field).replace(key, field)
        raise LetterError(
            f"{field}: its values could not be taken from the frame: {type(error).__name__}: {said}"
        ) from error
    column = (
        Column(key, series, raw=True) if field.startswith("attachments") else Column.of(key, series)
    )
    return Varying(key), column


def _refuse_other_index(field: str, given: object, frame: pd.DataFrame) -> None:
    """Pandas aligns by label; where labels were counted anew, as by ``reset_index``, that is another person's value."""
    if not isinstance(given, pd.Series) or given.index.equals(frame.index):
        return
    counted = (
        isinstance(frame.index, pd.RangeIndex) and frame.index.start == 0 and frame.index.step == 1
    )
    unique = frame.index.is_unique and given.index.is_unique
    if counted or not unique or not frame.index.isin(given.index).all():
        raise LetterError(
            f"{field}: the Series has another index than the frame, so its values could land on other rows; "
            "write series.loc[frame.index], or a callable or pd.col over the frame itself"
        )


def _constant(field: str, value: object) -> Source:
    if field == "track_opens" and isinstance(value, bool):
        return value
    if field.startswith("attachments"):
        raise LetterError(
            f"{field} is a {type(value).__name__}; a name is text and a content is bytes, or varies by row"
        )
    try:
        if field not in ("html_body", "text_body"):
            return str(present(plain(value, column=field)))
    except (UndefinedError, UnprintableValue):
        pass
    raise LetterError(f"{field} is {_shown(value)}; give text, a callable, a Series or pd.col")


def _shown(value: object) -> str:
    return repr(value) if value is None or isinstance(value, float) else f"a {type(value).__name__}"


def _needed(
    frame: pd.DataFrame, names: Mapping[str, Names]
) -> tuple[list[Column], tuple[object, ...]]:
    """The columns that the templates use, and the names that ``row`` holds."""
    counts: Counter[Any] = Counter(frame.columns)
    bare: dict[object, tuple[str, int]] = {}
    in_row: dict[object, tuple[str, int]] = {}
    for found in names.values():
        bare |= {name: at for name, at in found.columns.items() if name not in bare}
        in_row |= {name: at for name, at in found.row_columns.items() if name not in in_row}
    unknown = {name: at for name, at in bare.items() if name not in counts or name in RESERVED}
    unknown |= {name: at for name, at in in_row.items() if name not in counts}
    if unknown:
        raise LetterError(_unknown_columns(unknown, frame))
    _refuse_shadowed(names, counts)
    whole = any(found.whole_row or found.templates is None for found in names.values())
    optional = {name for found in names.values() for name in found.optional if name not in RESERVED}
    wanted = set(counts) if whole else (bare.keys() | in_row.keys() | optional) & counts.keys()
    for name in wanted:
        if counts[name] > 1:
            raise FrameError(
                f"the frame has more than one column {name!r}, and the letter uses it; rename one"
            )
    row_names = tuple(
        name for name in frame.columns if name in wanted and (whole or name in in_row)
    )
    columns = [
        Column.of(name, frame.iloc[:, i]) for i, name in enumerate(frame.columns) if name in wanted
    ]
    return columns, row_names


def _refuse_shadowed(names: Mapping[str, Names], columns: Counter[Any]) -> None:
    """A column of the caller's must not be taken for Postmark's link, nor the other way round."""
    for field, found in names.items():
        if "unsubscribe_url" in columns and "unsubscribe_url" in found.globals_used:
            raise LetterError(
                f"{field}: the frame has a column 'unsubscribe_url', and the name is also Postmark's link; "
                "write row['unsubscribe_url'] for the column or {{{ pm:unsubscribe }}} for Postmark's"
            )


def _unknown_columns(unknown: Mapping[Any, tuple[str, int]], frame: pd.DataFrame) -> str:
    said = [
        _unknown_column(name, part, line, frame)
        for name, (part, line) in sorted(unknown.items(), key=str)
    ]
    head = "the frame has no such column" if len(said) == 1 else "the frame has no such columns"
    return f"{head}: {'; '.join(said)}. It has: {listed(frame.columns)}"


def _unknown_column(name: Any, part: str, line: int, frame: pd.DataFrame) -> str:
    where = f"{name!r} in {part}" + (f", line {line}" if line else "")
    if name in RESERVED:
        return f"{where}: the name is Jinja's own; write row[{name!r}] for the column"
    if name is not None and name in frame.index.names:
        return f"{where} (it is a level of the index; make it a column with df.reset_index())"
    near = nearest(name, frame.columns)
    return where + did_you_mean(label if _is_bare(label) else f"row[{label!r}]" for label in near)


def _is_bare(label: object) -> bool:
    return isinstance(label, str) and label.isidentifier() and label not in RESERVED


def _names_of_columns(letter: Letter, frame: pd.DataFrame) -> Iterable[Problem]:
    """Where a part is the bare name of a column, so that every row would get the name in place of the value.

    Raises:
        LetterError: in a field for addresses, where no name of a column is an address.
    """
    labels = set(frame.columns)
    refused = []
    for field, value in letter.parts():
        text = value.strip() if isinstance(value, str) else ""
        is_address = field.partition("[")[0] in ("sender", *RECIPIENT_FIELDS)
        alike = (
            [label for label in frame.columns if folded(str(label)) == folded(text)]
            if is_address
            else []
        )
        name = text if text in labels else next(iter(alike), "")
        if not text or not name or (is_address and ("@" in text or "{" in text)):
            continue
        written = f"{{{{ {name if _is_bare(name) else f'row[{name!r}]'} }}}}"
        said = f"{field} is the text {text!r}, the same for every row; for the column {name!r} write {written}"
        if is_address:
            refused.append(said)
        else:
            yield Problem(None, field, Code.NAME_OF_A_COLUMN, said)
    if refused:
        raise LetterError("; ".join(refused))


def _attachments(
    letter: Letter, sources: Mapping[str, Source], files: FileReader
) -> Iterable[tuple[Attachment, Piece | None]]:
    for i, attachment in enumerate(letter.files()):
        name = sources[f"attachments[{i}].name"]
        constant = isinstance(name, str) and f"attachments[{i}].content" not in sources
        yield attachment, _piece(i, attachment, str(name), files) if constant else None


def _piece(i: int, attachment: Attachment, name: str, files: FileReader) -> Piece:
    kind, content_id = attachment.content_type, attachment.content_id
    try:
        if isinstance(attachment.content, bytes | bytearray):
            return Piece.of(
                name, bytes(attachment.content), content_type=kind, content_id=content_id
            )
        return files.read(name, content_type=kind, content_id=content_id)
    except AttachmentFault as fault:
        raise LetterError(f"attachments[{i}]: {fault}") from None


_MAPPED: Final = "map('safe')"


def _unescaped(environment: LetterEnvironment, frame: pd.DataFrame) -> Iterable[Problem]:
    """Where a template says that a value needs no escaping."""
    trees = {part: environment.parse(source, part) for part, source in environment.sources.items()}
    bindings = Bindings.of(trees, columns=frozenset(frame.columns))
    for part, tree in trees.items():
        uses = [use for use in tree.find_all(ast.Filter) if makes(use, "safe")]
        said = [
            (use.lineno, f"| {'safe' if use.name == 'safe' else _MAPPED} prints a value unescaped")
            for use in uses
            if use.node is None or not bindings.is_constant(use.node)
        ]
        blocks = tree.find_all(ast.ScopedEvalContextModifier)
        said += [(block.lineno, "{% autoescape … %} prints values unescaped") for block in blocks]
        for line, what in said:
            detail = f"{part}, line {line}: {what}, so a cell can add markup; leave it out unless you trust the column"
            yield Problem(None, "html_body", Code.SAFE_FILTER, detail)
