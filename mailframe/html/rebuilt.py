"""A copy of a mail's HTML, written anew from the tree that a browser makes of it: only what is allowed is in it.

A reader sees the same. Whatever the parser makes of hostile HTML, the copy holds no other tags than those written here:
names and attributes come from ``allowed``, values are quoted and escaped, and the only text that a browser reads
without its escapes, that of ``style``, holds nothing that looks like a tag.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

from mailframe.html import allowed
from mailframe.html.styles import answered, asking_for, declares_dark, harmless
from mailframe.html.tree import tree

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from justhtml import Document, DocumentFragment, Node

LINK: Final = "data-link"
"""The attribute that holds a link's address in place of ``href``: for styles. People read it in the title."""
_CONTENT_ID: Final = re.compile(r"cid:([^\s\"'<>)]+)", re.IGNORECASE)
_ESCAPES: Final = str.maketrans(
    {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\r": "&#13;"}
)
_DOCTYPE_PART: Final = re.compile(r"[\w\s:/.,()'+=?;!*#@$%~-]*", re.ASCII)
_CANDIDATE: Final = re.compile(r"[^\s,]\S*")
_STARTS_WITH_LINE: Final = frozenset({"pre", "textarea", "listing"})
"""A parser drops a line end at their beginning, so one is written there."""
_METAS: Final = frozenset({"color-scheme", "supported-color-schemes"})
_TANGLED: Final = "<p>This HTML is too tangled to be shown: too many elements such as &lt;b&gt; are never closed.</p>"


@dataclass(frozen=True, slots=True)
class Copy:
    """The parts of the copy.

    Attributes:
        doctype: the mail's own, which decides how a browser lays it out; empty for none.
        html, body: attributes of these elements, each with a blank before it.
        head, content: what is inside the head and the body.
        declares_dark: the mail says that it can be shown on a dark ground.
    """

    doctype: str = ""
    html: str = ""
    head: str = ""
    body: str = ""
    content: str = ""
    declares_dark: bool = False

    def written(self, head: str = "") -> str:
        """The whole document, with something of our own first in its head."""
        top = f"{self.doctype}<html{self.html}><head>{head}{self.head}</head>"
        return f"{top}<body{self.body}>{self.content}</body></html>"


def rebuilt(
    html: str, *, inline: Mapping[str, str] | None = None, scheme: str | None = None
) -> Copy:
    """The copy of a mail's HTML.

    Args:
        html: of the mail.
        inline: what stands for ``cid:…`` addresses: content ID in lower case to ``data:`` address.
        scheme: answers the mail's questions for the reader's screen; None leaves them as they are.

    >>> rebuilt('<a href="//x" onclick="f()">the target = 5</a><script>alert(1)</script>').content
    '<a data-link="//x" title="//x">the target = 5</a>'
    """
    text = html.replace("\x00", "\ufffd").encode("utf-8", "replace").decode()
    root = tree(text)
    if root is None:
        return Copy(content=_TANGLED)
    writer = _Writer(inline or {}, scheme)
    parts = {node.name: node for node in _children(_named(root, "html"))}
    whole, head, body = _named(root, "html"), parts.get("head"), parts.get("body")
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
    """The mail's own doctype where it has one that can be written again."""
    found = next((node.data for node in _children(root) if node.name == "!doctype"), None)
    if found is None or isinstance(found, str) or found.force_quirks or found.name != "html":
        return ""
    public, system = found.public_id, found.system_id
    if not all(map(_DOCTYPE_PART.fullmatch, (public or "", system or ""))):
        return "<!DOCTYPE html>"  # as a browser takes an identifier that it does not know
    kind = " SYSTEM" if public is None and system is not None else ""
    kind = kind if public is None else f' PUBLIC "{public}"'
    return f"<!DOCTYPE html{kind}{'' if system is None else f' {chr(34)}{system}{chr(34)}'}>"


def _declares_dark(root: Document | DocumentFragment) -> bool:
    """Whether a ``meta`` element, or a style of the root element, says so."""
    waiting = _children(root)
    while waiting:
        node = waiting.pop()
        if node.name[0] not in "#!":
            if (css := _root_style(node)) and declares_dark(css):
                return True
            waiting += _children(node)
    return False


def _root_style(node: Node) -> str:
    """What an element says of the style of the whole document."""
    attributes = node.attrs or {}
    if node.name == "meta" and (attributes.get("name") or "").strip().lower() in _METAS:
        return f":root{{color-scheme:{attributes.get('content') or ''}}}"
    if node.name in ("html", "body"):
        return f":root{{{attributes.get('style') or ''}}}"
    return _text(node) if node.name == "style" else ""


def _text(node: Node) -> str:
    return "".join(child.data for child in _children(node) if isinstance(child.data, str))


class _Writer:
    """Writes nodes; knows what stands for inline images and what screen the reader has."""

    def __init__(self, inline: Mapping[str, str], scheme: str | None) -> None:
        self._inline = inline
        self._scheme = scheme

    def inside(self, node: Node | None) -> Iterator[str]:
        """What is inside an element, in pieces."""
        waiting: list[Node | str] = [*reversed(_children(node))]
        forms = 0
        while waiting:
            one = waiting.pop()
            if isinstance(one, str):
                forms -= one == "</form>"
                yield one
            elif one.name == "#text":
                yield str(one.data).translate(_ESCAPES)
            elif one.name[0] not in "#!":
                name = _new_name(one)
                if name is None:
                    continue
                inside = self._style(one) if name == "style" else None
                if (
                    name == "form"
                ):  # one inside another is in no document, though it can be in a tree
                    name, forms = ("", forms) if forms else (name, 1)
                if name:
                    yield f"<{name}{self.attributes(one, name)}>"
                    if name in allowed.VOID and one.namespace == "html":
                        continue
                    yield "\n" if name in _STARTS_WITH_LINE and _begins_with_line(one) else ""
                    waiting.append(f"</{name}>")
                waiting += reversed(_children(one)) if inside is None else [inside]

    def attributes(self, node: Node, name: str) -> str:
        """The attributes of a start tag, each with a blank before it."""
        found = {key: value or "" for key, value in (node.attrs or {}).items()}
        kept = {
            key: self._value(key, value)
            for key, value in found.items()
            if _is_allowed(key, value, name)
        }
        if name in allowed.CANDIDATES and (candidates := _candidates(found.get("srcset", ""))):
            kept["srcset"] = self._with_images(candidates)
        link = found.get("href", found.get("xlink:href")) if name in allowed.LINKED else None
        if link is not None:
            kept = {LINK: link} | kept | {"title": link}
        return "".join(f' {key}="{value.translate(_ESCAPES)}"' for key, value in kept.items())

    def _value(self, key: str, value: str) -> str:
        if key == "media" and self._scheme:
            return answered(value, self._scheme)
        return self._with_images(value) if key == "style" or key in allowed.ADDRESSES else value

    def _style(self, node: Node) -> str:
        """The text of a style sheet. In a drawing it is read with its escapes, elsewhere without."""
        css = asking_for(LINK, self._with_images(_text(node)))
        css = harmless(answered(css, self._scheme) if self._scheme else css)
        return css if node.namespace == "html" else css.translate(_ESCAPES)

    def _with_images(self, text: str) -> str:
        return _CONTENT_ID.sub(self._image, text) if self._inline else text

    def _image(self, found: re.Match[str]) -> str:
        return self._inline.get(
            unquote(found[1]).lower(), self._inline.get(found[1].lower(), found[0])
        )


def _new_name(node: Node) -> str | None:
    """The name of the element in the copy; empty where only its content stays, None where nothing does."""
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
        return False  # pressed, it would open a dialog for files
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
    """Those of the images to choose from whose address is allowed."""
    kept, at = [], 0
    while found := _CANDIDATE.search(srcset, at):
        address = found[0].rstrip(",")
        at = found.end()
        size = ""
        if address == found[0]:
            end = srcset.find(",", at)
            end = len(srcset) if end < 0 else end
            size, at = srcset[at:end].strip(), end
        if allowed.IMAGE_ADDRESS.match(address):
            kept.append(f"{address} {size}".strip())
    return ", ".join(kept)


def _begins_with_line(node: Node) -> bool:
    first = next(iter(_children(node)), None)
    return first is not None and first.name == "#text" and str(first.data).startswith("\n")
