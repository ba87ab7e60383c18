"""Attachments: which files are read, how often, their names and types, and what is refused."""

from __future__ import annotations

import base64
import os
from pathlib import Path

import pandas as pd
import pytest

import mailframe as mf
from mailframe import limits
from mailframe.letter.attachment_files import (
    AttachmentFault,
    EncodedAttachment,
    FileReader,
    check_name,
    type_of,
)
from tests.composing import cells, codes, compose, frame, line, payloads, row_problems
from tests.expressions import col
from tests.systems import READS_EVERYTHING, posix_only


@pytest.fixture
def workdir(tmp_path, monkeypatch):
    """An empty working directory, the base of relative paths."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def files_of(message):
    """Name and content of each attachment of a payload."""
    return [(file["Name"], base64.b64decode(file["Content"])) for file in message["Attachments"]]


# --- the ways to give one -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "{{ path }}",
        "{{ n }}.txt",
        col("path"),
        pd.Series(["0.txt", "1.txt"]),
        lambda df: df["path"],
        lambda df: [Path(path) for path in df["path"]],
    ],
    ids=["column", "template", "pd.col", "series", "callable", "paths"],
)
def test_a_path_varies_by_row(workdir, name):
    """The path is a template, a column, a Series or a callable, with texts or paths."""
    for n in range(2):
        (workdir / f"{n}.txt").write_text(f"file {n}")
    df = frame(n=[0, 1], path=["0.txt", "1.txt"])
    messages = payloads(df, attachments=mf.Attachment(name))
    assert [files_of(message) for message in messages] == [
        [("0.txt", b"file 0")],
        [("1.txt", b"file 1")],
    ]


@pytest.mark.parametrize(
    "content",
    [col("data"), pd.Series(cells(b"0", bytearray(b"1"))), lambda df: df["data"]],
    ids=["pd.col", "series", "callable"],
)
@pytest.mark.parametrize(
    "name", ["{{ n }}.csv", lambda df: df["n"].astype(str) + ".csv"], ids=["template", "pd.col"]
)
def test_bytes_vary_by_row(content, name):
    """Each file has the name of its row."""
    df = frame(n=[0, 1], data=cells(b"0", b"1"))
    messages = payloads(df, attachments=mf.Attachment(name, content))
    assert [files_of(message) for message in messages] == [[("0.csv", b"0")], [("1.csv", b"1")]]


@pytest.mark.parametrize("kind", [bytes, bytearray])
def test_constant_bytes_are_attached_to_every_message(kind):
    """A later change of the given bytes has no effect."""
    content = kind(b"same")
    attachment = mf.Attachment("a.csv", content)
    if kind is bytearray:
        content[:] = b"else"
    assert [files_of(message) for message in payloads(frame(2), attachments=attachment)] == [
        [("a.csv", b"same")]
    ] * 2


def test_constant_bytes_have_a_name_by_row():
    """The content is encoded once, and the names vary."""
    messages = payloads(frame(n=[0, 1]), attachments=mf.Attachment("{{ n }}.csv", b"same"))
    assert [files_of(message) for message in messages] == [
        [("0.csv", b"same")],
        [("1.csv", b"same")],
    ]


def test_a_shared_file_is_read_once(workdir):
    """It can be deleted after the first read; a constant file is read by compose."""
    (workdir / "a.txt").write_text("a")
    constant = compose(frame(3), attachments="a.txt")
    by_row = compose(frame(3), attachments="{{ 'a' }}.txt")
    assert by_row.message(0).payload["Attachments"]
    (workdir / "a.txt").unlink()
    assert constant.problems().empty
    assert [file for message in constant.messages()["Attachments"] for file in message] == [
        "a.txt"
    ] * 3
    assert by_row.problems().empty


def test_a_file_that_changed_after_the_check_is_not_read_again(workdir):
    """The message that was checked is sent."""
    (workdir / "a.txt").write_text("old")
    campaign = compose(frame(p=["a.txt"]), attachments="{{ p }}")
    assert campaign.problems().empty
    (workdir / "a.txt").write_text("new")
    [batch] = campaign.batches()
    assert files_of(batch.messages[0].payload) == [("a.txt", b"old")]


def test_several_attachments_keep_their_order(workdir):
    """They are in the order of the letter."""
    (workdir / "a.txt").write_text("a")
    [message] = payloads(
        frame(), attachments=["a.txt", mf.Attachment("b.txt", b"b"), Path("a.txt")]
    )
    assert files_of(message) == [("a.txt", b"a"), ("b.txt", b"b"), ("a.txt", b"a")]


# --- what is wrong with a file --------------------------------------------------------------------


@posix_only
def test_099_a_file_that_cannot_be_read_is_a_problem_of_its_row(workdir):
    """Missing, a folder, not a regular file, a NUL in the path, a loop of links."""
    (workdir / "good.txt").write_text("x")
    (workdir / "folder").mkdir()
    os.mkfifo(workdir / "fifo")
    (workdir / "loop").symlink_to("loop")
    df = frame(path=["good.txt", "missing.txt", "folder", "fifo", "a\0b", "loop", "x" * 5000])
    for name in ("{{ path }}", col("path")):
        assert row_problems(df, attachments=mf.Attachment(name)) == [
            (row, "attachments[0]", "attachment_unreadable") for row in range(1, 7)
        ]


@pytest.mark.skipif(READS_EVERYTHING, reason="root may read everything")
def test_099_a_file_without_permission_is_a_problem_of_its_row(workdir):
    """The detail has the reason."""
    (workdir / "a.txt").write_text("x")
    (workdir / "a.txt").chmod(0)
    assert codes(frame(p=["a.txt"]), attachments="{{ p }}") == ["attachment_unreadable"]


@pytest.mark.parametrize("path", ["missing.txt", ".", "run.exe"])
def test_a_constant_file_that_cannot_be_read_refuses_the_call(workdir, path):
    """Otherwise it would be a problem of every row."""
    (workdir / "run.exe").write_text("x")
    with pytest.raises(mf.errors.LetterError, match=r"attachments\[0\]"):
        compose(frame(), attachments=path)


@pytest.mark.parametrize("path", ["../secret", "a/../../secret", "../../secret", "a/..\\../secret"])
def test_a_cell_cannot_leave_the_folder_of_a_path_template(workdir, path):
    """This holds for a path from a template; a column of paths can have any path."""
    (workdir / "invoices" / "a").mkdir(parents=True)
    (workdir / "secret").write_text("x")
    (workdir.parent / "secret").write_text("x")
    problems = compose(frame(p=[path]), attachments="invoices/{{ p }}").problems()
    assert problems["code"].tolist() == ["attachment_unreadable"]
    assert "leads out of its folder" in problems["detail"][0]


@pytest.mark.parametrize("missing", [None, float("nan"), pd.NA, pd.NaT, ""], ids=repr)
@pytest.mark.parametrize(
    "attachment",
    [
        {"name": "{{ v | default('') }}"},
        {"name": col("v")},
        {"name": lambda df: df["v"]},
        {"name": "a.csv", "content": col("v")},
    ],
    ids=["template", "pd.col", "callable", "bytes"],
)
def test_100_a_row_without_a_file_is_sent_only_if_it_is_optional(workdir, missing, attachment):
    """Otherwise the row has a problem."""
    if "content" in attachment and isinstance(missing, str):
        return
    df = frame(v=cells(missing))
    assert codes(df, attachments=mf.Attachment(**attachment)) == ["missing_value"]
    [message] = payloads(df, attachments=mf.Attachment(**attachment, optional=True))
    assert "Attachments" not in message


def test_100_optional_allows_no_other_error(workdir):
    """Errors are still a file that does not exist and a missing value in the name."""
    df = frame(v=cells("missing.txt", None))
    expected = [(0, "attachments[0]", "attachment_unreadable")]
    assert row_problems(df, attachments=mf.Attachment("{{ v }}", optional=True)) == expected


@pytest.mark.parametrize(
    "content", ["text", 5, 1.5, [1], object()], ids=lambda value: type(value).__name__
)
def test_content_that_is_not_bytes_is_refused(content):
    """It is a problem of a row; a constant is refused when the letter is created or composed."""
    df = frame(v=cells(content))
    assert codes(df, attachments=mf.Attachment("a.csv", col("v"))) == ["unsupported_value"]
    if content == "text":
        return  # a template
    with pytest.raises(mf.errors.LetterError, match="bytes"):
        compose(df, attachments=mf.Attachment("a.csv", content))


# --- names ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        *(f"a.{extension}" for extension in sorted(limits.REFUSED_EXTENSIONS)),
        "a.EXE",
        "a.exe.",
        "a.exe ",
        "a.exe . .",
        "a.pdf.exe",
        ".exe",
        "a.exe\u00a0",
        "a.e\u200bxe",
        "a.ｅｘｅ",  # noqa: RUF001 - wide letters, which a mailbox may read as plain ones
        "a. exe",
    ],
)
def test_102_a_forbidden_extension_is_refused(name):
    """The case and trailing characters do not matter."""
    assert row_problems(frame(n=[name, "a.pdf"]), attachments=mf.Attachment("{{ n }}", b"x")) == [
        (0, "attachments[0]", "attachment_forbidden")
    ]


@pytest.mark.parametrize(
    "name",
    [
        "a.zip",
        "exe",
        "a.exe.txt",
        "a.executable",
        "réport 🎉.pdf",
        "a.tar.gz",
        ".hidden",
        "exe.pdf",
    ],
)
def test_103_another_name_is_accepted(name):
    """The content of a zip file is not checked."""
    assert codes(frame(n=[name]), attachments=mf.Attachment("{{ n }}", b"x")) == []


@pytest.mark.parametrize(
    "name",
    [
        "a\nb.txt",
        "a\rb.txt",
        "a\0b.txt",
        "a/b.txt",
        "a\\b.txt",
        "../a.txt",
        "a\u202egpj.txt",
        "a\u2066.txt",
        "\ud800.txt",
        "x" * 252 + ".txt",
        "é" * 126 + ".txt",
        ".",
        "..",
        " . ",
        "a\x85b",
        "a\u2028b",
    ],
    ids=ascii,
)
def test_109_a_misleading_or_invalid_name_is_refused(name):
    """Control and direction characters, folders, more than 255 bytes."""
    assert codes(frame(n=cells(name)), attachments=mf.Attachment("{{ n }}", b"x")) == [
        "attachment_name"
    ]


@pytest.mark.parametrize(("length", "fits"), [(254, True), (255, True), (256, False)])
def test_109_a_name_has_255_bytes(length, fits):
    """In UTF-8."""
    name = "x" * (length - 4) + ".txt"
    if fits:
        check_name(name)
    else:
        with pytest.raises(AttachmentFault):
            check_name(name)


def test_109_a_file_has_its_base_name(workdir):
    """The name in the message has no folder."""
    (workdir / "deep").mkdir()
    (workdir / "deep" / "a.txt").write_text("x")
    [message] = payloads(frame(), attachments=str(workdir / "deep" / "a.txt"))
    assert message["Attachments"][0]["Name"] == "a.txt"


# --- types and ids --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        line(112, "a.unheard", "application/octet-stream"),
        line(112, "a", "application/octet-stream", id="none"),
        line(112, "a.pdf", "application/pdf", id="pdf"),
        line(112, "A.PDF", "application/pdf", id="upper"),
        line(112, "a.csv.gz", "application/gzip", id="gzip"),
        line(112, "data:text", "application/octet-stream", id="url"),
        line(
            112,
            "a.xlsx",
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            id="xlsx",
        ),
    ],
)
def test_the_content_type_depends_on_the_extension(name, kind):
    """It does not depend on the content or the machine."""
    assert type_of(name) == kind
    assert (
        payloads(frame(), attachments=mf.Attachment(name, b"%PDF-1.7"))[0]["Attachments"][0][
            "ContentType"
        ]
        == kind
    )


def test_a_given_content_type_is_kept():
    """It is checked, since it becomes a header of the mail."""
    [message] = payloads(
        frame(), attachments=mf.Attachment("a.x", b"", content_type="text/csv; charset=utf-8")
    )
    assert message["Attachments"] == [
        {"Name": "a.x", "Content": "", "ContentType": "text/csv; charset=utf-8"}
    ]
    for bad in ("pdf", "a/b\r\nX: y", "a/b\n", "", 5, "a b/c"):
        with pytest.raises(mf.errors.LetterError, match="content_type"):
            mf.Attachment("a", b"", content_type=bad)
    for bad in ("a b", "a\nb", "<a", "a>", "<>", "", 5):
        with pytest.raises(mf.errors.LetterError, match="content_id"):
            mf.Attachment("a", b"", content_id=bad)


@pytest.mark.parametrize("given", ["logo.png", "cid:logo.png"])
def test_111_an_inline_image_needs_both_ends(given):
    """The HTML without the attachment, and the attachment without the HTML, are problems."""
    logo = mf.Attachment("logo.png", b"x", content_id=given)
    html = '<img src="cid:logo.png" alt="">'
    [message] = payloads(frame(), html_body=html, attachments=logo)
    assert message["Attachments"][0]["ContentID"] == "cid:logo.png"
    assert codes(frame(), html_body=html) == ["unknown_content_id"]
    assert codes(frame(), html_body="<p>x</p>", attachments=logo) == ["unused_content_id"]
    assert codes(frame(), attachments=logo) == ["unused_content_id"]


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("<img alt src=cid:a.png>", []),
        ("<img alt='' src='CID:A.png'>", []),
        ('<p style="background: url(cid:a.png)">', []),
        ('<img src="cid:a.png" alt=""><p>an acid:base lucid:thing (cid:5)</p>', []),
        ('<img src="cid:b.png" alt=""><img src="cid:a.png" alt="">', ["unknown_content_id"]),
    ],
)
def test_111_content_ids_are_read_from_attributes_only(html, expected):
    """A text with "cid:" is not a reference."""
    assert (
        codes(frame(), html_body=html, attachments=mf.Attachment("a.png", b"x", content_id="a.png"))
        == expected
    )


@pytest.mark.parametrize(
    "html",
    [
        '<img src="cid:a%2Eb">',
        '<img src="&#99;id&colon;a.b">',
        '<img src="x" srcset="https://acme.example/1 1x, cid:a%2eb 2x">',
        '<img srcset="cid:other%2C1.png 1x,cid:a.b 2x">',
        '<td background="CID:A%2EB">',
        '<video poster=" cid:a.b ">',
        "<style>td{background:url('cid:a%2Eb')}</style>",
        '<td style="background:url(&quot;cid:a%2Eb&quot;)">',
        '<!--[if mso]><v:fill src="cid:a%2Eb"/><![endif]-->',
        '{% if true %}<img src="cid:{{ "a.b" | urlencode }}">{% endif %}',
    ],
)
def test_a_content_id_is_read_wherever_html_shows_an_image(html):
    """It is decoded, and found in each candidate of a set, in CSS and in Outlook comments."""
    image = mf.Attachment("b.png", b"x", content_id="a.b")
    other = mf.Attachment("c.png", b"x", content_id="other,1.png", optional=True)
    errors = (
        compose(frame(), html_body=html, attachments=[image, other])
        .problems()
        .query("severity == 'error'")
    )
    assert errors.empty


def test_an_image_in_a_comment_is_not_shown():
    """It needs no attachment, and does not use one."""
    html = '<!-- <img src="cid:old.png"> --><p>x</p><!--[if mso]><i></i><![endif]-->'
    assert codes(frame(), html_body=html) == []


def test_a_row_that_does_not_show_an_optional_inline_image_is_sent_without_it():
    """A VIP gets the badge, the others get no file, and no row is blocked."""
    badge = mf.Attachment("b.png", b"x", content_id="b.png", optional=True)
    made = compose(
        frame(vip=[True, False, True]),
        html_body='<p>Hi</p>{% if vip %}<img src="cid:b.png" alt="">{% endif %}',
        attachments=[badge, mf.Attachment("terms.txt", b"x")],
    )
    assert made.problems().empty
    assert made.messages()["Attachments"].tolist() == [
        ["b.png", "terms.txt"],
        ["terms.txt"],
        ["b.png", "terms.txt"],
    ]


def test_an_optional_inline_image_that_varies_by_row_is_needed_only_where_it_is_shown(tmp_path):
    """A row without a file is a problem only if its HTML shows it."""
    (tmp_path / "0.png").write_bytes(b"x")
    image = mf.Attachment(str(tmp_path / "{{ n }}.png"), content_id="b.png", optional=True)
    df = frame(n=[0, 1, 2], vip=[True, False, True])
    html = '<p>Hi</p>{% if vip %}<img src="cid:b.png" alt="">{% endif %}'
    assert row_problems(df, html_body=html, attachments=image) == [
        (2, "attachments[0]", "attachment_unreadable"),
        (2, "html_body", "unknown_content_id"),
    ]


def test_an_image_that_some_rows_do_not_show_is_an_error_that_names_optional():
    """The advice works when it is followed."""
    html = '<p>Hi</p>{% if vip %}<img src="cid:b.png" alt="">{% endif %}'
    badge = mf.Attachment("b.png", b"x", content_id="b.png")
    [detail] = compose(frame(vip=[True, False]), html_body=html, attachments=badge).problems()[
        "detail"
    ]
    assert "optional=True" in detail


@pytest.mark.parametrize(
    "given", ["<logo@acme>", "cid:<logo@acme>", "<cid:logo@acme>", "CID:logo@acme"]
)
def test_a_content_id_in_angle_brackets_is_used_without_them(given):
    """This is the form of the header of a mail."""
    [message] = payloads(
        frame(),
        html_body='<img src="cid:logo%40acme">',
        attachments=mf.Attachment("a.png", b"x", content_id=given),
    )
    assert message["Attachments"][0]["ContentID"] == "cid:logo@acme"


def test_two_attachments_with_one_content_id_are_refused():
    """Mail clients would show one of them in both places."""
    both = [
        mf.Attachment("a.png", b"x", content_id="a.png"),
        mf.Attachment("b.png", b"y", content_id="<A.png>"),
    ]
    with pytest.raises(
        mf.errors.LetterError, match=r"two attachments have the content_id 'A\.png'"
    ):
        mf.Letter(attachments=both)


# --- sizes ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("over", [-1, 0, 1])
def test_105_a_message_has_ten_megabytes_with_its_files_in_base64(over):
    """The limit is exact to the byte of the JSON that is posted with a ledger."""
    content = b"x" * 7_000_000
    [bare] = payloads(
        frame(), text_body="", html_body="x", attachments=mf.Attachment("a.txt", content)
    )
    size = len(
        compose(frame(), text_body="", html_body="x", attachments=mf.Attachment("a.txt", content))
        .message(0)
        .body
    )
    assert bare["HtmlBody"] == "x"
    fill = limits.MAX_MESSAGE_BYTES - limits.METADATA_BYTES_FOR_MAILFRAME - size + 1 + over
    campaign = compose(
        frame(), text_body="", html_body="x" * fill, attachments=mf.Attachment("a.txt", content)
    )
    assert campaign.problems()["code"].tolist() == [
        "clipped_by_gmail",
        *(["message_too_large"] if over > 0 else []),
    ]


@pytest.mark.parametrize(
    ("size", "fits"), [(7_499_999, True), (7_500_000, True), (7_500_001, False)]
)
def test_105_a_file_alone_that_fills_a_message_is_refused_before_it_is_encoded(size, fits):
    """Base64 makes 4 bytes of 3."""
    if fits:
        assert (
            len(EncodedAttachment.of("a.txt", b"x" * size, mf.Attachment("a.txt")).json)
            > limits.MAX_MESSAGE_BYTES
        )  # with its name: too large by the check
    else:
        with pytest.raises(AttachmentFault, match="in base64"):
            EncodedAttachment.of("a.txt", b"x" * size, mf.Attachment("a.txt"))


def test_105_several_files_make_one_message_too_large(workdir):
    """Ten of one megabyte are 13 in base64."""
    (workdir / "big.dat").write_bytes(b"x" * 1_000_000)
    assert codes(frame(), attachments=["big.dat"] * 7) == []
    assert codes(frame(), attachments=["big.dat"] * 10) == ["message_too_large"]
    (workdir / "huge.dat").write_bytes(b"x" * 12_000_000)
    assert codes(frame(p=["huge.dat"]), attachments="{{ p }}") == ["message_too_large"]


def test_106_batches_are_split_by_their_bytes():
    """500 rows with 200 KB each need several requests."""
    campaign = compose(frame(300), attachments=mf.Attachment("a.dat", b"x" * 200_000))
    sizes = [batch.size for batch in campaign.batches()]
    assert len(sizes) == 2
    assert max(sizes) <= limits.MAX_BATCH_BYTES


def test_the_files_kept_in_memory_are_bounded(tmp_path):
    """A campaign with a file for each row caches only some of them."""
    for n in range(12):
        (tmp_path / f"{n}.dat").write_bytes(b"x" * 6_000_000)
    reader = FileReader(tmp_path)
    for n in range(12):
        reader.encoded(mf.Attachment(f"{n}.dat"), f"{n}.dat")
    assert 1 <= len(reader._kept) <= 8
    assert reader._kept_bytes == sum(len(piece.json) for piece in reader._kept.values())
