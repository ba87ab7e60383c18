"""Binding: a letter's parts are compiled, and the columns that they use are taken from a frame."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from jinja2 import Template, UndefinedError

from mailframe.errors import LetterError
from mailframe.letter.attachment_files import AttachmentFault, EncodedAttachment, FileReader
from mailframe.letter.jinja.card_text import Cards
from mailframe.letter.jinja.compiling import UnknownFilters, compile_part
from mailframe.letter.jinja.environment import LetterEnvironment
from mailframe.letter.jinja.printing import UnprintableValue, as_printed
from mailframe.letter.jinja.simple_template import SimpleTemplate
from mailframe.letter.jinja.translations import UnknownLanguage
from mailframe.letter.jinja.values import GivenValues, PrintedImage
from mailframe.letter.letter import RECIPIENTS, field_of
from mailframe.letter.lint.encoded_placeholders import lint_text
from mailframe.letter.lint.near_columns import near_columns
from mailframe.letter.lint.values_in_html import lint_html
from mailframe.letter.row_functions import RowFunction
from mailframe.message.cells import Column
from mailframe.message.derived_parts import check_derived_parts
from mailframe.message.given_frame import as_pandas
from mailframe.message.given_values import given_series, varies
from mailframe.message.letter_settings import template_settings
from mailframe.message.markup import has_constant, makes_links, unescaped_values
from mailframe.message.markup_cells import markup_of
from mailframe.message.payload import BODY_FIELDS, BOOLEAN_FIELDS
from mailframe.message.plain_values import plain as plain_cell
from mailframe.message.template_fields import CONSTANT, check_alias, template_constant
from mailframe.message.template_fields import FIELDS as TEMPLATE_FIELDS
from mailframe.message.unused_columns import unused_columns
from mailframe.message.used_columns import (
    has_functions,
    names_of_columns,
    shown_names,
    used_columns,
)
from mailframe.message.written_letter import written
from mailframe.pandas_versions import OVER_THE_FRAME, VARYING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    import pandas as pd

    from mailframe.letter.attachment import Attachment
    from mailframe.letter.jinja.names import Names
    from mailframe.letter.jinja.settings import TemplateSettings
    from mailframe.letter.letter import Letter
    from mailframe.message.frame_facts import FrameFacts
    from mailframe.problems import Problem

Source = CONSTANT | Template | SimpleTemplate | GivenValues
"""Where the value of a part comes from: a constant, a compiled template, or values of each row."""


@dataclass(frozen=True, slots=True)
class BoundLetter:
    """A letter and a frame, ready to be rendered row by row.

    Attributes:
        letter: the letter, with its Markdown and layout written out.
        sources: the source of each part's value, such as ``to``, ``cc[1]`` or ``metadata.plan``.
        attachments: pairs of an attachment and its encoded form; None if that varies by row.
        columns: the columns that the parts use: those of the frame in its order, then given values.
        whole_row: the names of the columns that ``row`` holds; empty if no template uses it.
        rows: the number of rows of the frame.
        files: the reader of the attachments that vary by row.
        html, plain: the environments of the HTML part and of all other parts.
        cards: the calendars and cards among the files.
        language_columns: the columns on which the language of a row depends.
        values_add_links: whether a value can add a link or an image to the HTML part, and not only
            be a part of one that the templates have.
        may_have_images: whether a value can be an inline image, which brings its own attachment.
        warnings: the warnings about the letter as a whole.
        templates: for each part that is a template, its source and the sources of all templates
            that it refers to. A part has no entry if its rows choose what it includes.
    """

    letter: Letter
    sources: Mapping[str, Source]
    attachments: tuple[tuple[Attachment, EncodedAttachment | None], ...]
    columns: tuple[Column, ...]
    whole_row: tuple[object, ...]
    rows: int
    files: FileReader
    html: LetterEnvironment
    plain: LetterEnvironment
    cards: Cards
    language_columns: tuple[object, ...]
    values_add_links: bool
    may_have_images: bool
    warnings: tuple[Problem, ...]
    templates: Mapping[str, tuple[str, ...]]

    def environment(self, field: str) -> LetterEnvironment:
        """The environment that renders a field."""
        return self.html if field == "html_body" else self.plain

    def take(self, positions: Sequence[int]) -> BoundLetter:
        """The same letter over some rows of its frame, in this order; as ``DataFrame.take``.

        Args:
            positions: the positions of the rows; they become the rows 0, 1, 2 and so on.
        """
        columns = tuple(column.take(positions) for column in self.columns)
        return replace(self, columns=columns, rows=len(positions))

    @property
    def has_copies(self) -> bool:
        """Whether a message may have other recipients than the first one in To."""
        return "to[1]" in self.sources or any(
            field_of(part) in ("cc", "bcc") for part in self.sources
        )


def bind(letter: Letter, frame: pd.DataFrame, *, facts: FrameFacts | None = None) -> BoundLetter:
    """The letter compiled against the frame's columns.

    Args:
        letter: the templates.
        frame: one row per message.
        facts: the facts of the frame that *frame* is a part of; by default it is the whole.

    Raises:
        LetterError: a required field is missing, a template does not compile, or templates use
            columns that the frame does not have (the text names all of them, with near names).
        FrameError: a column that a template uses is in the frame more than once.
    """
    _check_fields(letter)
    warnings = list(names_of_columns(letter, frame))
    letter, settings = written(letter, template_settings(letter, frame))
    html, plain = (LetterEnvironment(settings, html=is_html) for is_html in (True, False))
    environments = defaultdict(lambda: plain, html_body=html)
    sources: dict[str, Source] = {}
    given: list[Column] = []
    names: dict[str, Names] = {}
    unknown: list[str] = []
    for field, value in ((field, as_pandas(given)) for field, given in letter.parts()):
        if isinstance(value, str):
            try:
                sources[field], names[field] = compile_part(environments[field], value, name=field)
            except UnknownFilters as error:  # those of every part are reported together
                unknown += error.faults
        elif varies(value):
            sources[field] = column_name = GivenValues(field)
            given.append(_given_column(frame, column_name, value, is_part=facts is not None))
        else:
            sources[field] = _constant(field, value)
    if unknown:
        raise LetterError("; ".join(dict.fromkeys(unknown)))
    _check_constants(settings, sources)
    shown = shown_names(names, settings.shown_as)
    columns, whole_row = used_columns(frame, shown)
    trusted, may_return_html = markup_of([*columns, *given])
    if facts is not None:
        facts.check_labels(list(frame.columns))
        columns = [facts.column(column) for column in columns]
        trusted |= {column.name for column in columns if facts.is_trusted(column)}
        may_return_html |= any(map(facts.has_markup, columns))
    _lint(html, plain, frame, trusted)
    unescaped = list(unescaped_values(html, frame))
    files = FileReader(letter.folder)
    return BoundLetter(
        letter=letter,
        sources=sources,
        attachments=tuple(_attachments(letter, sources, files)),
        columns=(*columns, *given),
        whole_row=whole_row,
        rows=len(frame),
        files=files,
        html=html,
        plain=plain,
        cards=Cards(plain, {part: text for part, text in letter.parts() if isinstance(text, str)}),
        language_columns=_language_columns(sources, names, columns),
        may_have_images=may_return_html or has_constant(settings, PrintedImage),
        values_add_links=bool(unescaped) or may_return_html or makes_links(html),
        warnings=(
            *unescaped,
            *near_columns(shown, frozenset(frame.columns)),
            *warnings,
            *(() if given or has_functions(columns) else _unused(letter, frame, columns, facts)),
        ),
        templates={
            field: tuple(environments[field].sources[name] for name in sorted(used.templates))
            for field, used in names.items()
            if used.templates is not None
        },
    )


def _unused(
    letter: Letter, frame: pd.DataFrame, columns: Sequence[Column], facts: FrameFacts | None
) -> Iterator[Problem]:
    body = BODY_FIELDS[0] if letter.html_body is not None else BODY_FIELDS[1]
    body = body if letter.template is None else "model"
    used = {column.name for column in columns}
    with_records = None if facts is None else facts.with_records
    return unused_columns(frame, used, field=body, with_records=with_records)


def _language_columns(
    sources: Mapping[str, Source], names: Mapping[str, Names], columns: Sequence[Column]
) -> tuple[object, ...]:
    source = sources.get("language")
    if isinstance(source, GivenValues):
        return (source,)
    if source is None or isinstance(source, str):
        return ()
    used = names["language"]
    if used.whole_row or used.templates is None:
        return tuple(column.name for column in columns)
    return tuple(column.name for column in columns if column.name in used.read)


def _check_constants(settings: TemplateSettings, sources: Mapping[str, Source]) -> None:
    """Check the alias, and set the language, that all rows have.

    Raises:
        LetterError: it is no alias, or there is no catalog for the language.
    """
    check_alias(sources.get("template"))
    language = sources.get("language")
    if not isinstance(language, str):
        return
    try:
        settings.translations.catalogs.of(language)
    except UnknownLanguage as error:
        raise LetterError(f"language: {error}") from None
    settings.translations.constant = language


def _lint(
    html: LetterEnvironment,
    plain: LetterEnvironment,
    frame: pd.DataFrame,
    trusted: frozenset[object],
) -> None:
    body = html.sources.get("html_body")
    if body is not None:
        lint_html(
            body,
            name="html_body",
            others=html.sources,
            columns=frozenset(frame.columns),
            constants=html.settings.constants,
            trusted=trusted,
            translations=html.settings.translations.catalogs.of_text,
            lines=html.settings.lines,
            shown_as=html.settings.shown_as,
        )
    settings = plain.settings
    for part, source in plain.sources.items():
        lint_text(source, name=settings.shown(part), lines=settings.lines.get(part, ()))


def rebound(bound: BoundLetter, kind: Callable[..., LetterEnvironment]) -> BoundLetter:
    """The same letter, cells and sources, with templates compiled by environments of another class.

    Args:
        bound: the letter and its frame.
        kind: the environment class, with arguments as of ``LetterEnvironment``.
    """
    html, plain = (each.made_again(kind, parts=bound.sources) for each in (bound.html, bound.plain))
    fresh = replace(bound, html=html, plain=plain)
    sources = dict(bound.sources)
    for field, value in bound.letter.parts():
        is_template = isinstance(bound.sources[field], Template | SimpleTemplate)
        if is_template and isinstance(value, str) and field != "language":  # it chooses the text
            sources[field], _ = compile_part(fresh.environment(field), value, name=field)
    return replace(fresh, sources=sources)


def _check_fields(letter: Letter) -> None:
    if letter.sender is None:
        raise LetterError("the letter has no sender; write sender='Acme <hello@acme.example>'")
    if not any(field_of(part) in RECIPIENTS for part, _ in letter.parts()):
        raise LetterError(
            "the letter has no recipient; write to='{{ email }}' with the column that holds the "
            "address"
        )
    bodies = (letter.html_body, letter.text_body, letter.markdown_body, letter.template)
    if all(body is None for body in bodies):
        raise LetterError(
            "the letter has no body; give html_body, text_body or both (Postmark, ErrorCode 300), "
            "or markdown_body, or template= with the alias of a template at Postmark"
        )
    if letter.model is not None and letter.template is None:
        raise LetterError(
            "the letter has a model and no template that gets it; give template= with the alias of "
            "a template at Postmark"
        )
    check_derived_parts(letter)


# --- values of each row ---------------------------------------------------------------------------


def _given_column(frame: pd.DataFrame, name: GivenValues, value: Any, *, is_part: bool) -> Column:
    """The values of a callable, a Series or ``pd.col``, one per row."""
    field = name.field
    if is_part and not isinstance(value, RowFunction):
        raise LetterError(
            f"{field}: a Series, {OVER_THE_FRAME} and a function of a frame need the whole frame, "
            "and here are its partitions; write mf.each(function) for a function of one row, or "
            "make a column of the source"
        )
    series = given_series(frame, value, field=field)
    is_raw = field.startswith("attachments")
    return Column(name, series, raw=True) if is_raw else Column.of(name, series)


# --- constants and attachments --------------------------------------------------------------------


def _constant(field: str, value: object) -> Source:
    if field in BOOLEAN_FIELDS and isinstance(value, bool):
        return value
    if field_of(field) in TEMPLATE_FIELDS:
        return template_constant(field, value)
    if field.startswith("attachments"):
        raise LetterError(
            f"{field} is a {type(value).__name__}; a name is text and a content is bytes, "
            "or varies by row"
        )
    try:
        if field not in BODY_FIELDS:
            return str(as_printed(plain_cell(value, column=field)))
    except (UndefinedError, UnprintableValue):
        pass
    shown = (
        repr(value) if value is None or isinstance(value, float) else f"a {type(value).__name__}"
    )
    raise LetterError(f"{field} is {shown}; give text, {VARYING}")


def _attachments(
    letter: Letter, sources: Mapping[str, Source], files: FileReader
) -> Iterable[tuple[Attachment, EncodedAttachment | None]]:
    for i, attachment in enumerate(letter.files()):
        name = sources[f"attachments[{i}].name"]
        if not isinstance(name, str) or f"attachments[{i}].content" in sources:
            yield attachment, None
            continue
        try:
            yield attachment, files.encoded(attachment, name)
        except AttachmentFault as fault:
            raise LetterError(f"attachments[{i}]: {fault}") from None
