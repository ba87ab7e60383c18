"""The elements, attributes and addresses that the shown copy of a mail may contain.

None of these elements and attributes runs a script, loads a document, submits or navigates without
a click. Images are the exception: their addresses are checked here, and the frame's policy decides
whether they are loaded.
"""

from __future__ import annotations

import re
from typing import Final

ELEMENTS: Final = frozenset(
    """
    a abbr acronym address area article aside b bdi bdo big blockquote br button caption center cite
    code col colgroup data dd del details dfn dialog dir div dl dt em fieldset figcaption figure
    font footer form h1 h2 h3 h4 h5 h6 header hgroup hr i img input ins kbd label legend li listing
    main map mark marquee menu meter nav nobr ol optgroup option output p picture pre progress q rb
    rp rt rtc ruby s samp section select small source span strike strong style sub summary sup table
    tbody td textarea tfoot th thead time tr tt u ul var video wbr """.split()  # noqa: SIM905 - a list of one word a line hides what it says
)
"""Elements of HTML. Others become ``span``, which keeps their content and style."""
VOID: Final = frozenset("area br col hr img input source wbr".split())  # noqa: SIM905
VERBATIM: Final = {"xmp": "pre", "plaintext": "pre"}
"""Elements whose content is text for the parser, with the element that shows it as text."""
WITHOUT_CONTENT: Final = frozenset(
    """
    audio base basefont bgsound embed frame frameset iframe link meta noembed noframes param script
    template title track
    """.split()  # noqa: SIM905
)
"""Left out with their content: no client shows it, or only after loading something."""
SVG_ELEMENTS: Final = frozenset(
    """
    a circle clipPath defs ellipse feBlend feColorMatrix feComponentTransfer feComposite feFlood
    feFuncA feFuncB feFuncG feFuncR feGaussianBlur feImage feMerge feMergeNode feMorphology feOffset
    filter g image line linearGradient marker mask path pattern polygon polyline radialGradient rect
    stop style svg switch symbol text textPath tspan use
    """.split()  # noqa: SIM905
)
"""Elements of still drawings. Animations, HTML and scripts are left out with their content."""
ATTRIBUTES: Final = frozenset(
    """
    abbr align alink alt axis behavior bgcolor border bordercolor cellpadding cellspacing char
    charoff checked class clear color cols colspan compact coords datetime dir direction disabled
    face for frame headers height hidden high hspace id inert ismap label lang leftmargin loop low
    marginheight marginwidth max media min multiple name nohref noshade nowrap open optimum
    placeholder readonly reversed rightmargin role rows rowspan rules scope scrollamount scrolldelay
    selected shape size sizes span start style summary text title topmargin type usemap valign value
    vlink vspace width wrap xmlns """.split()  # noqa: SIM905
)
SVG_ATTRIBUTES: Final = frozenset(
    """
    clip-path clip-rule clipPathUnits cx cy d dominant-baseline dx dy fill fill-opacity fill-rule
    filter filterUnits flood-color flood-opacity font-family font-size font-style font-weight fx fy
    gradientTransform gradientUnits in in2 k1 k2 k3 k4 letter-spacing marker-end marker-mid
    marker-start markerHeight markerUnits markerWidth mask maskContentUnits maskUnits mode offset
    opacity operator orient overflow paint-order pathLength patternContentUnits patternTransform
    patternUnits points preserveAspectRatio primitiveUnits r radius refX refY result rotate rx ry
    shape-rendering spreadMethod startOffset stdDeviation stop-color stop-opacity stroke
    stroke-dasharray stroke-dashoffset stroke-linecap stroke-linejoin stroke-miterlimit
    stroke-opacity stroke-width tableValues text-anchor textLength transform values vector-effect
    version viewBox visibility word-spacing x x1 x2 y y1 y2 """.split()  # noqa: SIM905
)
OWN_ATTRIBUTE: Final = re.compile(r"(?:data|aria)-[a-z0-9_.-]+")
"""Names that style sheets may select; only screen readers give some of them a meaning."""
LINKED: Final = frozenset({"a", "area"})
ADDRESSES: Final = {
    "src": frozenset({"img", "input"}),
    "poster": frozenset({"video"}),
    "background": frozenset({"body", "table", "thead", "tbody", "tfoot", "tr", "td", "th"}),
    "href": frozenset({"image", "feImage"}),
    "xlink:href": frozenset({"image", "feImage"}),
}
"""Attributes that hold the address of an image, and on which elements."""
CANDIDATES: Final = frozenset({"img", "source"})
"""Elements whose ``srcset`` lists addresses of images."""
IMAGE_ADDRESS: Final = re.compile(r"[\x00-\x20]*(?:https?:|data:image/|cid:)", re.IGNORECASE)
