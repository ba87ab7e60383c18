"""Links and scripts that a regular expression takes for an attribute value or a comment."""

from __future__ import annotations

from typing import Final

from tests.browser.attack import MAP, Attack

_SMUGGLED: Final = '<a href="{u}/go">press</a>'
SMUGGLED: Final = (
    *(
        Attack(f"smuggled-by-{name}", "/go", html.replace("LINK", _SMUGGLED), "middle")
        for name, html in (
            ("declaration", "<!x <a title='>LINK<p title='>"),
            ("instruction", "<? <a title='>LINK<p title='>"),
            ("doctype", "<!doctype <a title='>LINK<p title='>"),
            ("doctype-quotes", "<!doctype html PUBLIC \"<a title='>LINK<p title='>"),
            ("empty-declaration", "<!><a title='<!>'>a</a>LINK"),
            ("end-declaration", "</! <a title='>LINK<p title='>"),
            ("end-digit", "</1 <a title='>LINK<p title='>"),
            ("end-attribute", "<p></p title='<a title='>LINK<p title='>"),
            ("end-attribute-quotes", "</p x=\"<p title='\">LINK<p title='>"),
            ("end-of-nothing", "</b <a title='' x=\"'>\">LINK<p title='>"),
            ("cdata", "<![CDATA[ <a title='>LINK<p title=']]>"),
            ("cdata-end", "<svg><![CDATA[ <a title=' ]]></svg>LINK<p title='>"),
            ("cdata-in-html", "<svg></svg><![CDATA[<p title='>LINK<p title=']]>"),
            (
                "cdata-in-point",
                (
                    "<svg><foreignObject width=90 height=40><b><![CDATA[<p title='>LINK<p "
                    "title=']]></svg>"
                ),
            ),
            ("script", "<script><!--<script></noframes></script><p title='--></script>LINK"),
            ("script-noframes", "<script></noframes><p title='</script>LINK<p title='>"),
            ("script-double", "<script><!--<script></script><a title='--></script>LINK<p title='>"),
            ("script-in-svg", "<svg><script><p title='</script>'>LINK"),
            ("style-in-svg", "<svg><style><p title='</style>'>LINK"),
            ("style-in-math", "<math><mi></mi><style><p title='</style>'>LINK"),
            ("title-in-svg", "<svg><title><p title='</title>'></p></title></svg>LINK"),
            ("textarea-in-svg", "<svg><textarea><p title='</textarea>'>LINK"),
            ("noscript", "<noscript><p title='</noscript>'>LINK</noscript>"),
            ("select", "<select><style><p title='</style></select>LINK"),
            ("template", "<template><p title='</template>'></template>LINK"),
            ("comment-bang", "<!-- --!><p title='-->'>a</p>LINK"),
            ("comment-short", "<!--><p title='-->'>a</p>LINK"),
            ("comment-dashes", "<!---><p title='-->'>a</p>LINK"),
            ("comment-nested", "<!-- <!-- --><p title='-->'>a</p>LINK"),
            ("conditional", "<!--[if mso]><p title='<![endif]-->LINK<p title='>"),
            ("revealed", "<!--[if !mso]><!-->LINK<!--<![endif]-->"),
            ("revealed-bare", "<![if !mso]>LINK<![endif]>"),
            ("form-feed", "<p\ftitle='>'\f>a</p\f>LINK"),
            ("slash", "<p/title='>'/>a</p/>LINK"),
            ("equals", "<p ='>' =>LINK<p title='>"),
            ("quote-in-name", "<p \"'>LINK<p title='>"),
            ("quote-in-value", "<p a=x'>LINK<p title='>"),
            ("no-space", "<p a='x'b='>'c=\"'\">a</p>LINK"),
            ("grave", "<p a=`>LINK<p title=`>"),
            ("plain-text", "<xmp><p title='</xmp>LINK<p title='>"),
            ("iframe", "<iframe><p title='</iframe>LINK<p title='>"),
            ("noembed", "<noembed><p title='</noembed>LINK<p title='>"),
            (
                "foreign-object",
                (
                    "<svg width=90 height=40><foreignObject width=90 height=40>LINK"
                    "</foreignObject></svg>"
                ),
            ),
            ("breakout", "<svg><p>LINK</p></svg>"),
            ("font-breakout", "<svg><font color=red>LINK</font></svg>"),
            ("mtext", "<math><mtext>LINK</mtext></math>"),
            ("foster", "<table>LINK<tr><td>x</table>"),
            ("adoption", "<a title=x><b><p>LINK</b></p></a>"),
            ("nul", "<p title='a\0b'>x</p>LINK"),
            ("marquee", "<marquee behavior=slide>LINK</marquee>"),
            ("deep", "<div>" * 600 + "LINK"),
        )
    ),
    Attack(
        "smuggled-area",
        "/go",
        "<!x <a title='>" + MAP + '<area shape=default href="{u}/go"></map><p title=\'>',
        "middle",
    ),
    Attack(
        "smuggled-svg",
        "/go",
        '<!x <a title=\'><svg><a xlink:href="{u}/go"><text y=20>press</text></a></svg>',
        "middle",
    ),
)
MUTATIONS: Final = (
    Attack(
        "mutates-namespace",
        "",
        (
            "<form><math><mtext></form><form><mglyph><svg><mtext><style><path id='</style><img "
            'src=x: onerror="{ran}">\'>'
        ),
        way="rewritten",
    ),
    Attack(
        "mutates-depth",
        "",
        "<div>" * 506
        + (
            "<table><caption><svg><desc><table><caption></caption></table></desc><style><a "
            "title='</style>"
        )
        + '<img src=x: onerror="{ran}">\'></a></style></svg></caption></table>',
        way="rewritten",
    ),
)
"""What got past sanitizers of browsers once; this Chromium does not run it any more."""
