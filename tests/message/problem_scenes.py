"""Inputs with problems: one for every fix in the column *how to fix* of ``docs/problems.md``."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

import mailframe as mf
from tests.composing import cells, frame
from tests.expressions import col

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True)
class Scene:
    """A bad input, and where its fix is applied.

    Attributes:
        code: that it produces.
        df: builds the frame.
        fields: of the letter and of compose, beside those that are good.
        wrong: what a template as a fix replaces.
        part: the field of that template; ``to[0]`` for an item of a list, ``a.b`` for a key.
        fix: which code of the cell is applied, counted from 0.
        adds: the template is added at the end of the part.
        leaves: codes that the letter may have after the fix, because the fix is meant so.
    """

    code: mf.Code
    df: Callable[[], pd.DataFrame]
    fields: dict[str, Any] = field(default_factory=dict)
    wrong: str = "{{ name }}"
    part: str = "text_body"
    fix: int = 0
    adds: bool = False
    leaves: tuple[str, ...] = ()


def csv(text: str, **how: Any) -> Callable[[], pd.DataFrame]:
    """A frame that is read from ``people.csv`` in the working directory, encoded as cp1252."""

    def read() -> pd.DataFrame:
        Path("people.csv").write_bytes(text.encode("cp1252"))
        return pd.read_csv("people.csv", **how)

    return read


def of(**columns: Any) -> Callable[[], pd.DataFrame]:
    """A frame with a good address in each row, and the columns given."""
    return lambda: frame(**columns)


def to(*addresses: Any, **columns: Any) -> Callable[[], pd.DataFrame]:
    """A frame with these addresses."""
    return lambda: pd.DataFrame({"email": cells(*addresses), **columns})


def says(template: str, **fields: Any) -> dict[str, Any]:
    """The fields of a letter with this text."""
    return {"text_body": template, **fields}


def shows(template: str, **fields: Any) -> dict[str, Any]:
    """The fields of a letter with this HTML."""
    return {"html_body": template, **fields}


def attached(name: Any = "{{ file }}", content: Any = None, **how: Any) -> dict[str, Any]:
    """The fields of a letter with one attachment."""
    return {"attachments": mf.Attachment(name, col("data") if content is None else content, **how)}


C = mf.Code
TWO_BRANCHES = "{% if vip %}{% set word = 'dear' %}{% endif %}"
LOOP = "{% for item in items %}{% for other in items %}{{ other }}{% endfor %}{% endfor %}"
IDS = of(id=["C-1", "C-2"])
BROADCAST = {"message_stream": "broadcast"}
MAYBE = "{% if vip %}Thank you.{% endif %}"
LOGO = mf.Attachment("logo.png", content_id="logo.png")
OPTIONAL_LOGO = mf.Attachment("logo.png", content_id="logo.png", optional=True)
HOME = "https://acme.example"

SCENES = (
    # templates
    Scene(C.MISSING_VALUE, of(name=[None, "Bob"]), says("Hi {{ name }}")),
    Scene(
        C.MISSING_VALUE,
        of(name=[None, "Bob"]),
        says("Hi {{ name }}, thank you."),
        wrong="Hi {{ name }}",
        fix=1,
    ),
    Scene(C.MISSING_VALUE, of(name=[None, "Bob"]), says("Hi {{ name }}"), fix=2),
    Scene(
        C.MISSING_VALUE,
        of(cc=[None, "b@acme.example"]),
        {"cc": "{{ cc }}"},
        wrong="{{ cc }}",
        part="cc",
        fix=3,
    ),
    Scene(
        C.UNDEFINED_NAME,
        of(vip=[True, False]),
        says(TWO_BRANCHES + "{{ word }}"),
        wrong="{{ word }}",
    ),
    Scene(
        C.UNDEFINED_NAME,
        of(vip=[True, False]),
        says(TWO_BRANCHES + "{{ word }}"),
        wrong=TWO_BRANCHES,
        fix=1,
    ),
    Scene(
        C.UNSUPPORTED_VALUE,
        of(month=pd.period_range("2026-01", periods=2, freq="M")),
        says("{{ month }}"),
    ),
    Scene(C.UNSUPPORTED_VALUE, of(month=pd.interval_range(0, 2)), says("{{ month }}")),
    Scene(C.UNSUPPORTED_VALUE, of(name=cells(b"Ann", b"Bob")), says("{{ name }}"), fix=1),
    Scene(C.UNSUPPORTED_VALUE, of(tags=cells({"b", "a"})), says("{{ tags | join(', ') }}"), fix=2),
    Scene(
        C.UNPRINTABLE_VALUE, of(items=cells(["a", "b"])), says("{{ items }}"), wrong="{{ items }}"
    ),
    Scene(
        C.UNPRINTABLE_VALUE,
        of(order=cells({"number": 7})),
        says("{{ order }}"),
        wrong="{{ order }}",
        fix=1,
    ),
    Scene(
        C.UNPRINTABLE_VALUE,
        of(order=cells({"number": 7})),
        says("{{ order.get('note') }}"),
        wrong="{{ order.get('note') }}",
        fix=2,
    ),
    Scene(C.UNPRINTABLE_VALUE, of(score=[1.5, float("-inf")]), says("{{ score }}"), fix=3),
    Scene(
        C.UNPRINTABLE_VALUE,
        csv("email,account\na@acme.example,90071992547409931.0\n", dtype={"account": float}),
        says("{{ account }}"),
        fix=4,
    ),
    Scene(
        C.TEMPLATE_ERROR,
        of(total=[5, 6], seats=[2, 0]),
        says("{{ total / seats }}"),
        wrong="{{ total / seats }}",
    ),
    Scene(C.TEMPLATE_ERROR, of(day=["2026-01-02", "soon"]), says("{{ day | date }}"), fix=1),
    Scene(C.TEMPLATE_LIMIT, of(items=cells(["a"] * 400)), says(LOOP), wrong=LOOP),
    Scene(C.TEMPLATE_LIMIT, of(items=cells(["a"] * 400)), says(LOOP), wrong=LOOP, fix=1),
    Scene(
        C.UNSAFE_TEMPLATE,
        of(name=["Ann"]),
        says("{{ name.encode() }}"),
        wrong="{{ name.encode() }}",
    ),
    Scene(
        C.SAFE_FILTER,
        of(name=["Ann"]),
        shows("{{ name | safe }}"),
        wrong="{{ name | safe }}",
        part="html_body",
    ),
    Scene(
        C.NAME_OF_A_COLUMN, of(title=["News"]), {"subject": "title"}, wrong="title", part="subject"
    ),
    Scene(
        C.NEAR_COLUMN,
        of(**{"First Name": ["Ann"]}),
        says("{% if first_name is defined %}Hi{% endif %} there"),
    ),
    Scene(
        C.NEAR_COLUMN,
        of(**{"First Name": ["Ann"]}),
        says("{% if first_name is defined %}Hi{% endif %} there"),
        wrong="{% if first_name is defined %}Hi{% endif %}",
        fix=1,
    ),
    Scene(
        C.NEAR_COLUMN,
        of(plan=["team"], **{"Plan ": ["free"]}),
        says("Your plan: {{ plan }}"),
        fix=2,
    ),
    Scene(C.UNUSED_LIST, of(orders=cells([{"item": "tea"}])), wrong="Hi"),
    Scene(C.UNUSED_LIST, of(orders=cells([{"item": "tea"}])), fix=1),
    # recipients
    *(Scene(C.MISSING_RECIPIENT, to("ann@acme.example", None), fix=fix) for fix in (0, 1)),
    *(Scene(C.EMPTY_ADDRESS, to("ann@acme.example", ""), fix=fix) for fix in (0, 1)),
    Scene(C.INVALID_ADDRESS, to(" ann@acme.example"), wrong="{{ email }}", part="to"),
    Scene(C.INVALID_ADDRESS, to("ann@acme.example", "bob@"), fix=1),
    *(
        Scene(C.SEVERAL_ADDRESSES, to("ann@acme.example, bob@acme.example"), fix=fix)
        for fix in (0, 1)
    ),
    Scene(
        C.SEVERAL_ADDRESSES,
        to("ann@acme.example", second=["bob@acme.example"]),
        {"to": "{{ email }}, {{ second }}"},
        fix=2,
    ),
    *(Scene(C.MIXED_SCRIPTS, to("ann@ex\u0430mple.com"), fix=fix) for fix in (0, 1)),
    Scene(C.ADDRESS_NORMALISED, to("ann@acme\uff0eexample")),
    Scene(C.BIDI_IN_NAME, of(name=["Ann\u202e"]), {"to": "{{ name }} <{{ email }}>"}),
    Scene(
        C.MAILBOX_TOO_LONG,
        of(name=["Ann " * 100]),
        {"to": "{{ name }} <{{ email }}>"},
        wrong="{{ name }} <{{ email }}>",
        part="to",
    ),
    Scene(
        C.TOO_MANY_RECIPIENTS,
        to([f"p{n}@acme.example" for n in range(51)]),
        {"to": col("email")},
    ),
    Scene(C.DUPLICATE_RECIPIENT, to(*["ann@acme.example"] * 2, id=[1, 2])),
    Scene(
        C.DUPLICATE_RECIPIENT,
        to(*["ann@acme.example"] * 2, id=[1, 2]),
        fix=1,
        leaves=("repeated_recipient",),
    ),
    Scene(C.REPEATED_RECIPIENT, to(*["ann@acme.example"] * 2, id=[1, 2]), {"key": "id"}),
    # keys
    *(Scene(C.MISSING_KEY, of(id=["C-1", None]), {"key": "id"}, fix=fix) for fix in (0, 1)),
    *(
        Scene(C.DUPLICATE_KEY, of(id=[1, 1], month=[1, 2]), {"key": "id"}, fix=fix)
        for fix in (0, 1)
    ),
    Scene(C.AMBIGUOUS_KEY, of(id=cells("001", 1)), {"key": "id"}),
    # content
    Scene(
        C.CONTROL_CHARACTER, of(name=["Ann\r\nBcc: bob@acme.example"]), {"subject": "Hi {{ name }}"}
    ),
    Scene(C.CONTROL_CHARACTER, of(name=["Ann\0"]), says("Hi {{ name }}")),
    Scene(
        C.UNENCODABLE_TEXT,
        lambda: frame(name=cells(json.loads('"Ann \\ud83d"'))),
        says("Hi {{ name }}"),
    ),
    Scene(C.EMPTY_SUBJECT, frame, {"subject": None}),
    Scene(
        C.EMPTY_SUBJECT,
        of(title=[""]),
        {"subject": "{{ title }}"},
        wrong="{{ title }}",
        part="subject",
        fix=1,
    ),
    Scene(C.EMPTY_SUBJECT, of(title=[""]), {"subject": "{{ title }}"}, fix=2),
    Scene(
        C.GARBLED_TEXT,
        csv("email,name\na@acme.example,Zo\xeb\n", encoding="utf-8", encoding_errors="replace"),
        says("Hi {{ name }}"),
    ),
    Scene(C.GARBLED_TEXT, of(name=["Ann\x07"]), says("Hi {{ name }}"), fix=1),
    Scene(
        C.ESCAPED_MARKUP,
        of(body=["<b>Now</b>"]),
        shows("{{ body }}"),
        wrong="{{ body }}",
        part="html_body",
    ),
    Scene(
        C.ESCAPED_MARKUP,
        of(body=["<b>Now</b>"]),
        shows("{{ body }}"),
        wrong="{{ body }}",
        part="html_body",
        fix=1,
        leaves=("safe_filter",),
    ),
    *(
        Scene(C.FOREIGN_PLACEHOLDER, of(name=["Ann"]), says(f"Hi {written}"), wrong=written)
        for written in ("{name}", "[NAME]", "%(name)s", "<%name%>", "*|FNAME|*")
    ),
    Scene(
        C.SUBJECT_TOO_LONG,
        of(title=["x " * 1001]),
        {"subject": "{{ title }}"},
        wrong="{{ title }}",
        part="subject",
    ),
    Scene(
        C.TAG_TOO_LONG, of(plan=["x" * 1001]), {"tag": "{{ plan }}"}, wrong="{{ plan }}", part="tag"
    ),
    Scene(C.METADATA_TOO_LONG, of(id=[1], note=["x" * 81]), {"metadata": {"note": "{{ note }}"}}),
    Scene(
        C.METADATA_TOO_LONG,
        of(note=["\U0001f389" * 41]),
        {"metadata": {"note": "{{ note }}"}},
        wrong="{{ note }}",
        part="metadata.note",
        fix=1,
    ),
    Scene(C.METADATA_HOLDS_ADDRESS, IDS, {"metadata": {"customer": "{{ email }}"}}),
    Scene(C.INVALID_VALUE, of(track=["perhaps"]), {"track_opens": "{{ track }}"}),
    Scene(C.INVALID_VALUE, of(track=["perhaps"]), {"track_links": "{{ track }}"}, fix=1),
    Scene(C.EMPTY_BODY, of(vip=[True, False]), says(MAYBE), wrong=MAYBE),
    Scene(
        C.BODY_TOO_LARGE, of(report=["x" * 5_000_001]), says("{{ report }}"), wrong="{{ report }}"
    ),
    Scene(C.MESSAGE_TOO_LARGE, of(data=cells(bytes(8_000_000))), attached("report.csv")),
    Scene(
        C.UNSAFE_LINK,
        of(url=["javascript:alert(1)", "https://acme.example"]),
        shows('<a href="{{ url }}">x</a>'),
    ),
    Scene(
        C.INCOMPLETE_LINK,
        of(url=["www.acme.example"]),
        shows('<a href="{{ url }}">x</a>'),
        wrong='<a href="{{ url }}">',
        part="html_body",
    ),
    Scene(
        C.INCOMPLETE_LINK,
        frame,
        shows('<a href="{{ email }}">x</a>'),
        wrong='<a href="{{ email }}">',
        part="html_body",
        fix=1,
    ),
    Scene(
        C.INSECURE_LINK,
        frame,
        shows(f'<a href="http://acme.example">x</a>{HOME}', text_body=HOME),
        wrong='<a href="http://acme.example">',
        part="html_body",
    ),
    Scene(C.DIFFERENT_LINKS, frame, shows('<a href="https://acme.example/renew">x</a>')),
    *(
        Scene(
            C.IMAGE_WITHOUT_ALT,
            frame,
            shows('<img src="https://acme.example/a.png">'),
            wrong='<img src="https://acme.example/a.png">',
            part="html_body",
            fix=fix,
        )
        for fix in (0, 1)
    ),
    Scene(
        C.UNSUPPORTED_IMAGE,
        of(chart=["data:image/png;base64,AAAA"]),
        shows('<img src="{{ chart }}" alt="">', attachments=OPTIONAL_LOGO),
        wrong='<img src="{{ chart }}" alt="">',
        part="html_body",
    ),
    *(
        Scene(
            C.UNSUPPORTED_IMAGE,
            of(chart=["AAAA"]),
            shows(image),
            wrong=image,
            part="html_body",
            fix=1,
        )
        for image in (
            '<img src="data:image/png;base64,{{ chart }}" alt="">',
            '<img src="https://acme.example/a.svg?v=1" alt="">',
            "<svg></svg>",
        )
    ),
    Scene(
        C.CLIPPED_BY_GMAIL,
        of(report=["x" * 102_001]),
        shows("{{ report }}"),
        wrong="{{ report }}",
        part="html_body",
    ),
    Scene(
        C.NO_TEXT_DIRECTION,
        frame,
        shows("<p>\u05e9\u05dc\u05d5\u05dd \u05dc\u05da</p>"),
        wrong="<p>",
        part="html_body",
    ),
    Scene(
        C.NO_TEXT_PART,
        frame,
        {"html_body": "{{{ pm:unsubscribe }}}", "text_body": None, **BROADCAST},
    ),
    *(Scene(C.NO_UNSUBSCRIBE, frame, BROADCAST, adds=True, fix=fix) for fix in (0, 1)),
    # attachments
    Scene(
        C.ATTACHMENT_UNREADABLE,
        of(path=["logo.png", "gone.png"]),
        {"attachments": mf.Attachment(col("path"))},
    ),
    Scene(C.ATTACHMENT_FORBIDDEN, of(file=["setup.exe"], data=cells(b"x")), attached()),
    Scene(
        C.ATTACHMENT_FORBIDDEN,
        of(file=["setup.exe"], data=cells(b"x")),
        attached(),
        wrong="{{ file }}",
        part="attachments.name",
        fix=1,
    ),
    Scene(
        C.ATTACHMENT_NAME,
        of(title=["a/b"], data=cells(b"x")),
        attached("{{ title }}.pdf"),
        wrong="{{ title }}.pdf",
        part="attachments.name",
    ),
    Scene(C.UNKNOWN_CONTENT_ID, frame, shows('<img src="cid:logo.png">')),
    *(
        Scene(
            C.UNUSED_CONTENT_ID,
            frame,
            shows("<p>Hi</p>", attachments=LOGO),
            part="html_body",
            fix=fix,
            adds=True,
        )
        for fix in (0, 1, 2)
    ),
)
