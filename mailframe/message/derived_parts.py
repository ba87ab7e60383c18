"""Parts that are made of the rendered HTML: its styles in the tags, and the text part."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mailframe.errors import LetterError
from mailframe.pages.html_fault import HtmlFault
from mailframe.problems import Code

if TYPE_CHECKING:
    from mailframe.letter.letter import Letter
    from mailframe.message.render import Draft
    from mailframe.pages.inlining import CssInliner
    from mailframe.pages.text_part import TextPart

AUTO: Final = "auto"
"""The value of ``text_body`` for a text part that is made of the HTML."""


def has_auto_text(letter: Letter) -> bool:
    """Whether the text part of a letter is made of its HTML."""
    return isinstance(letter.text_body, str) and letter.text_body == AUTO


def has_derived_parts(letter: Letter) -> bool:
    """Whether a part of a letter is made or changed after its HTML is rendered."""
    return letter.inline_css or has_auto_text(letter)


def check_derived_parts(letter: Letter) -> None:
    """Check that there is HTML to make them of.

    Raises:
        LetterError: there is none.
        MissingExtra: ``inline_css=True`` without css-inline.
    """
    has_html = letter.html_body is not None or letter.markdown_body is not None
    if not has_html and has_derived_parts(letter):
        what = "inline_css=True" if letter.inline_css else f"text_body={AUTO!r}"
        raise LetterError(f"{what} needs an html_body, and the letter has none")
    DerivedParts(letter)


class DerivedParts:
    """Makes these parts of each draft of a letter.

    Args:
        letter: the letter.

    Raises:
        MissingExtra: ``inline_css=True`` without css-inline.
    """

    def __init__(self, letter: Letter) -> None:
        self._inliner: CssInliner | None = None
        self._text: TextPart | None = None
        # few letters need them, and the parser takes long to import
        if letter.inline_css:
            from mailframe.pages.inlining import CssInliner  # noqa: PLC0415

            self._inliner = CssInliner()
        if has_auto_text(letter):
            from mailframe.pages.text_part import TextPart  # noqa: PLC0415

            self._text = TextPart()

    def add(self, draft: Draft) -> None:
        """Make the parts; if the HTML has a problem, or gets one here, there is no text part."""
        values = draft.values
        if self._text is not None:
            values.pop("text_body", None)
        markup = values.get("html_body")
        if not isinstance(markup, str):
            return
        try:
            if self._inliner is not None:
                markup = values["html_body"] = self._inliner.of(markup)
            if self._text is not None:
                values["text_body"] = self._text.of(markup)
        except HtmlFault as fault:
            field = "text_body" if self._inliner is None else "html_body"
            draft.report(field, Code.TEMPLATE_ERROR, f"{fault}", value=markup)
