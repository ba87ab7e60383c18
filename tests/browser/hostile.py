"""Hostile texts for every field of a page, and a mail with one in each of its strings."""

from __future__ import annotations

from typing import Final

from mailframe.pages.mail import MISSING, Cell, Mail, ShownAttachment, ShownProblem

RAN: Final = "console.log(/ran:field/)"
MARKUP: Final = {
    "a script": f"<script>{RAN}</script>",
    "a broken image": f"<img src=x: onerror='{RAN}'>",
    "an svg": f'<svg onload="{RAN}">',
    "out of an element": (
        f"</bdi></td></table></pre></summary></details></div></style></title><script>{RAN}</script>"
    ),
    "out of quotes": f"\"'><img src=x: onerror={RAN}>",
    "out of a comment": f"--!><script>{RAN}</script><!--",
    "an image that is asked for": '<img src="{u}/field.gif">',
}
"""Texts that run or request something if not escaped; ``{u}`` is an address of the beacon."""
PLAIN: Final = {
    "quotes": "\"double\" 'single' `back`",
    "entities": "&lt;b&gt; &amp;amp; &#60; &nbsp",
    "formulas": r"$x^2$ for $5 and \(y\) $$z$$ \[w\]",
    "templates": "{{ 7 * 7 }} {% raw %} ${x}",
    "a comment": "<!-- a --> <![CDATA[b]]>",
}
"""Texts that must be shown unchanged."""
UNSEEN: Final = {
    "an escape sequence": ("\x1b[31mred\x1b[0m", "⟨U+001B⟩[31mred⟨U+001B⟩[0m"),
    "a NUL": ("a\x00b", "a⟨U+0000⟩b"),
    "an override": ("abc\u202efdp.exe", "abc⟨U+202E⟩fdp.exe"),
    "an isolate that never ends": ("\u2067abc", "⟨U+2067⟩abc"),
    "a mark": ("\u200f\u061cabc\u200e", "⟨U+200F⟩⟨U+061C⟩abc⟨U+200E⟩"),
    "a backspace": ("a\b\bc", "a⟨U+0008⟩⟨U+0008⟩c"),
    "C1 controls": ("a\x9b31m\x85", "a⟨U+009B⟩31m⟨U+0085⟩"),
    "half a pair": ("a\ud800b", "a⟨U+D800⟩b"),
}
"""Invisible texts, and how a page shows them."""
HEBREW: Final = "\u05d0\u05d1\u05d2 12 \u05d3\u05d4"
"""Text that is written from right to left."""


def everywhere(text: str, *, name: str | None = None) -> Mail:
    """A mail with *text* in every string except its HTML part, and with *name* in names of ours."""
    name = text if name is None else name
    return Mail(
        label=text,
        reasons=(text,),
        headers=tuple(
            (line, text) for line in ("From", "To", "Cc", "Bcc", "Reply-To", "Tag", name)
        ),
        subject=text,
        html="<p>the mail</p>",
        text=text,
        payload=text,
        problems=(
            ShownProblem(is_error=True, field=text, code=name, detail=text),
            ShownProblem(False, "", "c", text),
        ),
        attachments=(
            ShownAttachment(text, text, 1),
            ShownAttachment(text, text, 1, content_id=text),
        ),
        cells=(Cell(text, name, text), Cell(text, MISSING, text, is_used=False)),
    )
