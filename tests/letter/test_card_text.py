"""Calendars and cards: whatever a cell has, it stays in its property and its parameter."""

from __future__ import annotations

import base64
import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import mailframe as mf
from tests.composing import cells, compose, frame, payloads

CALENDAR = r"""BEGIN:VCALENDAR
SUMMARY:{{ x }}
summary;LANGUAGE=en:Hi {{ x | upper }}, you
ATTENDEE;CN={{ x }};RSVP=TRUE:mailto:ann@acme.example
ATTENDEE;CN="{{ x }}":mailto:{{ x }}
ATTENDEE;MEMBER="mailto:a@acme.example","mailto:{{ x }}";CN=Dr {{ x }} (2):mailto:b@acme.example
{% if n %}DESCRIPTION:a\, b\n{{ x }}{% for one in many %}
X-NOTE:{{ one }}{% endfor %}{% endif %}
DESCRIPTION:long
 {{ x }}
DTSTART:{{ x }}
{% macro place(x) %}LOCATION:{{ x }}{% endmacro %}{{ place(x) }}
COMMENT:{{ x ~ "!" }}
N:{{ x }};{{ n }};;;
END:VCALENDAR"""
SKELETON = [
    "BEGIN", "SUMMARY", "SUMMARY", "ATTENDEE", "ATTENDEE", "ATTENDEE", "DESCRIPTION", "X-NOTE",
    "X-NOTE", "DESCRIPTION", "DTSTART", "LOCATION", "COMMENT", "N", "END",
]  # fmt: skip


def written(template, name="a.ics", *, constants=None, **columns):
    """The lines of the file of one row."""
    attachment = mf.Attachment(name, template)
    [payload] = payloads(frame(**columns), attachments=attachment, constants=constants or {})
    content = base64.b64decode(payload["Attachments"][0]["Content"]).decode()
    assert all(len(line) <= 75 for line in content.encode().split(b"\r\n"))
    content = content.replace("\r\n ", "")  # folded lines
    assert content.endswith("\r\n")
    assert "\n" not in content.replace("\r\n", "")
    return content[:-2].split("\r\n")


def pieces(line):
    """The parameters of a line, and its value, as RFC 5545 reads them."""
    name = re.match(r"[A-Za-z0-9-]*", line)[0]
    parameters, rest = [], line[len(name) :]
    while rest.startswith(";"):
        match = re.match(r';([A-Z]+)=((?:"[^"]*"|[^",;:]*)(?:,(?:"[^"]*"|[^",;:]*))*)', rest)
        parameters.append((match[1], match[2]))
        rest = rest[match.end() :]
    assert rest.startswith(":")
    return parameters, rest[1:]


VALUES = st.text(st.sampled_from('ab ,;:="\\\n\r\t\x02\x03\x01\u2028é0')) | st.text(
    st.characters(codec="utf-8")
)


@given(VALUES)
@example('Ann; "x":y, \\ \r\nATTENDEE:mailto:evil@acme.example')
@example("\x020\x03")
@example("\x02\x03;")
@example("\r\x03\n")
@example("\r\x01\n")
def test_no_cell_adds_a_line_a_parameter_or_a_value(x):
    """Of no property, quoted or not; and texts come back as they were."""
    lines = written(CALENDAR, x=[x or "-"], n=[1], many=cells([x or "-", "y"]))
    assert [re.split("[;:]", line)[0].upper() for line in lines] == SKELETON
    read = [pieces(line) for line in lines]
    kinds = [[name for name, _ in parameters] for parameters, _ in read]
    assert kinds[1:6] == [[], ["LANGUAGE"], ["CN", "RSVP"], ["CN"], ["MEMBER", "CN"]]
    assert read[3][1] == "mailto:ann@acme.example"
    assert read[5][1] == "mailto:b@acme.example"
    plain = re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]", "", x or "-")
    plain = re.sub("\r\n|\r|\n", "\n", plain)
    text = re.sub(r"\\(.)", lambda match: "\n" if match[1] == "n" else match[1], read[1][1])
    assert text == plain
    assert len(re.findall(r"(?<!\\)(?:\\\\)*;", read[-2][1])) == 4


def test_each_value_is_escaped_for_its_place():
    """Text with backslashes, parameters in quotes, addresses as they are."""
    lines = written(
        "SUMMARY:{{ x }}\nATTENDEE;CN={{ x }}:mailto:{{ x }}\nURL:https://acme.example/{{ x }}",
        x=['Smith, "Ann"'],
    )
    assert lines == [
        r'SUMMARY:Smith\, "Ann"',
        """ATTENDEE;CN="Smith, 'Ann'":mailto:Smith, "Ann\"""",
        'URL:https://acme.example/Smith, "Ann"',
    ]


@pytest.mark.parametrize("name", ["a.vcf", "A.VCF", "a.ics"])
def test_a_simple_template_is_escaped_too(name):
    """One with text and variables alone, which is not compiled."""
    assert written("FN:{{ x }}\nitem1.NOTE:{{ x }}", name, x=["a;b"]) == [
        r"FN:a\;b",
        r"item1.NOTE:a\;b",
    ]


def test_other_files_and_parts_are_as_before():
    """A text file is written as it is, also after a calendar of the same letter."""
    calendar = mf.Attachment("a.ics", "SUMMARY:{{ x }}{% if x %}!{% endif %}")
    note = mf.Attachment("a.txt", "SUMMARY:{{ x }}{% if x %}!{% endif %}")
    [payload] = payloads(
        frame(x=["a,b"]), attachments=[calendar, note], text_body="{{ x }}{% if x %}!{% endif %}"
    )
    contents = [base64.b64decode(one["Content"]) for one in payload["Attachments"]]
    assert contents == [b"SUMMARY:a\\,b!\r\n", b"SUMMARY:a,b!"]
    assert payload["TextBody"] == "a,b!"


def test_an_error_in_a_calendar_leaves_no_trace():
    """The next row and the next part are printed as always."""
    df = frame(x=cells(None, "a,b"))
    calendar = mf.Attachment("a.ics", "SUMMARY:{{ x | upper }}")
    campaign = compose(df, attachments=calendar, text_body="{{ x | default('-') | upper }}")
    assert campaign.problems()["code"].tolist() == ["missing_value"]
    assert campaign.message(1).payload["TextBody"] == "A,B"


@pytest.mark.parametrize("name", ["truncate(10)", "reverse", "first"])
def test_a_filter_around_values_is_refused_if_it_cuts_one(name):
    """The rest could not be told from text of the template."""
    template = f"SUMMARY:{{% filter {name} %}}{{{{ x }}}} and more{{% endfilter %}}"
    problems = compose(frame(x=["a\nEND"]), attachments=mf.Attachment("a.ics", template)).problems()
    assert problems["code"].tolist() == ["unsafe_template"]
    assert "write the filter in each {{ … }}" in problems["detail"][0]


def test_blocks_and_macros_of_the_template_keep_their_values_escaped():
    """Set blocks, filter blocks and macros have values of their own."""
    lines = written(
        "{% set q %}SUMMARY:{{ x }}\nX-A:{{ x }}{% endset %}{{ q }}\n"
        "{% filter upper %}X-B:{{ x }}{% endfilter %}",
        x=["a;b"],
    )
    assert lines == [r"SUMMARY:a\;b", r"X-A:a\;b", r"X-B:A\;B"]


def test_a_constant_is_escaped_too():
    """It is a value, such as the title of the letter."""
    lines = written(
        "SUMMARY:{{ title }}\nURL:{{ url }}",
        x=["a"],
        constants={"title": "Tea; cake", "url": "https://acme.example/?a=b,c"},
    )
    assert lines == [r"SUMMARY:Tea\; cake", "URL:https://acme.example/?a=b,c"]


def test_calendars_that_are_made_in_one_thread_change_nothing_in_another():
    """A preview is drawn in a second thread while the first one sends."""
    body = "{{ x }}{% if x %}!{% endif %}"
    calendar = mf.Attachment("a.ics", f"SUMMARY:{body}\n" * 50)
    campaign = compose(frame(x=["a,b"] * 200), attachments=calendar, text_body=body * 20)

    def texts(start):
        return {campaign.message(row).payload["TextBody"] for row in range(start, start + 50)}

    with ThreadPoolExecutor(4) as pool:
        assert set().union(*pool.map(texts, range(0, 200, 50))) == {"a,b!" * 20}
