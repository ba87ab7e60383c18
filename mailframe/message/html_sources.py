"""``mf.html``: the one way in which markup that a program makes gets into a message."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from html import unescape
from typing import TYPE_CHECKING, Any, ClassVar, Final

import pandas as pd
from markupsafe import Markup

from mailframe.errors import LetterError, MissingExtra
from mailframe.letter.jinja.table import written_table
from mailframe.letter.row_functions import Row, RowFunction, refuse_column
from mailframe.message.records import records_of
from mailframe.message.trusted_html import TrustedHtml
from mailframe.pages.html_fault import HtmlFault
from mailframe.pages.text_part import TextPart

if TYPE_CHECKING:
    from collections.abc import Callable

_TABLE_ID: Final = "mf"
"""In place of the random ids of Styler and great_tables, so that a message has the same bytes."""
_SHORT: Final = 2
_TAKES: Final = (
    "text, a DataFrame, a pandas Styler, a great_tables GT, or a function of a row that returns one"
)


def html(source: Any, *, text: str | Callable[[Row], str] | None = None) -> Any:
    """HTML that you trust, as a column or a constant: no template, and not escaped.

    Args:
        source: text, a DataFrame, a pandas Styler, a great_tables ``GT``, a Series of these, or a
            function of a row that returns one of them. A row is ``row["plan"]`` or ``row.plan``.
        text: what text parts print; a function of the row if *source* is one. By default the text
            of the HTML.

    Returns:
        A value for ``DataFrame.assign``, for a field, or for ``mf.Letter(constants=)``; for a
        Series a Series.

    Raises:
        LetterError: *source* is nothing of these.
        MissingExtra: a Styler or GT needs css-inline: ``pip install "mailframe[css]"``.

    >>> people = pd.DataFrame({"email": ["ann@example.com"], "name": ["Ann & Co"]})
    >>> made = people.assign(badge=mf.html("<b>new</b>")).mail.compose(
    ...     sender="me@acme.example", to="{{ email }}", subject="Hi",
    ...     html_body="{{ name }} {{ badge }}", text_body="{{ name }} {{ badge }}")
    >>> made.message(0).payload["HtmlBody"], made.message(0).payload["TextBody"]
    ('Ann &amp; Co <b>new</b>', 'Ann & Co new')
    """
    if isinstance(source, pd.Series):
        cells = [cell if _is_missing(cell) else trusted(cell, text=text) for cell in source]
        return pd.Series(cells, index=source.index, name=source.name, dtype=object)
    if callable(source) and not isinstance(source, TrustedHtml):
        refuse_column(source, call="mf.html")
        return RowFunction(_HtmlOfRow(source, text))
    return trusted(source, text=text)


@dataclass(frozen=True, slots=True)
class _HtmlOfRow:
    """Makes trusted HTML of what a function of a row returns."""

    function: Callable[[Row], Any]
    text: str | Callable[[Row], str] | None
    makes_html: ClassVar[bool] = True

    def __call__(self, row: Row) -> Any:
        source = self.function(row)
        if _is_missing(source):
            return None
        return trusted(source, text=self.text(row) if callable(self.text) else self.text)

    def __repr__(self) -> str:
        return repr(self.function)


def trusted(source: Any, *, text: Any = None) -> TrustedHtml:
    """The trusted HTML of a source.

    Raises:
        LetterError: the source is nothing that ``html`` takes, or *text* is no text.
        MissingExtra: see ``html``.
    """
    if text is not None and not isinstance(text, str):
        raise LetterError(f"mf.html: text is a {type(text).__name__}; give text")
    markup, alternative = _read(source)
    return TrustedHtml(markup, alternative if text is None else text)


def _read(source: Any) -> tuple[str, str]:
    """The markup of a source, and its text."""
    if isinstance(source, TrustedHtml):
        return source.html, source.text
    if isinstance(source, pd.DataFrame):
        table = written_table(records_of(source), missing="")
        return table.__html__(), str(table)
    if isinstance(source, str):
        markup = str(source)
    elif hasattr(source, "as_raw_html"):
        markup = source.with_id(_TABLE_ID).as_raw_html(inline_css=False)
        _refuse_missing(getattr(source, "_tbl_data", None), markup, way="gt.sub_missing()")
        markup = _inlined(markup)
    elif isinstance(getattr(source, "data", None), pd.DataFrame) and hasattr(source, "to_html"):
        markup = source.to_html(table_uuid=_TABLE_ID)
        _refuse_unescaped(source, markup)
        _refuse_missing(source.data, markup, way="styler.format(na_rep='-')")
        markup = _inlined(markup)
    else:
        raise LetterError(f"mf.html takes {_TAKES}, not a {type(source).__name__}")
    return markup, _text(markup)


def _text(markup: str) -> str:
    """The text of markup: tables in lines and columns, anything else on one line."""
    if "<table" in markup:
        with suppress(HtmlFault):
            return TextPart().of(markup)
    return str(Markup(markup).striptags())  # noqa: S704 - the caller trusts it


def _refuse_unescaped(styler: Any, markup: str) -> None:
    """Refuse a Styler that prints a cell or a label as markup, which it does by default.

    Raises:
        LetterError: with the text, and what to write instead.
    """
    frame = styler.data
    labels = [
        text
        for index in (frame.index, frame.columns)
        for label in [*index.to_flat_index(), tuple(index.names)]
        for text in (label if isinstance(label, tuple) else [label])
    ]
    texts = [*frame.to_numpy(dtype=object).ravel(), *labels]
    for text in texts:
        shown = str(text)
        place = f">{shown}<" if len(shown) <= _SHORT else shown  # < alone is in every table
        if ("<" in shown or "&" in shown) and place in markup:
            raise LetterError(
                f"mf.html: the Styler prints {shown[:40]!r} of its frame unescaped; write "
                "styler.format(escape='html'), and styler.format_index(escape='html') for labels"
            )


_PRINTED_MISSING: Final = re.compile(r">\s*(nan|NaN|None|NaT|(?:&lt;|<)NA(?:&gt;|>))\s*</td>")


def _refuse_missing(frame: Any, markup: str, *, way: str) -> None:
    """Refuse a table that prints a missing value as ``nan``, which is the default.

    Raises:
        LetterError: with the text, and what to write instead.
    """
    match = _PRINTED_MISSING.search(markup)
    if match and isinstance(frame, pd.DataFrame) and frame.isna().any(axis=None):
        raise LetterError(
            f"mf.html: the table prints a missing value as {unescape(match[1])!r}; write {way}, or "
            "drop the row"
        )


def _inlined(markup: str) -> str:
    """The markup with its rules as ``style`` attributes, which mail programs read."""
    try:
        import css_inline  # noqa: PLC0415 - an extra
    except ImportError:
        raise MissingExtra("a table of pandas or great_tables with styles", "css") from None
    inliner = css_inline.CSSInliner(load_remote_stylesheets=False)
    return str(inliner.inline_fragment(markup, ""))


def _is_missing(cell: Any) -> bool:
    return cell is None or (pd.api.types.is_scalar(cell) and bool(pd.isna(cell)))
