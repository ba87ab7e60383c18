"""A copy of a mail's HTML with allowed content only, from the tree that a browser makes of it.

A reader sees the same mail. Even of hostile HTML the copy contains only tags written here: names
and attributes come from ``allowed``, values are quoted and escaped. The text of ``style`` elements
is the only one that a browser reads without escapes, and it contains nothing that looks like a tag.
"""

# This module serializes the nodes of a mail, which no template could do: it keeps their markup.

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

from mailframe.pages import allowed
from mailframe.pages.mail_css import declares_dark, for_links, for_scheme, harmless
from mailframe.pages.tree import tree

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from justhtml import Document, DocumentFragment, Node

LINK: Final = "data-link"
"""The attribute that has a link's address instead of ``href``, for style sheets."""
_CONTENT_ID: Final = re.compile(r"cid:([^\s\"'<>)]+)", re.IGNORECASE)
_ESCAPES: Final = str.maketrans(
    {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\r": "&#13;"}
)
_DOCTYPE_PART: Final = re.compile(r"[\w\s:/.,()'+=?;!*#@$%~-]*", re.ASCII)
_CANDIDATE: Final = re.compile(r"[^\s,]\S*")
_DROPS_FIRST_LINE: Final = frozenset({"pre", "textarea", "listing"})
"""A parser drops a line break at their start, so a second one is written."""
_METAS: Final = frozenset({"color-scheme", "supported-color-schemes"})
_STYLING: Final = frozenset({"html", "body", "meta", "style"})
"""Elements that can declare the color scheme of the whole document."""
_TANGLED: Final = (
    "<p>This HTML cannot be shown: too many elements such as &lt;b&gt; are never closed.</p>"
)


@dataclass(frozen=True, slots=True)
class Copy:
    """The parts of the copy.

    Attributes:
        doctype: the doctype of the mail, which decides how a browser lays it out; empty for none.
        html, body: the attributes of these elements, each after a blank.
        head, content: the HTML inside the head and the body.
        declares_dark: whether the mail declares that it can be shown on a dark screen.
    """

    doctype: str = ""
    html: str = ""
    head: str = ""
    body: str = ""
    content: str = ""
    declares_dark: bool = False

    def written(self, head: str = "") -> str:
        """The whole document.

        Args:
            head: the HTML that comes first in its head.
        """
        top = f"{self.doctype}<html{self.html}><head>{head}{self.head}</head>"
        return f"{top}<body{self.body}>{self.content}</body></html>"


def safe_copy(
    html: str, *, inline: Mapping[str, str] | None = None, scheme: str | None = None
) -> Copy:
    """The copy of a mail's HTML.

    Args:
        html: the HTML of the mail.
        inline: replacements of ``cid:…`` addresses: content ID in lower case to ``data:`` address.
        scheme: the scheme of the reader's screen, for the mail's media queries; None leaves the
            queries unchanged.

    >>> safe_copy('<a href="//x" onclick="f()">the target = 5</a><script>alert(1)</script>').content
    '<a data-link="//x" title="//x">the target = 5</a>'
    """
    text = html.replace("\x00", "\ufffd").encode("utf-8", "replace").decode()
    root = tree(text)
    if root is None:
        return Copy(content=_TANGLED)
    writer = _Writer(inline or {}, scheme)
    whole = _named(root, "html")
    parts = {node.name: node for node in _children(whole)}
    head, body = parts.get("head"), parts.get("body")
    return Copy(
        doctype=_doctype(root),
        html=writer.attributes(whole, "html"),
        head="".join(writer.inside(head)),
        body=writer.attributes(body, "body") if body else "",
        content="".join(writer.inside(body)),
        declares_dark=_declares_dark(root),
    )


def _children(node: Node | Document | DocumentFragment | None) -> list[Node]:
    return list(node.children or ()) if node is not None else []


def _named(root: Document | DocumentFragment, name: str) -> Node:
    return next(node for node in _children(root) if node.name == name)


def _doctype(root: Document | DocumentFragment) -> str:
    """The doctype of the mail, if it has one that can be written again."""
    data = next((node.data for node in _children(root) if node.name == "!doctype"), None)
    if data is None or isinstance(data, str) or data.force_quirks or data.name != "html":
        return ""
    public, system = data.public_id, data.system_id
    if not all(map(_DOCTYPE_PART.fullmatch, (public or "", system or ""))):
        return "<!DOCTYPE html>"  # browsers treat an unknown identifier the same
    kind = f' PUBLIC "{public}"' if public is not None else " SYSTEM" if system is not None else ""
    return f"<!DOCTYPE html{kind}{'' if system is None else f' {chr(34)}{system}{chr(34)}'}>"


def _declares_dark(root: Document | DocumentFragment) -> bool:
    """Whether a ``meta`` element or a style of the root element declares it."""
    waiting = _children(root)
    while waiting:
        node = waiting.pop()
        if node.name in _STYLING and declares_dark(_root_style(node)):
            return True
        if node.name[0] not in "#!":
            waiting += node.children or ()
    return False


def _root_style(node: Node) -> str:
    """What an element declares about the style of the whole document."""
    attributes = node.attrs or {}
    if node.name == "meta" and (attributes.get("name") or "").strip().lower() in _METAS:
        return f":root{{color-scheme:{attributes.get('content') or ''}}}"
    if node.name in ("html", "body"):
        return f":root{{{attributes.get('style') or ''}}}"
    return _text(node) if node.name == "style" else ""


def _text(node: Node) -> str:
    return "".join(child.data for child in _children(node) if isinstance(child.data, str))


class _Writer:
    """Writes nodes.

    Args:
        inline: the replacements of ``cid:…`` addresses.
        scheme: the scheme of the reader's screen.
    """

    def __init__(self, inline: Mapping[str, str], scheme: str | None) -> None:
        self._inline = inline
        self._scheme = scheme

    def inside(self, node: Node | None) -> Iterator[str]:
        """The content of an element, in pieces."""
        waiting: list[Node | str] = [*reversed(_children(node))]
        is_in_form = False
        while waiting:
            one = waiting.pop()
            if isinstance(one, str):
                is_in_form &= one != "</form>"
                yield one
            elif one.name == "#text":
                yield str(one.data).translate(_ESCAPES)
            elif one.name[0] not in "#!" and (name := _new_name(one)) is not None:
                content: list[Node | str] = [*reversed(_children(one))]
                if name == "style":
                    content = [self._style(one)]
                if name == "form":  # no document has a form in a form, though a tree can have one
                    name, is_in_form = "" if is_in_form else name, True
                if name:
                    yield f"<{name}{self.attributes(one, name)}>"
                    if name in allowed.VOID and one.namespace == "html":
                        continue
                    yield "\n" if name in _DROPS_FIRST_LINE and _starts_with_line(one) else ""
                    waiting.append(f"</{name}>")
                waiting += content

    def attributes(self, node: Node, name: str) -> str:
        """The attributes of a start tag, each after a blank."""
        if not node.attrs:
            return ""
        given = {key: value or "" for key, value in node.attrs.items()}
        kept = {
            key: self._value(key, value)
            for key, value in given.items()
            if _is_allowed(key, value, name)
        }
        if name in allowed.CANDIDATES and (candidates := _candidates(given.get("srcset", ""))):
            kept["srcset"] = self._with_images(candidates)
        link = given.get("href", given.get("xlink:href")) if name in allowed.LINKED else None
        if link is not None:
            kept = {LINK: link} | kept | {"title": link}
        return "".join(f' {key}="{value.translate(_ESCAPES)}"' for key, value in kept.items())

    def _value(self, key: str, value: str) -> str:
        if key == "media" and self._scheme:
            return for_scheme(value, self._scheme)
        return self._with_images(value) if key == "style" or key in allowed.ADDRESSES else value

    def _style(self, node: Node) -> str:
        """The text of a style sheet; a browser reads escapes only in a drawing."""
        css = for_links(LINK, self._with_images(_text(node)))
        css = harmless(for_scheme(css, self._scheme) if self._scheme else css)
        return css if node.namespace == "html" else css.translate(_ESCAPES)

    def _with_images(self, text: str) -> str:
        return _CONTENT_ID.sub(self._image, text) if self._inline else text

    def _image(self, match: re.Match[str]) -> str:
        undecoded = self._inline.get(match[1].lower(), match[0])
        return self._inline.get(unquote(match[1]).lower(), undecoded)


def _new_name(node: Node) -> str | None:
    """The name of the element in the copy; empty to keep only its content, None to leave it out."""
    name = node.name
    if node.namespace == "svg":
        return name if name in allowed.SVG_ELEMENTS else None
    if node.namespace == "math":
        return None if name.startswith("annotation") else ""
    if name in allowed.WITHOUT_CONTENT:
        return None
    if name in allowed.ELEMENTS:
        return name
    return "" if name == "noscript" else allowed.VERBATIM.get(name, "span")


def _is_allowed(key: str, value: str, name: str) -> bool:
    if name == "input" and key == "type" and value.strip().lower() == "file":
        return False  # it would open a file dialog on a click
    if (
        key in allowed.ATTRIBUTES
        or key in allowed.SVG_ATTRIBUTES
        or allowed.OWN_ATTRIBUTE.fullmatch(key)
    ):
        return True
    if key in allowed.ADDRESSES and name in allowed.ADDRESSES[key]:
        return allowed.IMAGE_ADDRESS.match(value) is not None
    return (
        key in ("href", "xlink:href")
        and name in allowed.SVG_ELEMENTS - {"a"}
        and value.strip().startswith("#")
    )


def _candidates(srcset: str) -> str:
    """The images of a ``srcset`` whose address is allowed."""
    kept, at = [], 0
    while match := _CANDIDATE.search(srcset, at):
        address, at, size = match[0].rstrip(","), match.end(), ""
        if address == match[0]:
            end = srcset.find(",", at)
            end = len(srcset) if end < 0 else end
            size, at = srcset[at:end].strip(), end
        if allowed.IMAGE_ADDRESS.match(address):
            kept.append(f"{address} {size}".strip())
    return ", ".join(kept)


def _starts_with_line(node: Node) -> bool:
    first = next(iter(_children(node)), None)
    return first is not None and first.name == "#text" and str(first.data).startswith("\n")
