"""A frame in a frame for HTML that nobody vouches for: nothing in it runs, loads, navigates or opens.

Three things keep it in, and each has been seen to fail alone (``tests/browser`` shows it):

1. the mail's document has a policy of its own (``default-src 'none'``), before anything of the mail;
2. it stands in a frame without any right (``sandbox=""``) inside a document whose policy allows frames nothing but
   ``data:``, so that not even a link with ``target=_self`` leads to a server;
3. that document stands in a frame without any right, too.

Beside that the shown copy is written anew from the tree of the mail (``rebuilt``): it holds only elements and
attributes that are allowed, and links lead nowhere but say where they would. Browsers open connections for some tags
before they ask any policy, and no frame keeps the middle mouse button from opening a link in a new tab.
"""

from __future__ import annotations

import html as escaping
import re
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from mailframe.html.rebuilt import Copy, rebuilt

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Scheme: TypeAlias = Literal["light", "dark"]
HEIGHT_PX: Final = 460
PHONE_PX: Final = 390
"""The width of a common phone, in CSS pixels."""

MAX_ADDRESS: Final = 1_900_000
"""Chromium opens no address of more than 2 MiB; a longer document stands in the frame's ``srcdoc``."""
_ENCODED: Final = re.compile("[\\x00-\\x1f\\x7f%#\"&'<>]")
"""What ends an address or an attribute, or would be dropped from an address."""


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
    copy = rebuilt(html, inline=inline, scheme=scheme)
    inner = _written(copy, images=images, scheme=scheme)
    frame = f'<iframe sandbox="" {_source(inner)} title="{escaping.escape(title)}"></iframe>'
    head = _head(images=images, scheme=f"{scheme} only", frames=True)
    ground = _GROUND if scheme == "dark" and not copy.declares_dark else ""
    outer = f"<!doctype html>{head}<style>{_FULL}{ground}</style>{frame}"
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
    figures = "".join(
        f'<figure>{caption}<div><iframe sandbox="" tabindex="-1" {_source(inner)}></iframe></div></figure>'
        for caption, inner in tiles
    )
    head = _head(images=images, scheme="light dark", frames=True)
    outer = f"<!doctype html>{head}<style>{_GRID}</style><main>{figures}</main>"
    return (
        f'<iframe class="mf-frame" sandbox="" srcdoc="{escaping.escape(outer)}" title="The messages side by side" '
        f'style="width:100%;height:{height_px}px;resize:vertical;border:0;display:block"></iframe>'
    )


def document(
    html: str,
    *,
    inline: Mapping[str, str] | None = None,
    images: bool = False,
    scheme: Scheme = "light",
) -> str:
    """The document of the inner frame: the policy, then a copy of the mail that holds only what is allowed.

    It has the mail's own doctype, and the dark scheme only where the mail declares it. It is safe only in a frame with
    ``sandbox=""`` inside another such document; see ``isolated``.

    >>> document("<!DOCTYPE html><p>Hi").partition(">")[0]
    '<!DOCTYPE html'
    """
    return _written(rebuilt(html, inline=inline, scheme=scheme), images=images, scheme=scheme)


def hardened(html: str) -> str:
    """The copy alone, as a document.

    What a reader sees is the same. It is not what keeps a mail in; see the module.

    >>> hardened('<base href="//x"><p><a href="//x" target=_self>the target = 5</a><script>alert(1)</script>')
    '<html><head></head><body><p><a data-link="//x" title="//x">the target = 5</a></p></body></html>'
    """
    return rebuilt(html).written()


def _written(copy: Copy, *, images: bool, scheme: Scheme) -> str:
    shown = "dark only" if scheme == "dark" and copy.declares_dark else "light only"
    return copy.written(_head(images=images, scheme=shown))


def _source(inner: str) -> str:
    """The attribute of a frame that holds a document.

    A document in ``srcdoc`` is always laid out by today's rules; one with an address of its own is laid out as its
    doctype says, as it is in mail clients.
    """
    inner = inner.encode("utf-8", "replace").decode()
    address = _ENCODED.sub(lambda found: f"%{ord(found[0]):02X}", inner)
    if len(address) + 8 * (len(address.encode()) - len(address)) > MAX_ADDRESS:
        return f'srcdoc="{escaping.escape(inner)}"'
    return f'src="data:text/html;charset=utf-8,{address}"'


def _head(*, images: bool, scheme: str, frames: bool = False) -> str:
    sources = "data: https: http:" if images else "data:"
    policy = f"default-src 'none'; style-src 'unsafe-inline'; img-src {sources}; font-src data:; form-action 'none'; "
    policy += "base-uri 'none'; frame-src data:" if frames else "base-uri 'none'"
    return (
        f'<meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="referrer" content="no-referrer"><meta http-equiv="x-dns-prefetch-control" content="off">'
        '<meta name="viewport" content="width=device-width"><base target="_blank">'
        f"<style>:root{{color-scheme:{scheme}{'' if scheme == 'light dark' else '!important'}}}{_LINK_STYLE}</style>"
    )


_LINK_STYLE: Final = ":where(a[data-link]){color:LinkText;text-decoration:underline;cursor:pointer}"
"""As a browser draws a link, and weaker than anything that the mail says."""
_FULL: Final = "html,body{margin:0;height:100%;background:Canvas}iframe{border:0;width:100%;height:100%;display:block}"
_GROUND: Final = "body{box-sizing:border-box;padding:14px 0}"
"""The dark ground shows above and below a mail that stays light."""
_GRID: Final = (
    "body{margin:0;font:13px/1.35 system-ui,sans-serif}"
    "main{display:grid;grid-template-columns:repeat(auto-fill,240px);gap:14px;padding:4px}"
    "figure{margin:0;border:1px solid #8885;border-radius:6px;overflow:hidden;background:Canvas}"
    "figure>div{height:300px;overflow:hidden;border-top:1px solid #8885}"
    "figure iframe{border:0;width:640px;height:830px;transform:scale(.375);transform-origin:0 0;pointer-events:none}"
    "figcaption{padding:7px 10px;height:6.8em;overflow:hidden}figcaption small{opacity:.75}"
    "figure:has(.mf-bad){border:2px solid #cf222e}.mf-bad b{color:#cf222e}"
)
