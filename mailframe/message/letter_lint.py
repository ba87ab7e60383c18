"""Advice about a letter as a whole, each once: links, images, the direction and size of texts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mailframe import limits
from mailframe.letter.attachment_files import plain_content_id
from mailframe.letter.lint.compared_links import differing_links, insecure_links
from mailframe.letter.lint.template_images import (
    SVG,
    PlaceInTemplate,
    images_without_alt,
    is_svg_file,
    unsupported_images,
)
from mailframe.letter.lint.text_direction import text_without_direction
from mailframe.message.derived_parts import has_auto_text
from mailframe.message.html_size import clipped, fixed_html_bytes
from mailframe.message.payload import BODY_FIELDS
from mailframe.problems import Code, Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mailframe.message.binding import BoundLetter

_LISTED: Final = 3
"""Links, and lines beside the first, that one text names."""


def lint_letter(bound: BoundLetter) -> Iterator[Problem]:
    """The problems of the templates of both bodies, one for each code."""
    markup, text = bound.html.sources, _text_sources(bound)
    yield from _once("html_body", Code.IMAGE_WITHOUT_ALT, images_without_alt(markup))
    yield from _once("html_body", Code.UNSUPPORTED_IMAGE, unsupported_images(markup))
    yield from _svg_attachments(bound)
    yield from _once("html_body", Code.INSECURE_LINK, insecure_links(markup, is_html=True))
    yield from _once("text_body", Code.INSECURE_LINK, insecure_links(text, is_html=False))
    yield from _different_links(bound)
    yield from _direction(bound)
    if fixed_html_bytes(bound) > limits.GMAIL_CLIPS_ABOVE_BYTES:
        detail = clipped(fixed_html_bytes(bound), what="the template alone has")
        yield Problem(None, "html_body", Code.CLIPPED_BY_GMAIL, detail)


def _text_sources(bound: BoundLetter) -> dict[str, str]:
    """The templates of the text part by name, without those of other fields."""
    used = frozenset(bound.templates.get("text_body", ()))
    return {name: source for name, source in bound.plain.sources.items() if source in used}


def _once(field: str, code: Code, places: Iterable[PlaceInTemplate]) -> Iterator[Problem]:
    """One problem for the first of these places, which names the lines of some others."""
    different = list(dict.fromkeys(places))
    if not different:
        return
    first, *others = different
    lines = list(dict.fromkeys(f"{place.name}, line {place.line}" for place in others))
    more = f", and {len(lines) - _LISTED} more" if len(lines) > _LISTED else ""
    also = f" (also {'; '.join(lines[:_LISTED])}{more})" if lines else ""
    detail = f"{first.name}, line {first.line}: {first.why}{also}"
    yield Problem(None, field, code, detail, value=first.text or None)


def _svg_attachments(bound: BoundLetter) -> Iterator[Problem]:
    for i, attachment in enumerate(bound.letter.files()):
        name = bound.sources.get(f"attachments[{i}].name")
        if attachment.content_id and isinstance(name, str) and is_svg_file(name):
            detail = f"the inline image cid:{plain_content_id(attachment.content_id)} {SVG}"
            yield Problem(None, f"attachments[{i}]", Code.UNSUPPORTED_IMAGE, detail, value=name)


def _different_links(bound: BoundLetter) -> Iterator[Problem]:
    """Links that only one of the two parts has; rows must not choose the templates of a part."""
    markup, text = (bound.templates.get(field, ()) for field in BODY_FIELDS)
    if not markup or not text or has_auto_text(bound.letter):
        return
    constants = [str(value) for value in bound.html.settings.constants.values()]
    for field, of_one, of_other, name in (
        ("text_body", markup, [*text, *constants], "the text part"),
        ("html_body", text, [*markup, *constants], "the HTML part"),
    ):
        pages = differing_links(of_one, of_other, is_html=field == "text_body")
        if pages:
            listed = ", ".join(f"https://{page}" for page in pages[:_LISTED])
            more = f" and {len(pages) - _LISTED} more" if len(pages) > _LISTED else ""
            one = "the HTML part" if field == "text_body" else "the text part"
            detail = f"{one} links to {listed}{more}, and {name} does not; add the link there too"
            yield Problem(None, field, Code.DIFFERENT_LINKS, detail)


def _direction(bound: BoundLetter) -> Iterator[Problem]:
    catalogs = bound.html.settings.translations.catalogs
    translated = [digest.decode("utf-8", "replace") for digest in catalogs.digests.values()]
    place = text_without_direction(bound.html.sources, translated)
    if place is not None:
        name, line = place
        where = f"{name}, line {line}" if line else name
        detail = (
            f"{where}: text from right to left, and nothing in the HTML part sets a direction, so "
            'signs and numbers stand on the wrong side; write dir="rtl" in the tag around it'
        )
        yield Problem(None, "html_body", Code.NO_TEXT_DIRECTION, detail)
