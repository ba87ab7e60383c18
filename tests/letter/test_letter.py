"""Letter: its fields, its files, and that no file outside its folder is read."""

from __future__ import annotations

import dataclasses
import os
from types import MappingProxyType
from typing import TYPE_CHECKING

import pandas as pd
import pytest

import mailframe as mf
from mailframe.letter.letter import FIELDS
from tests.composing import codes, compose, frame, payloads
from tests.expressions import col
from tests.systems import IS_POSIX, READS_EVERYTHING

if TYPE_CHECKING:
    from pathlib import Path

GOOD = {
    "subject.txt": "Hi",
    "body.txt": "Hi {{ name }}",
    "letter.toml": 'sender = "me@acme.example"\nto = "{{ email }}"\n',
}


def folder(root: Path, **files: str | bytes) -> Path:
    """A folder of a valid letter, with the given files added or replaced (``__`` is a dot)."""
    root.mkdir(exist_ok=True)
    for name, text in {
        **GOOD,
        **{key.replace("__", "."): value for key, value in files.items()},
    }.items():
        (root / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    return root


def text_of_folder(root: Path) -> str:
    """The text body for Ann."""
    return payloads_of(root)[0]["TextBody"]


def payloads_of(root: Path, **columns):
    """The payloads of a letter's folder for a frame with these columns."""
    df = frame(**{"name": ["Ann"], **columns})
    return [
        message.payload
        for batch in df.mail.compose(mf.Letter.load(root)).batches()
        for message in batch
    ]


# --- loading --------------------------------------------------------------------------------------


def test_a_folder_becomes_a_letter(tmp_path):
    """It has every file, and every kind of field in letter.toml."""
    toml = """
        sender = "me@acme.example"
        to = "{{ email }}"
        cc = ["a@acme.example", "{{ name }} <b@acme.example>"]
        reply_to = "r@acme.example"
        tag = "t {{ name }}"
        track_opens = true
        track_links = "HtmlOnly"
        message_stream = "broadcast"
        allow_idn_mixed = true
        attachments = [
            "a.txt", {path = "b.png", content_type = "image/png", content_id = "b", optional = true}
        ]
        [headers]
        X-A = "{{ name }}"
        [metadata]
        who = "{{ name }}"
        day = 2026-11-22
        number = 5
        share = 0.50
        vip = true
    """
    html = '<img src="cid:b">{{ name }}'
    root = folder(
        tmp_path / "l",
        letter__toml=toml,
        subject__txt="  S {{ name }}\n",
        body__html=html,
        a__txt="A",
        b__png="B",
    )
    assert payloads_of(root) == [
        {
            "From": "me@acme.example",
            "To": "p0@acme.example",
            "Cc": "a@acme.example, Ann <b@acme.example>",
            "ReplyTo": "r@acme.example",
            "Subject": "S Ann",
            "Tag": "t Ann",
            "MessageStream": "broadcast",
            "HtmlBody": '<img src="cid:b">Ann',
            "TextBody": "Hi Ann",
            "Headers": [{"Name": "X-A", "Value": "Ann"}],
            "Metadata": {
                "who": "Ann",
                "day": "2026-11-22",
                "number": "5",
                "share": "0.5",
                "vip": "yes",
            },
            "TrackOpens": True,
            "TrackLinks": "HtmlOnly",
            "Attachments": [
                {"Name": "a.txt", "Content": "QQ==", "ContentType": "text/plain"},
                {
                    "Name": "b.png",
                    "Content": "Qg==",
                    "ContentType": "image/png",
                    "ContentID": "cid:b",
                },
            ],
        }
    ]


def test_a_letter_in_letter_toml_alone_is_a_letter(tmp_path):
    """Its headers can be an array of tables."""
    (tmp_path / "letter.toml").write_text(
        'sender = "a@b.example"\nto = "a@b.example"\nsubject = "x"\ntext_body = "x"\n'
        '[[headers]]\nName = "X-A"\nValue = "1"\n'
    )
    assert payloads_of(tmp_path)[0]["Headers"] == [{"Name": "X-A", "Value": "1"}]


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"letter__toml": "a = "}, r"letter\.toml: "),
        (
            {"letter__toml": 'subjekt = "x"'},
            r"no field 'subjekt' \(did you mean subject\?\); it has sender",
        ),
        ({"letter__toml": 'folder = "/"'}, "no field 'folder'"),
        ({"letter__toml": 'text_body = "x"'}, r"in both letter\.toml and body\.txt"),
        ({"letter__toml": "headers = 5"}, "headers is a int"),
        ({"letter__toml": 'headers = "x"'}, "headers is a str"),
        ({"letter__toml": "attachments = 5"}, "attachments is a int"),
        ({"letter__toml": "attachments = [5]"}, "neither an mf.Attachment nor a path"),
        ({"letter__toml": "attachments = [{file = 'x'}]"}, "has path .a file"),
        ({"letter__toml": 'metadata = "x"'}, "metadata is a str"),
        ({"letter__toml": '[headers]\nBcc = "x"'}, "a field of the letter, or set by Postmark"),
        ({"letter__toml": b"\xff"}, r"letter\.toml: not UTF-8 \(byte 0\)"),
        ({"body__txt": b"abc\xff"}, r"body\.txt: not UTF-8 \(byte 3\)"),
        ({"subject__txt": "x".encode("utf-16")}, r"subject\.txt: not UTF-8"),
    ],
)
def test_091_a_bad_file_is_an_error_with_its_path(tmp_path, files, expected):
    """It is raised when the letter is loaded."""
    with pytest.raises(mf.errors.LetterError, match=expected) as caught:
        mf.Letter.load(folder(tmp_path / "l", **files))
    assert str(tmp_path / "l") in str(caught.value)


def test_091_a_byte_order_mark_is_stripped(tmp_path):
    """It is in every file, also in an included one."""
    bom = b"\xef\xbb\xbf"
    root = folder(
        tmp_path / "l",
        letter__toml=bom + GOOD["letter.toml"].encode(),
        body__txt=bom + b"{% include 'part.txt' %}",
        part__txt=bom + b"x",
        subject__txt=bom + b"S",
    )
    [message] = payloads_of(root)
    assert (message["Subject"], message["TextBody"]) == ("S", "x")


def test_091_a_path_that_is_not_a_letter_folder_is_an_error(tmp_path):
    """It is missing, a file, or has no body."""
    (tmp_path / "file").write_text("")
    (tmp_path / "empty").mkdir()
    for path, expected in (
        ("missing", "no such folder"),
        ("file", "no such folder"),
        ("empty", "has neither body.html"),
    ):
        with pytest.raises(mf.errors.LetterError, match=expected):
            mf.Letter.load(tmp_path / path)


@pytest.mark.skipif(READS_EVERYTHING, reason="root may read everything")
def test_091_an_unreadable_file_is_an_error(tmp_path):
    """With the reason."""
    root = folder(tmp_path / "l")
    (root / "body.txt").chmod(0)
    with pytest.raises(mf.errors.LetterError, match="Permission denied"):
        mf.Letter.load(root)


# --- include and extends --------------------------------------------------------------------------


def test_templates_include_extend_and_import_each_other(tmp_path):
    """The templates are in the folder, in its subfolders, or behind links within it."""
    root = folder(
        tmp_path / "l",
        body__txt="{% extends 'base.txt' %}{% import 'm.txt' as m %}{% block b %}{{ m.f(name) }}"
        "{% include 'sub/p.txt' %}{% include 'link.txt' %}{% include 'nope.txt' ignore missing %}"
        "{% include ['no.txt', 'sub/p.txt'] %}{% endblock %}",
        base__txt="<{% block b %}{% endblock %}>",
        m__txt="{% macro f(x) %}f{{ x }}{% endmacro %}",
    )
    (root / "sub").mkdir()
    (root / "sub" / "p.txt").write_text("p{{ name }}")
    (root / "link.txt").symlink_to("sub/p.txt")
    assert text_of_folder(root) == "<fAnnpAnnpAnnpAnn>"


@pytest.fixture
def prison(tmp_path):
    """A folder of a letter with links to files outside it, and a secret outside."""
    (tmp_path / "secret.txt").write_text("SECRET")
    root = folder(tmp_path / "l")
    (root / "file.txt").symlink_to(tmp_path / "secret.txt")
    (root / "dir").symlink_to(tmp_path)
    (root / "sub").mkdir()
    if IS_POSIX:
        os.mkfifo(root / "fifo")
    return root


OUTSIDE = [
    "/etc/passwd",
    "../secret.txt",
    "sub/../../secret.txt",
    "file.txt",
    "dir/secret.txt",
    "..\\secret.txt",
    "dir/l/body.txt/../../secret.txt",
    "./../secret.txt",
    "sub",
    "fifo",
    "a\0b",
    "",
    "//etc/passwd",
]


@pytest.mark.parametrize("name", OUTSIDE, ids=ascii)
@pytest.mark.parametrize(
    "tag",
    [
        "{%% include %s %%}",
        "{%% extends %s %%}",
        "{%% import %s as x %%}",
        "{%% from %s import x %%}",
    ],
)
def test_090_no_template_reads_outside_its_folder(prison, name, tag):
    """No parent folder, absolute path or link works, and a fifo does not block."""
    quoted = "'" + name.replace("\\", "\\\\").replace("\0", "\\x00") + "'"
    (prison / "body.txt").write_text(tag % quoted)
    with pytest.raises(mf.errors.LetterError) as caught:
        compose(frame(name=["x"]), letter=mf.Letter.load(prison))
    assert "SECRET" not in str(caught.value)


@pytest.mark.parametrize("name", OUTSIDE, ids=ascii)
def test_090_no_cell_reads_outside_the_folder(prison, name):
    """A name from a cell has the same limits, and only its row fails."""
    (prison / "good.txt").write_text("good")
    (prison / "body.txt").write_text("{% include name %}")
    campaign = frame(name=[name, "good.txt"]).mail.compose(mf.Letter.load(prison))
    assert campaign.problems()[["row", "code"]].to_numpy().tolist() == [[0, "template_error"]]
    assert "SECRET" not in campaign.problems()["detail"][0]
    assert [message.payload["TextBody"] for batch in campaign.batches() for message in batch] == [
        "good"
    ]


@pytest.mark.parametrize("name", ["body.txt", "body.html", "subject.txt", "letter.toml"])
def test_090_a_part_that_is_a_link_to_a_file_outside_the_folder_is_refused(prison, name):
    """A broken link is refused too."""
    for target in ("../secret.txt", "nowhere"):
        (prison / name).unlink(missing_ok=True)
        (prison / name).symlink_to(target)
        with pytest.raises(mf.errors.LetterError, match=name.replace(".", r"\.")):
            mf.Letter.load(prison)


def test_a_template_without_a_folder_includes_nothing():
    """The message says what to use."""
    with pytest.raises(mf.errors.LetterError, match=r"mf\.Letter\.load"):
        compose(frame(), text_body="{% include 'x.txt' %}")


def test_a_file_that_changes_after_composing_changes_nothing(tmp_path):
    """The message that was checked is sent, also with an include."""
    root = folder(tmp_path / "l", body__txt="{% include 'p.txt' %}", p__txt="old")
    campaign = compose(
        frame(name=["x"]), letter=mf.Letter.load(root), text_body="{% include 'p.txt' %}"
    )
    (root / "p.txt").write_text("new")
    assert campaign.message(0).payload["TextBody"] == "old"


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        ("\n{{ x }", r"p\.txt, line 2: \{\{ x \} is not closed"),
        ("{{ namme }}", r"'namme' in p\.txt, line 1 \(did you mean name\?\)"),
        ("\n\n{{ row['Name'] }}", r"'Name' in p\.txt, line 3"),
        (b"\xff", r"p\.txt: not UTF-8"),
        ("{% include 'q.txt' %}", "no template 'q.txt'"),
    ],
)
def test_an_error_in_an_included_file_has_the_name_of_that_file(tmp_path, part, expected):
    """It is raised when the campaign is composed."""
    root = folder(tmp_path / "l", body__txt="x\n{% include 'p.txt' %}", p__txt=part)
    with pytest.raises(mf.errors.LetterError, match=expected):
        compose(frame(name=["x"]), letter=mf.Letter.load(root), text_body="{% include 'p.txt' %}")


def test_a_file_that_includes_itself_ends_as_a_problem(tmp_path):
    """It is stopped by the limits of a rendering."""
    root = folder(
        tmp_path / "l", body__txt="{% include 'p.txt' %}", p__txt="{{ name }}{% include 'p.txt' %}"
    )
    assert set(frame(name=["x"]).mail.compose(mf.Letter.load(root)).problems()["code"]) == {
        "template_limit"
    }


# --- the value ------------------------------------------------------------------------------------


def test_a_letter_cannot_be_changed():
    """Later changes of its arguments have no effect either."""
    to, headers, metadata = ["{{ a }}"], {"X-A": "1"}, {"a": "1"}
    letter = mf.Letter(to=to, headers=headers, metadata=metadata, attachments=[])
    to.append("{{ b }}")
    headers["X-B"] = "2"
    metadata["b"] = "2"
    assert (letter.to, letter.headers, dict(letter.metadata)) == (
        ("{{ a }}",),
        (("X-A", "1"),),
        {"a": "1"},
    )
    assert isinstance(letter.metadata, MappingProxyType)
    with pytest.raises(dataclasses.FrozenInstanceError):
        letter.subject = "x"  # type: ignore[misc]  # that is the point


def test_replace_returns_another_letter():
    """The other fields stay; an unknown field is an error."""
    letter = mf.Letter(
        subject="a",
        text_body="b",
        metadata={"m": "1"},
        headers={"X": "1"},
        attachments=[mf.Attachment("x", b"")],
    )
    other = letter.replace(subject="c")
    assert (letter.subject, other.subject, other.text_body) == ("a", "c", "b")
    assert (other.metadata, other.headers, other.attachments) == (
        letter.metadata,
        letter.headers,
        letter.attachments,
    )
    with pytest.raises(mf.errors.LetterError, match="no field 'subjekt'"):
        letter.replace(subjekt="x")


def test_its_repr_shows_fields_and_no_data():
    """This holds for values of any kind."""
    letter = mf.Letter(
        sender="secret@acme.example",
        to=pd.Series(["secret"]),
        subject=col("secret"),
        text_body=lambda df: df["secret"],
        metadata={"k": "secret"},
        attachments=mf.Attachment("a", b"secret"),
        cc=[],
        tag="",
        folder="letters/renewal",
    )
    assert (
        repr(letter)
        == "<Letter 'renewal': sender, to, subject, tag, text_body, metadata, attachments>"
    )
    assert "secret" not in repr(letter) + repr(mf.Attachment(pd.Series(["secret"]))) + repr(
        mf.Attachment("a", b"secret")
    )
    assert repr(mf.Letter()) == "<Letter: >"


def test_a_letter_needs_a_sender_a_recipient_and_a_body():
    """The error has the name of the missing one."""
    df = frame()
    for field, expected in (
        ("sender", "no sender"),
        ("to", "no recipient"),
        ("text_body", "no body"),
    ):
        with pytest.raises(mf.errors.LetterError, match=expected):
            compose(df, **{field: None})


@pytest.mark.parametrize(
    "field",
    [
        name
        for name in FIELDS
        if name not in ("folder", "allow_idn_mixed", "allow_empty_subject", "attachments")
    ],
)
@pytest.mark.parametrize(
    "value", [object(), float("nan"), {1}, pd.DataFrame()], ids=lambda value: type(value).__name__
)
def test_a_constant_of_a_foreign_type_is_refused(field, value):
    """The error has the name of the field; the value is never used as ``str(object)``."""
    with pytest.raises(mf.errors.LetterError, match=field):
        compose(frame(), **{field: {"k": value} if field in ("headers", "metadata") else value})


@pytest.mark.parametrize(
    "made", [lambda df: df["nope"], lambda df: [1, 2, 3], col("nope"), lambda df: 1 / 0]
)
def test_a_callable_that_fails_is_an_error_of_the_letter(made):
    """The error has the field and the message."""
    with pytest.raises(
        mf.errors.LetterError, match="subject: its values could not be taken from the frame"
    ):
        compose(frame(2), subject=made)


@pytest.mark.parametrize("columns", [["subject"], ["subject", "subject_"], ["subject"] * 2])
@pytest.mark.parametrize("value", [col("email"), lambda df: df["email"]], ids=["col", "lambda"])
def test_a_field_may_be_a_column_as_well(columns, value):
    """Its values are those that were given; the frame keeps its own."""
    df = frame(2)
    wide = pd.concat(
        [df, pd.DataFrame([["of the frame"] * len(columns)] * 2, columns=columns)], axis=1
    )
    assert [m["Subject"] for m in payloads(wide, subject=value)] == df["email"].tolist()
    with pytest.raises(mf.errors.LetterError, match=r"KeyError: 'subject__'"):
        compose(wide, subject=lambda df: df["subject__"])


def test_a_series_is_aligned_as_in_assign():
    """It is aligned by label; a Series without one of the labels is refused."""
    df = frame(3, n=[0, 1, 2])
    subject = df["n"] * 10
    assert [m["Subject"] for m in payloads(df.iloc[[2, 0]], subject=subject)] == ["20", "0"]
    with pytest.raises(mf.errors.LetterError, match="another index"):
        codes(df, subject=subject.iloc[:2])


@pytest.mark.parametrize(("rows", "labels"), [([1, 1, 2], [1, 2, 3]), ([1, 2, 3], [1, 1, 2, 3])])
def test_a_series_with_another_index_is_refused_if_labels_repeat(rows, labels):
    """Whether in the frame or in the series, a repeated label does not name one row."""
    subject = pd.Series([f"for {label}" for label in labels], index=labels)
    with pytest.raises(mf.errors.LetterError, match="another index"):
        codes(frame(3).set_axis(rows), subject=subject)


@pytest.mark.parametrize("value", [True, "yes", "{{ flag }}", col("flag"), "True", "{{ 'true' }}"])
def test_track_opens_is_a_boolean(value):
    """It can be True, a text or a column."""
    assert payloads(frame(flag=[True]), track_opens=value)[0]["TrackOpens"] is True
    assert codes(frame(), track_opens="perhaps") == ["invalid_value"]
    assert codes(frame(), track_links="All") == ["invalid_value"]


@pytest.mark.parametrize(
    "name", ["subject", "text_body", "html_body", "to", "track_opens", "track_links"]
)
def test_a_file_cannot_have_the_name_of_a_part_of_the_letter(tmp_path, name):
    """Error messages and fingerprints could not distinguish them."""
    (tmp_path / name).write_text("Hello", encoding="utf-8")
    letter = mf.Letter(
        sender="a@acme.example",
        to="{{ email }}",
        text_body=f"{{% include {name!r} %}}",
        folder=tmp_path,
    )
    with pytest.raises(mf.errors.LetterError, match=f"for example to included-{name}"):
        frame().mail.compose(letter)


@pytest.mark.parametrize(
    ("name", "field"),
    [("metadata.txt", {"metadata": {"txt": "x"}}), ("headers.html", {"headers": {"html": "x"}})],
)
def test_a_file_cannot_have_the_name_of_a_part_within_a_field(tmp_path, name, field):
    """Without such a part the name is free."""
    (tmp_path / name).write_text("Hello", encoding="utf-8")
    letter = mf.Letter(
        sender="a@acme.example",
        to="{{ email }}",
        subject="Hi",
        text_body=f"{{% include {name!r} %}}",
        folder=tmp_path,
    )
    assert frame().mail.compose(letter).message(0).payload["TextBody"] == "Hello"
    with pytest.raises(mf.errors.LetterError, match=f"the file {name!r} has the name of a part"):
        frame().mail.compose(letter, **field)
