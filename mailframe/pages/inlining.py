"""CSS inlining: the rules of ``<style>`` elements become ``style`` attributes.

css-inline finds the styles. It gets the tags of a mail without its words, and its answer is not the
mail that is sent: the styles are written into the tags of the mail as it was, so that comments for
Outlook, placeholders and everything else stay as they are.
"""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from mailframe.errors import MissingExtra
from mailframe.pages.html_fault import HtmlFault
from mailframe.pages.tokens import SPACE, VOID, Tag, attributes, tokens, unescaped
from mailframe.pages.tree import refuse_many_tags, tree

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

Styles: TypeAlias = "tuple[tuple[int, str], ...]"
"""Numbers of tokens that are start tags, in their order, each with its new ``style``, escaped."""

_NUMBER: Final = "data-mf"
"""Attribute by which a start tag is found again."""
_WORDS: Final = frozenset({"href", "src", "alt"})
"""Attributes of links and images whose values matter only to selectors with brackets."""
_NOT_STYLED: Final = frozenset(
    ["head", "title", "meta", "style", "script", "base", "link", "template"]
)
_COMMENT: Final = re.compile(r"/\*.*?(?:\*/|\Z)", re.DOTALL)
_QUOTED: Final = re.compile(r"""'((?:[^'\\\n]|\\.)*+)'|"((?:[^"\\\n]|\\.)*+)\"""", re.DOTALL)
_MAX_DEPTH: Final = 256
"""Elements in each other. css-inline crashes at many thousand, where the stack of a thread ends."""
_MAX_MATCHES: Final = 20_000_000
"""Elements times rules; so many take about a second."""
_MAX_CHARACTERS: Final = 200_000_000
"""Elements times the characters of all rules, which each element may get."""
_MAX_KEPT: Final = 4_000_000
"""Characters of tags whose styles are kept."""


class CssInliner:
    """Writes the rules of ``<style>`` elements into the tags of mails.

    Nothing is loaded: ``<link>`` and ``@import`` are ignored. ``<style>`` elements stay as they
    are, for what has no place in a tag: ``@media``, ``:hover``, ``@font-face``. The styles of mails
    that have the same tags are looked up once.

    Raises:
        MissingExtra: css-inline is not installed.

    >>> CssInliner().of("<style>b { color: red }</style><b>Hi</b> &copy;")
    '<style>b { color: red }</style><b style="color: red;">Hi</b> &copy;'
    """

    def __init__(self) -> None:
        try:
            import css_inline  # noqa: PLC0415 - needs the extra
        except ModuleNotFoundError as error:
            raise MissingExtra("inline_css=True", "css") from error
        self._inline = css_inline.CSSInliner(load_remote_stylesheets=False, keep_style_tags=True)
        self._styles: dict[str, Styles] = {}
        self._tags: dict[str, Tag] = {}
        self._kept = 0

    def of(self, source: str) -> str:
        """The mail with the rules in its tags.

        Raises:
            HtmlFault: the styles cannot be found.
        """
        refuse_many_tags(source)
        read = list(tokens(source, self._tags))
        css = _css_of(token for _, token in read)
        if "{" not in css:
            return source
        keeps_words = "[" in css
        structure = "".join([_part(token, keeps_words=keeps_words) for _, token in read])
        styles = self._styles.get(structure)
        if styles is None:
            styles = self._new_styles([token for _, token in read], keeps_words=keeps_words)
            self._keep(structure, styles)
        return _written(source, read, styles)

    def _new_styles(self, read: Sequence[Tag | str], *, keeps_words: bool) -> Styles:
        """The styles of a mail with other tags than those before.

        Raises:
            HtmlFault: they cannot be found.
        """
        structure = _numbered(read, keeps_words=keeps_words)
        _check(structure, read)
        return _different(read, self._styles_of(structure))

    def _styles_of(self, structure: str) -> dict[int, str]:
        """The style of each start tag by its number; none for one that became several elements."""
        styles: dict[int, str] = {}
        several: set[int] = set()
        for _, token in tokens(self._inlined(structure)):
            if isinstance(token, Tag) and _NUMBER in token.attributes:
                of_tag = {one.name: unescaped(one.value) for one in attributes(token.attributes)}
                number, style = int(of_tag.get(_NUMBER, -1)), of_tag.get("style", "")
                if styles.setdefault(number, style) != style:
                    several.add(number)
        return {number: style for number, style in styles.items() if number not in several}

    def _inlined(self, structure: str) -> str:
        try:
            return str(self._inline.inline(structure))
        except Exception as error:
            raise HtmlFault(
                f"css-inline cannot read the styles ({error}); correct {self._wrong(structure)}"
            ) from error
        except BaseException as error:
            if type(error).__name__ != "PanicException":  # of Rust, whose class is not public
                raise
            raise HtmlFault(f"css-inline failed: {error}") from error

    def _wrong(self, structure: str) -> str:
        """What css-inline cannot read, for an error text."""
        tags = [one for _, one in tokens(structure) if isinstance(one, Tag)]
        for style in dict.fromkeys(map(_own_style, tags)):
            try:
                self._inline.inline(f'<style>p{{top:0}}</style><p style="{html.escape(style)}">')
            except Exception:  # noqa: BLE001 - whatever it raises, this is the style
                return f"style={style[:60]!r}"
        return "the rules"

    def _keep(self, structure: str, styles: Styles) -> None:
        self._kept += len(structure)
        if self._kept > _MAX_KEPT:
            self._styles, self._kept = {}, len(structure)
        self._styles[structure] = styles


def _part(token: Tag | str, *, keeps_words: bool) -> str:
    """What a token has of the structure of a mail: a tag without words, and an x for a text."""
    if isinstance(token, str):
        return token if token.startswith("<!") else "x" if token.strip(SPACE) else " "
    if token.name in ("a", "img") and not (token.is_end or keeps_words):
        return f"<{token.name} {' '.join(_without_words(token))}>"
    return token.text + _rules(token) if token.name == "style" else token.text


def _css_of(read: Iterable[Tag | str]) -> str:
    return "\n".join([_rules(one) for one in read if not isinstance(one, str) and one.content])


def _rules(tag: Tag) -> str:
    """The rules of a ``<style>`` that are always true; empty for one for paper or small screens."""
    given: dict[str, str] = {}
    for one in attributes(tag.attributes):
        given.setdefault(one.name, one.value.strip().lower())
    is_css = tag.name == "style" and given.get("type", "") in ("", "text/css")
    return tag.content if is_css and given.get("media", "") in ("", "all", "screen") else ""


def _without_words(tag: Tag) -> Iterator[str]:
    for one in attributes(tag.attributes):
        yield one.name if one.name in _WORDS else tag.attributes[one.start : one.end]


def _numbered(read: Sequence[Tag | str], *, keeps_words: bool) -> str:
    """What css-inline gets: the structure with the number of each start tag, without links."""
    made: list[str] = []
    for number, token in enumerate(read):
        part = _part(token, keeps_words=keeps_words)
        if isinstance(token, str) or token.is_end:
            made.append(part)
        elif token.name != "link":
            made.append(f'<{token.name} {_NUMBER}="{number}"{part[len(token.name) + 1 :]}')
    return "".join(made)


def _different(read: Sequence[Tag | str], styles: dict[int, str]) -> Styles:
    return tuple(
        (number, html.escape(styles[number], quote=False).replace('"', "&quot;"))
        for number, token in enumerate(read)
        if number in styles
        and not isinstance(token, str)
        and token.name not in _NOT_STYLED
        and styles[number] != _own_style(token)
    )


def _own_styles(tag: Tag) -> Iterator[tuple[str, int, int]]:
    """The style of a tag, and where it begins and ends in the attributes."""
    for one in attributes(tag.attributes):
        if one.name == "style":
            yield unescaped(one.value), one.start, one.end


def _own_style(tag: Tag) -> str:
    return next((style for style, _, _ in _own_styles(tag)), "")


def _written(source: str, read: Sequence[tuple[int, Tag | str]], styles: Styles) -> str:
    """The source with these styles in its tags, and everything else as it was."""
    made: list[str] = []
    end = 0
    for number, style in styles:
        place, tag = read[number]
        assert isinstance(tag, Tag)  # noqa: S101 - only tags have styles
        inside = place + len(tag.text) - 1 - len(tag.attributes)
        _, start, stop = next(_own_styles(tag), ("", 0, 0))
        made += source[end : inside + start], "" if stop else " ", f'style="{style}"'
        end = inside + stop
    return "".join([*made, source[end:]])


# --- limits ---------------------------------------------------------------------------------------


def _check(structure: str, read: Sequence[Tag | str]) -> None:
    """Refuse what css-inline gets wrong, takes too long for, or crashes at.

    Raises:
        HtmlFault: with what to do.
    """
    tags = [one for one in read if isinstance(one, Tag) and not one.is_end]
    css = _css_of(tags)
    rules = css.count("{")
    if len(tags) * rules > _MAX_MATCHES or len(tags) * len(css) > _MAX_CHARACTERS:
        raise HtmlFault(
            f"{rules:,} rules of {len(css):,} characters and {len(tags):,} elements are too many; "
            "write fewer rules"
        )
    for text in (_COMMENT.sub(" ", css), *dict.fromkeys(_own_style(tag) for tag in tags)):
        if any("'" in double or '"' in single for single, double in _QUOTED.findall(text)):
            raise HtmlFault(
                "a text in quotes has the other kind of quotes in it, which css-inline writes "
                r"wrong; write \27 for an apostrophe and \22 for double quotes"
            )
    if _most_depth(structure) > _MAX_DEPTH and _depth(structure) > _MAX_DEPTH:
        raise HtmlFault(f"more than {_MAX_DEPTH} elements are nested; close them, or nest fewer")


def _most_depth(structure: str) -> int:
    """At most how many elements are nested; an end tag that closes no element is ignored."""
    opened: list[str] = []
    most = 0
    for _, token in tokens(structure):
        if isinstance(token, str) or (token.name in VOID and not token.is_end):
            continue
        if not token.is_end:
            opened.append(token.name)
            most = max(most, len(opened))
        elif opened and opened[-1] == token.name:
            opened.pop()
    return most


def _depth(structure: str) -> int:
    """How many elements are nested; more than any limit if the tree cannot be built."""
    root: Any = tree(structure)
    level, depth = [root], 0
    while level and depth <= _MAX_DEPTH and root is not None:
        level = [child for node in level for child in getattr(node, "children", None) or ()]
        depth += 1
    return depth if root is not None else _MAX_DEPTH + 1
