"""Images of HTML templates: without a text, or of a kind that mail programs do not show."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

from mailframe.letter.lint.body_links import (
    DATA_IMAGE,
    addresses,
    attribute_names,
    is_data_image,
    tag_name,
)
from mailframe.letter.lint.template_links import marked_pieces

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

SVG: Final = (
    "is an SVG image, which Gmail and older versions of Outlook do not show; use a PNG file, at "
    "twice the size at which it is shown"
)
_SVG_FILE: Final = re.compile(r"[^?#]*\.svgz?(?:\?|\Z)", re.IGNORECASE)
_SHOWN: Final = 60


@dataclass(frozen=True, slots=True)
class PlaceInTemplate:
    """A place in a template, and what is wrong there.

    Attributes:
        name: the name of the template.
        line: the line number.
        text: the markup or the URL.
        why: what is wrong, and what to write.
    """

    name: str
    line: int
    text: str
    why: str


def images_without_alt(sources: Mapping[str, str]) -> Iterator[PlaceInTemplate]:
    """Each ``<img>`` without the attribute ``alt``; ``alt=""`` means decoration, and is fine.

    Args:
        sources: the sources of the templates, by name.

    >>> [place.line for place in images_without_alt({"html_body": '<img src="a.png">'})]
    [1]
    """
    for name, source in sources.items():
        for line, piece in marked_pieces(source):
            if tag_name(piece) == "img" and ">" in piece and "alt" not in attribute_names(piece):
                src = next((url for attribute, url in addresses(piece) if attribute == "src"), "")
                yield PlaceInTemplate(
                    name,
                    line,
                    src,
                    "an image without alt, the text for readers who do not see it; write "
                    'alt="…", or alt="" for a decoration',
                )


def unsupported_images(sources: Mapping[str, str]) -> Iterator[PlaceInTemplate]:
    """Each image inside the HTML (``data:``), and each SVG image.

    Args:
        sources: the sources of the templates, by name.

    >>> places = unsupported_images({"html_body": '<img src="https://acme.example/logo.svg">'})
    >>> [place.text for place in places]
    ['https://acme.example/logo.svg']
    """
    for name, source in sources.items():
        for line, piece in marked_pieces(source):
            if tag_name(piece) == "svg":
                yield PlaceInTemplate(name, line, "<svg>", SVG)
            for attribute, url in addresses(piece):
                if is_data_image(attribute, url):
                    yield PlaceInTemplate(name, line, f"{url[:30]}…", DATA_IMAGE)
                elif attribute.lower() not in _LINKS and is_svg_file(url):
                    yield PlaceInTemplate(name, line, url[:_SHOWN], SVG)


def is_svg_file(url: str) -> bool:
    """Whether a URL or a path is that of an SVG file, by its name.

    >>> is_svg_file("https://acme.example/a.SVG?v=2"), is_svg_file("https://acme.example/a.png")
    (True, False)
    """
    return ".svg" in url.lower() and bool(_SVG_FILE.match(unquote(html.unescape(url))))


_LINKS: Final = frozenset({"href", "xlink:href", "action", "formaction"})
