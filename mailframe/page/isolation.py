"""A frame in a frame for HTML that nobody vouches for: nothing in it runs, loads, navigates or opens.

Three things keep it in, and each has been seen to fail alone (``tests/browser`` shows it):

1. the mail's document has a policy of its own (``default-src 'none'``), before anything of the mail;
2. it stands in a frame without any right (``sandbox=""``) inside a document whose policy allows no frame to
   load anything, so that not even a link with ``target=_self`` leads anywhere;
3. that document stands in a frame without any right, too.

Beside that the shown copy is hardened: tags that could hold a frame or a script are renamed, attributes that name a
target are dropped, and links lead nowhere but say where they would. Browsers open connections for such tags before
they ask any policy, and no frame keeps the middle mouse button from opening a link in a new tab.
"""

from __future__ import annotations

import html as escaping
import re
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

Scheme: TypeAlias = Literal["light", "dark"]
HEIGHT_PX: Final = 460
PHONE_PX: Final = 390
"""The width of a common phone, in CSS pixels."""

_SPACE: Final = r"[\t\n\f\r ]"
_AFTER_NAME: Final = r"(?=[\t\n\f\r />]|$)"
_RENAMED: Final = re.compile(
    rf"<(/?)(iframe|frameset|frame|object|embed|portal|fencedframe|applet|script|base|meta|link){_AFTER_NAME}",
    re.IGNORECASE,
)
_NEW_NAMES: Final = {"script": "noframes"}
"""Content of ``noframes`` is text that is never shown, as that of ``script`` is."""
_DROPPED_TAGS: Final = frozenset({"base", "meta", "link", "frame", "embed"})
"""They have no content; under another name they would swallow what follows."""
_DROPPED: Final = frozenset({"target", "formtarget", "ping", "download", "srcdoc", "autofocus", "attributename"})
"""The last one lets SVG's ``animate`` and ``set`` write a link where there was none."""
_LINKS: Final = frozenset({"href", "xlink:href"})
_KEEPS_LINK: Final = frozenset({"image", "feimage"})
"""Their link is an image, which is the policy's business."""
_LINK: Final = "data-link title"
"""What a link becomes: a mark for the style, and the address to read when the mouse is over it."""
_RAW_TEXT: Final = frozenset({"style", "title", "textarea", "xmp", "noembed", "noframes", "plaintext"})
_TAG: Final = re.compile(r"<(?:!--|([a-zA-Z][^\t\n\f\r />]*))")
_TAG_END: Final = re.compile(r"[\t\n\f\r /]*>?")
_COMMENT_END: Final = re.compile(r"--!?>")
_ATTRIBUTE: Final = re.compile(
    rf"""[\t\n\f\r /]*([^\t\n\f\r />][^\t\n\f\r />=]*)"""
    rf"""(?:{_SPACE}*={_SPACE}*(?:"[^"]*"|'[^']*'|[^\t\n\f\r >"'][^\t\n\f\r >]*|(?=>)))?"""
)
_SCHEME: Final = re.compile(r"\(\s*prefers-color-scheme\s*:\s*(dark|light)\s*\)", re.IGNORECASE)
_CONTENT_ID: Final = re.compile(r"cid:([^\s\"'<>)]+)", re.IGNORECASE)


def isolated(
    html: str,
    *,
    inline: Mapping[str, str] | None = None,
    images: bool = False,
    scheme: Scheme = "light",
    width_px: int | None = None,
    height_px: int = HEIGHT_PX,
    title: str = "The HTML part of the message",
) -> str:
    """The HTML of a mail as a frame that can be put into any page.

    Args:
        html: of the mail, as it would be sent.
        inline: what stands for ``cid:…`` addresses: content ID in lower case to ``data:`` address.
        images: load remote images, which tells their server that somebody looks.
        scheme: as a reader with a light or a dark screen sees it, whatever the screen is here.
        width_px: of the frame; None for all there is.
        height_px: of the frame, which a person can draw larger.
        title: of the frame, for screen readers.

    >>> isolated("<p>Hi").count('sandbox=""'), "<p>" in isolated("<p>Hi")
    (1, False)
    """
    inner = document(html, inline=inline, images=images, scheme=scheme)
    frame = f'<iframe sandbox="" srcdoc="{escaping.escape(inner)}" title="{escaping.escape(title)}"></iframe>'
    outer = f"{_head(images=images, scheme=scheme, frames=True)}<style>{_FULL}</style>{frame}"
    width = "100%" if width_px is None else f"{width_px}px"
    return (
        f'<iframe class="mf-frame" sandbox="" srcdoc="{escaping.escape(outer)}" title="{escaping.escape(title)}" '
        f'style="width:{width};max-width:100%;height:{height_px}px;resize:vertical;border:0;display:block"></iframe>'
    )


def sheet(tiles: Sequence[tuple[str, str]], *, height_px: int, images: bool = False) -> str:
    """Many mails side by side, small, in one frame.

    Args:
        tiles: of each mail the HTML that stands above it, of our own making, and the document to show.
        height_px: of the whole.
        images: as in ``isolated``; the documents must have been made with the same.
    """
    frame = '<div><iframe sandbox="" tabindex="-1" srcdoc="'
    figures = "".join(
        f'<figure>{caption}{frame}{escaping.escape(inner)}"></iframe></div></figure>' for caption, inner in tiles
    )
    head = _head(images=images, scheme=None, frames=True)
    outer = f"{head}<style>{_GRID}</style><main>{figures}</main>"
    return (
        f'<iframe class="mf-frame" sandbox="" srcdoc="{escaping.escape(outer)}" title="The messages side by side" '
        f'style="width:100%;height:{height_px}px;resize:vertical;border:0;display:block"></iframe>'
    )


def document(
    html: str, *, inline: Mapping[str, str] | None = None, images: bool = False, scheme: Scheme = "light"
) -> str:
    """The document of the inner frame: the policy, then a hardened copy of the mail.

    It is safe only in a frame with ``sandbox=""`` inside another such document; see ``isolated``.
    """
    copy = _in_scheme(hardened(html), scheme)
    if inline:
        copy = _CONTENT_ID.sub(lambda found: escaping.escape(_inline(found, inline)), copy)
    return f"{_head(images=images, scheme=scheme)}{copy}"


def hardened(html: str) -> str:
    """A copy in which tags that could hold a frame or a script have other names, and nothing leads anywhere.

    What a reader sees is the same. It is not what keeps a mail in; see the module.

    >>> hardened('<base href="//x"><a href="//x" target=_self>the target = 5</a><script>alert(1)</script>')
    '<a data-link title="//x">the target = 5</a><noframes>alert(1)</noframes>'
    """
    text = html.replace("\x00", "\ufffd").encode("utf-8", "replace").decode()
    for raw_text in (_RAW_TEXT, frozenset[str]()):  # inside svg, style holds tags: read it both ways
        text = "".join(_without_targets(text, raw_text))
    return _RENAMED.sub(_renamed, text)


def _renamed(found: re.Match[str]) -> str:
    name = found[2].lower()
    return f"<{found[1]}{_NEW_NAMES.get(name, f'x-{name}')}"


def _without_targets(text: str, raw_text: frozenset[str]) -> Iterator[str]:
    """The text in pieces without tags and attributes that are dropped; read as HTML's tokenizer reads."""
    at = 0
    while tag := _TAG.search(text, at):
        yield text[at : tag.start()]
        if tag[1] is None:
            at = _after_comment(text, tag.end())
            yield text[tag.start() : at]
            continue
        name = tag[1].lower()
        attributes, at = _kept_attributes(text, tag.end(), name)
        if name not in _DROPPED_TAGS:
            yield tag[0] + attributes
        else:
            at = _TAG_END.match(text, at).end()  # type: ignore[union-attr]  # it matches always
        if name in raw_text:
            end = re.compile(rf"</{name}{_AFTER_NAME}", re.IGNORECASE).search(text, at)
            stop = end.start() if end else len(text)
            yield text[at:stop]
            at = stop
    yield text[at:]


def _kept_attributes(text: str, at: int, tag: str) -> tuple[str, int]:
    """The attributes of a start tag that stay, and where they end."""
    kept = []
    while attribute := _ATTRIBUTE.match(text, at):
        name = attribute[1].lower()
        if name in _LINKS and not _stays_inside(tag, attribute[0]):
            kept.append(f"{text[at : attribute.start(1)]}{_LINK}{text[attribute.end(1) : attribute.end()]}")
        elif name not in _DROPPED:
            kept.append(attribute[0])
        at = attribute.end()
    return "".join(kept), at


def _stays_inside(tag: str, attribute: str) -> bool:
    """Whether a link is an image or, as in ``<use href="#star">``, a part of the drawing itself."""
    value = attribute.partition("=")[2].lstrip("\t\n\f\r \"'")
    return tag in _KEEPS_LINK or (tag not in ("a", "area") and value.startswith("#"))


def _after_comment(text: str, at: int) -> int:
    for short in (">", "->"):
        if text.startswith(short, at):
            return at + len(short)
    end = _COMMENT_END.search(text, at)
    return end.end() if end else len(text)


def _in_scheme(html: str, scheme: Scheme) -> str:
    """Frames follow the scheme of the page around them, so the copy's own questions for it are answered here."""
    return _SCHEME.sub(lambda found: "(min-width:0px)" if found[1].lower() == scheme else "(max-width:0px)", html)


def _inline(found: re.Match[str], inline: Mapping[str, str]) -> str:
    return inline.get(escaping.unescape(found[1]).lower(), found[0])


def _head(*, images: bool, scheme: Scheme | None, frames: bool = False) -> str:
    sources = "data: https: http:" if images else "data:"
    policy = f"default-src 'none'; style-src 'unsafe-inline'; img-src {sources}; font-src data:; form-action 'none'; "
    policy += "base-uri 'none'; frame-src 'none'" if frames else "base-uri 'none'"
    return (
        f'<!doctype html><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="referrer" content="no-referrer"><meta http-equiv="x-dns-prefetch-control" content="off">'
        '<meta name="viewport" content="width=device-width"><base target="_blank">'
        f"<style>:root{{color-scheme:{f'{scheme} only!important' if scheme else 'light dark'}}}{_LINK_STYLE}</style>"
    )


_LINK_STYLE: Final = ":where(a[data-link]){color:LinkText;text-decoration:underline;cursor:pointer}"
"""As a browser draws a link, and weaker than anything that the mail says."""
_FULL: Final = "html,body{margin:0;height:100%;background:Canvas}iframe{border:0;width:100%;height:100%;display:block}"
_GRID: Final = (
    "body{margin:0;font:13px/1.35 system-ui,sans-serif}"
    "main{display:grid;grid-template-columns:repeat(auto-fill,240px);gap:14px;padding:4px}"
    "figure{margin:0;border:1px solid #8885;border-radius:6px;overflow:hidden;background:Canvas}"
    "figure>div{height:300px;overflow:hidden;border-top:1px solid #8885}"
    "figure iframe{border:0;width:640px;height:830px;transform:scale(.375);transform-origin:0 0;pointer-events:none}"
    "figcaption{padding:7px 10px;height:6.8em;overflow:hidden}figcaption small{opacity:.75}"
    "figure:has(.mf-bad){border:2px solid #cf222e}.mf-bad b{color:#cf222e}"
)
