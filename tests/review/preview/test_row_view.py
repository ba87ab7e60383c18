"""What is shown is what would be posted; a row with faults is shown all the same."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from datetime import date
from decimal import Decimal

import orjson
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mailframe as mf
from mailframe.message import batch
from mailframe.message.message import Message
from mailframe.message.pipeline import single_message
from mailframe.message.row_names import label_text
from mailframe.pages.mail import Cell
from mailframe.problems import Problem
from mailframe.review.preview.row_view import RowView
from tests.campaigns import campaign
from tests.composing import cells, compose, frame
from tests.frames import ZOO
from tests.review.preview.reading import composed_of

MAILABLE = [
    name for name, make in ZOO.items() if "email" in make().columns and make().columns.is_unique
]


def look(df: pd.DataFrame, *, mask: bool = False, **fields) -> RowView:
    """With a valid letter except for the given fields."""
    return RowView(composed_of(compose(df, **fields)), mask=mask)


@pytest.mark.sampled(3)
@pytest.mark.parametrize("name", MAILABLE)
def test_what_is_shown_is_what_is_posted(name):
    """For every row of every frame, field by field; only the content of files is cut."""
    df = ZOO[name]()
    x = "{{ row['x'] | default('missing') }}" if "x" in df.columns else "{{ row | length }}"
    made = df.mail.compose(
        sender="Acme <hello@acme.example>",
        to="{{ email }}",
        subject=x,
        html_body=f"<p>{x}",
        text_body=f"Hi {x}",
        metadata={"mail": "{{ email }}"},
        headers={"X-Kind": "zoo"},
        attachments=[mf.Attachment("a.pdf", b"\x00" * 5)],
    )
    shows = RowView(composed_of(made))
    for position in range(len(df)):
        mail, expected = (
            shows.mail(position),
            [note.code for note in shows.mail(position).problems if note.is_error],
        )
        if expected:
            with pytest.raises(mf.errors.LetterError):
                single_message(composed_of(made).bound, position, name="the row")
            continue
        message = single_message(composed_of(made).bound, position, name="the row")
        payload = message.payload
        for file in payload.get("Attachments", []):
            file["Content"] = "<5 bytes in base64>"
        assert json.loads(mail.payload) == payload
        assert (mail.subject, mail.html, mail.text) == (
            payload.get("Subject", ""),
            payload.get("HtmlBody"),
            payload.get("TextBody"),
        )
        head = dict(mail.headers)
        assert (head["From"], head["To"]) == (payload["From"], payload["To"])
        assert f"{len(message.body):,} bytes" in head["Size"]


def test_every_line_of_the_head_is_the_field_that_is_posted():
    """Cc, Bcc, Reply-To, tag, stream, metadata and headers too."""
    mail = look(
        frame(),
        cc="Ann <ann@example.com>",
        bcc=["bob@example.com", "eve@example.com"],
        reply_to="re@example.com",
        tag="t",
        message_stream="broadcast",
        metadata={"a": "1", "b": "2"},
        headers={"X-A": "x"},
    ).mail(0)
    head = dict(mail.headers)
    assert head == head | {
        "Cc": "Ann <ann@example.com>",
        "Bcc": "bob@example.com, eve@example.com",
        "Reply-To": "re@example.com",
        "Tag": "t",
        "Stream": "broadcast",
        "Metadata": "a=1 · b=2",
        "Headers": "X-A: x",
    }


def test_files_are_shown_with_their_size_and_images_with_their_content():
    """The size is that of the file, not of its base64."""
    files = [
        mf.Attachment(f"{size}.png", b"x" * size, content_id=f"cid:image{size}" if size else None)
        for size in range(5)
    ]
    html = "".join(f'<img src="cid:image{size}">' for size in range(1, 5))
    mail = look(frame(), html_body=html, attachments=files).mail(0)
    assert [(file.name, file.size, file.content_type) for file in mail.attachments] == [
        (f"{size}.png", size, "image/png") for size in range(5)
    ]
    assert mail.inline == {
        f"image{size}": f"data:image/png;base64,{base64.b64encode(b'x' * size).decode()}"
        for size in range(1, 5)
    }
    assert base64.b64encode(b"xxxx").decode() not in mail.payload


HALF = "half \ud800 a character"
FAULTS = {
    "recipient": ({"to": "{{ x }}"}, "no address at all", "invalid_address"),
    "several recipients": ({"to": "{{ x }}"}, "a@example.com, b@example.com", "several_addresses"),
    "empty recipient": ({"to": "{{ x }}"}, "", "empty_address"),
    "no value": ({"text_body": "{{ x }}"}, None, "missing_value"),
    "body": (
        {"html_body": "{{ x | date }}", "text_body": "{{ x | date }}"},
        "never",
        "template_error",
    ),
    "type": ({"text_body": "{{ x }}"}, b"bytes", "unsupported_value"),
    "list": ({"text_body": "{{ x }}"}, [1, 2], "unprintable_value"),
    "line break": ({"subject": "{{ x }}"}, "a\nb", "control_character"),
    "file": (
        {"attachments": [mf.Attachment("{{ x }}")]},
        "/nowhere/at/all.pdf",
        "attachment_unreadable",
    ),
    "file name": (
        {"attachments": [mf.Attachment("{{ x }}", b"x")]},
        "a.exe",
        "attachment_forbidden",
    ),
    "tracking": ({"track_opens": "{{ x }}"}, "perhaps", "invalid_value"),
    "digits": ({"text_body": "{{ x }}"}, 10**5000, "template_error"),
    "half a subject": ({"subject": "{{ x }}"}, HALF, "unencodable_text"),
    "half a body": ({"html_body": "{{ x }}", "text_body": "{{ x }}"}, HALF, "unencodable_text"),
    "half a tag": ({"tag": "{{ x }}"}, HALF, "unencodable_text"),
    "half a value of metadata": ({"metadata": {"k": "{{ x }}"}}, HALF, "unencodable_text"),
    "half a header": ({"headers": {"X-K": "{{ x }}"}}, HALF, "unencodable_text"),
    "half a name": ({"to": "{{ x }} <a@example.com>"}, HALF, None),
}


@pytest.mark.parametrize("mask", [False, True], ids=["values", "shapes"])
@pytest.mark.parametrize("fault", FAULTS)
def test_a_row_with_a_fault_is_shown_with_it(fault, mask):
    """For any fault there is a page in UTF-8, with the codes of campaign.problems()."""
    fields, value, code = FAULTS[fault]
    made = compose(frame(x=cells(value)), **fields)
    mail = RowView(composed_of(made), mask=mask).mail(0)
    notes = [note.code for note in mail.problems]
    assert code is None or code in notes
    assert notes == made.problems().dropna(subset="row")["code"].tolist()
    assert dict(mail.headers)["Size"] == "blocked, not sent"
    assert json.loads(mail.payload)["From"] == "me@acme.example"
    for text in (
        mail.payload,
        mail.html or "",
        mail.text or "",
        mail.subject,
        *(text for _, text in mail.headers),
    ):
        text.encode()


@pytest.mark.parametrize(
    ("row", "mask", "expected"),
    [
        (0, False, ("email bob@example.com · first_name missing", "missing")),
        (0, True, ("email xxx@xxxxxxx.xxx · first_name missing", "missing")),
        (1, False, ("email empty · first_name missing", "missing")),
        (2, False, ("Cy <>", "not valid")),
        (2, True, ("Xx <>", "not valid")),
        (3, False, ("Di <di@example.com>", None)),
        (4, False, ("Ed <o'hara@>", "not valid")),
        (5, False, (f"Fe <{'x' * 76}…", "not valid")),
    ],
)
def test_of_a_recipient_that_cannot_be_rendered_its_cells_are_shown(row, mask, expected):
    """What was rendered is shown, also if it is not valid; else the cells of its template."""
    df = pd.DataFrame(
        {
            "email": ["bob@example.com", "", "", "di@example.com", "o'hara@", "x" * 90],
            "first_name": [None, None, "Cy", "Di", "Ed", "Fe"],
            "plan": "team",
        }
    )
    shown = look(df, to="{{ first_name }} <{{ email }}>", subject="{{ plan }}", mask=mask)
    mail = shown.mail(row)
    assert (dict(mail.headers)["To"], mail.not_valid.get("To")) == expected


def test_every_field_may_fail_at_once():
    """Only the problems are left."""
    fields = ("sender", "to", "cc", "bcc", "reply_to", "subject", "tag", "html_body", "text_body")
    every = dict.fromkeys(fields, "{{ x }}")
    mail = look(
        frame(x=cells(None)), **every, metadata={"a": "{{ x }}"}, headers={"X-A": "{{ x }}"}
    ).mail(0)
    assert {note.field for note in mail.problems} == {*every, "metadata.a", "headers.X-A"}
    assert (json.loads(mail.payload), mail.html, mail.text, mail.subject) == (
        {"Headers": []},
        None,
        None,
        "",
    )


def test_errors_and_warnings_are_told_apart():
    """A warning does not block a message."""
    warned = look(frame(), metadata={"mail": "{{ email }}"}).mail(0)
    assert [(note.is_error, note.code) for note in warned.problems] == [
        (False, "metadata_holds_address")
    ]
    assert not warned.is_blocked
    assert look(frame(), to="x").mail(0).is_blocked


def test_cells_are_shown_as_the_template_sees_them():
    """Whole numbers stay whole, dates are dates, and a missing value is no text."""
    row = {
        "i": cells(5.0, None).astype("float64"),
        "t": cells("5", "6"),
        "b": cells(True, False),
        "d": cells(date(2026, 1, 2), None),
        "m": cells(Decimal("1.10"), None),
        "l": cells(["a", 1], []),
        "empty": cells(None, 1),
        "raw": cells(b"\xff", None),
        "big": cells(10**5000, None),
    }
    shown = {
        cell.column: cell for cell in look(frame(**row), text_body="{{ i }}{{ t }}").mail(0).cells
    }
    assert [shown[name].value for name in "itbdml"] == [
        "5",
        "5",
        "yes",
        "2026-01-02",
        "1.10",
        "['a', 1]",
    ]
    assert [shown[name].kind for name in ("i", "t", "empty", "raw", "big")] == [
        "number",
        "text",
        "missing",
        "not usable",
        "not usable",
    ]
    assert {name for name, cell in shown.items() if cell.is_used} == {"email", "i", "t"}


def test_a_long_cell_is_cut():
    """At 2,000 characters; the message is not."""
    for size in (1_999, 2_000, 2_001):
        mail = look(frame(x=cells("x" * size)), text_body="{{ x }}").mail(0)
        assert len(mail.cells[-1].value) == min(size, 2_000)
        assert len(mail.text) == size


@pytest.mark.parametrize("name", ZOO)
def test_a_frame_that_no_template_reads_is_shown(name):
    """Doubled columns, odd labels and no columns among them, each cell once."""
    df = ZOO[name]()
    shows = look(df, to="a@example.com")
    for position in range(len(df)):
        mail = shows.mail(position)
        assert [cell.column for cell in mail.cells] == [str(column) for column in df.columns]
        levels = df.index[position] if isinstance(df.index, pd.MultiIndex) else [df.index[position]]
        assert all(label_text(level) in mail.label for level in levels)


def test_a_row_is_shown_under_its_key_or_its_label():
    """The position is shown only if nothing else distinguishes it from another row."""
    assert look(frame(2)).label(1) == "row 1"
    assert look(frame(2).set_axis([1, 0])).label(1) == "row 0"
    assert look(frame(2).set_axis(["a", "b"])).label(1) == "row 'b'"
    assert (
        look(frame(1).set_index(pd.MultiIndex.from_tuples([("a", 2)]))).label(0) == "row ('a', 2)"
    )
    assert look(frame(2).set_axis(["a", "a"])).label(1) == "row 'a' (position 1)"
    doubled = compose(frame(2, id=["C-1", "C-2"]).set_axis(["a", "a"]), key="id")
    assert RowView(composed_of(doubled)).label(1) == "id C-2"


@pytest.mark.parametrize("position", [-1, 3])
def test_a_row_that_is_not_there_is_an_error(position):
    """-1 is not the last row."""
    with pytest.raises(IndexError, match="the frame has 3"):
        look(frame(3)).mail(position)


def test_the_reasons_are_shown_with_the_row():
    """As they were given."""
    assert look(frame()).mail(0, reasons=("a; b", "c")).reasons == ("a; b", "c")


def test_the_batch_is_the_one_that_send_makes():
    """After the preflight check; blocked rows are in no batch."""
    df = frame(1_002, x=cells(*[None if n % 7 == 0 else n for n in range(1_002)]))
    made = compose(df, text_body="{{ x }}")
    shows = RowView(composed_of(made))
    assert "batch" not in dict(shows.mail(1).headers)["Size"]
    made.problems()
    expected = {
        position: made_batch.number
        for made_batch in made.batches()
        for position in made_batch.positions
    }
    assert set(expected.values()) == {1, 2}
    for position in (1, 2, 500, 581, 582, 583, 584, 585, 586, 1_001):
        size = dict(shows.mail(position).headers)["Size"]
        assert (
            size.endswith(f"batch {expected[position]}")
            if position in expected
            else "batch" not in size
        )


@settings(deadline=None)
@given(
    sizes=st.lists(st.sampled_from([0, 2, 9_999_999, 10_000_000, 16_666_664]), max_size=40),
    many=st.booleans(),
)
def test_the_numbers_are_those_of_the_batches(sizes, many):
    """By count and by bytes; a row without a message has none."""
    sizes = [3] * 600 + sizes if many else sizes
    shared = {size: bytes(size) for size in set(sizes)}
    messages = [Message(place, None, shared[size]) for place, size in enumerate(sizes) if size]
    expected = {place: made.number for made in batch.batches(messages) for place in made.positions}
    assert list(batch.numbers(sizes)) == [expected.get(place, 0) for place in range(len(sizes))]
    assert max(batch.numbers(sizes), default=0) == len(batch.counts(filter(None, sizes)))


def test_a_problem_that_takes_all_rows_to_see_is_shown_once_they_were_looked_at():
    """Such as a repeated recipient; no problem is shown twice."""
    made = compose(frame(x=cells("a@example.com", "b@example.com", "a@example.com")), to="{{ x }}")
    shows = RowView(composed_of(made))
    assert shows.mail(2).problems == ()
    made.problems()
    assert [note.code for note in shows.mail(2).problems] == ["duplicate_recipient"]
    assert shows.mail(0).problems == shows.mail(1).problems == ()


def test_the_problems_of_a_row_are_those_of_the_table():
    """Row by row, and the rows that have any."""
    made = compose(
        frame(x=cells(None, "a", None, "", "b")), to="{{ x }}@example.com", text_body="{{ x }}"
    )
    table = made.problems()
    preflight = made._composed.preflight()
    for position in range(5):
        assert [problem.code.value for problem in preflight.of_row(position)] == table.query(
            "row == @position"
        )["code"].tolist()
    assert preflight.rows_with_problems() == sorted(set(table["row"].dropna()))
    assert all(isinstance(problem, Problem) and problem.row == 2 for problem in preflight.of_row(2))


REFUSE_BABEL = """
import sys
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "babel":
            raise ImportError(name)
sys.meta_path.insert(0, Refuse())
import pandas as pd, mailframe as mf
made = pd.DataFrame({"n": [1]}).mail.compose(
    sender="a@example.com", to="b@example.com", text_body="{{ n | number(locale='de') }}"
)
print(made._repr_html_())
"""


def test_without_the_extra_for_a_locale_the_repr_says_what_to_install():
    """A cell's last line never ends in a traceback."""
    done = subprocess.run(
        [sys.executable, "-c", REFUSE_BABEL],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ},
    )
    assert done.returncode == 0, done.stderr
    assert "mailframe[locale]" in done.stdout


def test_only_the_row_that_is_shown_is_rendered(tmp_path):
    """Each row reads a file of its own, and only one is there."""
    (tmp_path / "3.txt").write_text("three", encoding="utf-8")
    df = frame(1_000, n=range(1_000))
    shows = look(df, attachments=[mf.Attachment(f"{tmp_path}/{{{{ n }}}}.txt")])
    assert [file.name for file in shows.mail(3).attachments] == ["3.txt"]
    assert [note.code for note in shows.mail(4).problems] == ["attachment_unreadable"]
    (tmp_path / "5.txt").write_text("five", encoding="utf-8")
    assert [file.size for file in shows.mail(5).attachments] == [4]


def test_a_payload_is_json_whatever_is_wrong():
    """Also with a file and a lone surrogate."""
    mail = look(
        frame(x=cells(HALF)), subject="{{ x }}", attachments=[mf.Attachment("a.txt", b"abc")]
    ).mail(0)
    assert orjson.loads(mail.payload)["Attachments"][0]["Content"] == "<3 bytes in base64>"
    assert Cell("x", "text", HALF, is_used=True) in mail.cells


def test_the_default_stream_is_named():
    """Also if the letter does not name a stream."""
    assert (
        dict(RowView(composed_of(campaign(1))).mail(0).headers)["Stream"]
        == "outbound (Postmark's default)"
    )


@pytest.mark.parametrize("mask", [False, True])
@pytest.mark.parametrize("inspected", [False, True])
def test_what_is_wrong_with_the_letter_is_shown_with_every_row(mask, inspected):
    """It is not a fault of a row, and contains no data of one."""
    shows = look(
        frame(2), mask=mask, html_body='<a href="www.acme.example">us</a>', subject="Dear [EMAIL]"
    )
    if inspected:
        shows.composed.preflight()
    for position in range(2):
        notes = {note.code: note for note in shows.mail(position).problems}
        assert set(notes) == {"incomplete_link", "foreign_placeholder"}
        assert "write https://www.acme.example" in notes["incomplete_link"].detail
        assert not any(note.is_error for note in notes.values())


def test_a_masked_message_keeps_the_files_that_are_the_same_in_all_rows():
    """Such as the logo, also if other files vary; of those it shows nothing."""
    df = frame(orders=cells([{"item": "canary"}]), pdf=[b"canary"])
    logo = mf.Attachment("logo.png", b"\x89PNG", content_id="logo.png")
    varying = [mf.Attachment.csv("orders"), mf.Attachment("canary.pdf", lambda df: df["pdf"])]
    html = '<img src="cid:logo.png" alt="Acme">'
    shown = look(df, mask=True, html_body=html, attachments=[logo, *varying]).mail(0)
    assert [file.name for file in shown.attachments] == ["logo.png"]
    assert set(shown.inline) == {"logo.png"}
    assert "canary" not in shown.payload
    assert base64.b64encode(b"canary").decode() not in repr(shown)


def test_a_column_that_a_picture_or_an_attachment_reads_is_used():
    """Functions read columns that no template names."""
    dot = bytes.fromhex(
        "47494638396101000100800000000000ffffff21f90401000000002c000000000100010000020144003b"
    )
    df = frame(2, x=["1", "2"], size=[1, 2], other=[1, 2])
    df = df.assign(chart=mf.image(lambda row: dot[: len(dot) * row["size"]], alt="."))
    files = [mf.Attachment("a.txt", mf.each(lambda row: row["x"].encode()))]
    made = compose(df, html_body="{{ chart }}", attachments=files)
    for position in (0, 1, 1):  # the second time the picture is not drawn again
        cells = {cell.column: cell.is_used for cell in RowView(composed_of(made)).cells(position)}
        assert [name for name, is_used in cells.items() if not is_used] == ["other"]
