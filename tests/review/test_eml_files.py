"""The files of a campaign: one per message, names for every system, nothing overwritten."""

from __future__ import annotations

import email
import re
import stat
import sys
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import mailframe as mf
from mailframe.errors import FrameError, MailframeError
from mailframe.pandas_versions import text_dtype
from mailframe.review.eml_files import cleaned
from tests.composing import compose, frame
from tests.expressions import col


def write(campaign, folder, *args, **options) -> pd.Series:
    """The paths of the files of a campaign."""
    return campaign.to_eml(folder, *args, progress=False, **options)


def names(paths: pd.Series) -> list[str]:
    """The names of the files."""
    return [Path(path).name for path in paths]


def test_each_message_is_a_file(tmp_path):
    """In a new folder, with the bytes of its message; the paths have the frame's index."""
    people = frame(2, name=["Ann", "Bob"]).set_axis(["a", "b"])
    campaign = compose(people, to="{{ name }} <{{ email }}>", name="hi")
    paths = write(campaign, tmp_path / "new" / "mails")
    assert names(paths) == ["0001-a.eml", "0002-b.eml"]
    assert (paths.index.tolist(), paths.name, paths.dtype) == (["a", "b"], "eml", text_dtype())
    for label, path in paths.items():
        assert Path(path).read_bytes() == campaign.message(label).to_eml()
        assert "Hi" in email.message_from_bytes(Path(path).read_bytes()).get_payload()
    assert campaign.frame.assign(eml=paths)["eml"].notna().all()


def test_a_blocked_row_has_no_file(tmp_path):
    """Its path is missing; so is that of a repeated recipient."""
    people = frame(3, x=["a", None, "c"])
    people.loc[2, "email"] = people.loc[0, "email"]
    paths = write(compose(people, subject="{{ x }}"), tmp_path)
    assert paths.isna().tolist() == [False, True, True]
    assert [path.name for path in tmp_path.iterdir()] == ["0001-p0.eml"]


@pytest.mark.parametrize(
    ("fields", "index", "expected"),
    [
        ({}, None, "0001-p0.eml"),
        ({"key": "id"}, None, "0001-C-1.eml"),
        ({"key": ["id", "name"]}, None, "0001-C-1-Zoe.eml"),
        ({"key": "number"}, None, "0001-17.eml"),
        ({}, ["../ä/x\n"], "0001-a-x.eml"),
        ({}, [("a", 1)], "0001-a-1.eml"),
        ({}, ["日本"], "0001.eml"),
        ({}, ["CON"], "0001-CON.eml"),
        ({}, ["x" * 500], f"0001-{'x' * 60}.eml"),
    ],
)
def test_a_file_has_the_number_of_its_row_and_a_word(tmp_path, fields, index, expected):
    """The key, the label, or the name in front of the @."""
    people = frame(id=["C 1"], name=["Zoë"], number=[17], share=[0.5])
    if index is not None:
        tuples = isinstance(index[0], tuple)
        people.index = pd.MultiIndex.from_tuples(index) if tuples else pd.Index(index)
    assert names(write(compose(people, **fields), tmp_path)) == [expected]


def test_labels_that_differ_in_case_or_repeat_have_files_of_their_own(tmp_path):
    """The number of the row makes each name unique."""
    paths = write(compose(frame(3).set_axis(["a", "A", "a"])), tmp_path)
    assert names(paths) == ["0001-a.eml", "0002-A.eml", "0003-a.eml"]


@given(st.text(max_size=300))
def test_a_name_is_safe_on_every_system(text):
    """Letters, digits and dashes; short, and not a dash at an end."""
    assert re.fullmatch(r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,58}[A-Za-z0-9])?)?", cleaned(text))


def test_some_rows_are_written_by_label_mask_and_key(tmp_path):
    """In the order that is given; the numbers are those of the whole frame."""
    campaign = compose(frame(3, id=["x", "y", "z"]), key="id")
    assert names(write(campaign, tmp_path / "a", [2, 0])) == ["0003-z.eml", "0001-x.eml"]
    assert names(write(campaign, tmp_path / "b", key=["y"])) == ["0002-y.eml"]
    mask = pd.Series([False, True, True])
    assert write(campaign, tmp_path / "c", mask).index.tolist() == [1, 2]
    with pytest.raises(FrameError):
        write(campaign, tmp_path, [7])


def test_no_other_file_is_overwritten(tmp_path):
    """Unless it is asked for; the same content again is no conflict."""
    campaign = compose(frame(2))
    first = write(campaign, tmp_path)
    assert write(campaign, tmp_path).equals(first)
    Path(first[1]).write_text("mine")
    with pytest.raises(MailframeError, match=r"0002-p1\.eml exists .*overwrite=True"):
        write(campaign, tmp_path)
    assert Path(first[1]).read_text() == "mine"
    write(campaign, tmp_path, overwrite=True)
    assert Path(first[1]).read_bytes() == campaign.message(1).to_eml()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0001-p0.eml", "0002-p1.eml"]


@pytest.mark.skipif(sys.platform == "win32", reason="needs links and modes of POSIX")
def test_a_link_is_replaced_and_not_followed(tmp_path):
    """What it leads to stays as it is."""
    target = tmp_path / "target"
    target.write_text("mine")
    folder = tmp_path / "mails"
    folder.mkdir()
    (folder / "0001-p0.eml").symlink_to(target)
    with pytest.raises(MailframeError, match="exists"):
        write(compose(frame()), folder)
    write(compose(frame()), folder, overwrite=True)
    assert target.read_text() == "mine"


@pytest.mark.skipif(sys.platform == "win32", reason="needs modes of POSIX")
def test_only_the_owner_reads_the_files(tmp_path):
    """They have personal data; a file that is replaced gets the same mode."""
    campaign = compose(frame())
    [path] = map(Path, write(campaign, tmp_path))
    path.write_text("x")
    path.chmod(0o644)
    write(campaign, tmp_path, overwrite=True)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path):
    """With the path and what the system says; so is a folder that is no path."""
    (tmp_path / "file").write_text("x")
    with pytest.raises(MailframeError, match="cannot be written"):
        write(compose(frame()), tmp_path / "file")
    for folder in (None, "", "https://acme.example/x"):
        with pytest.raises(MailframeError, match="to_eml takes a path"):
            write(compose(frame()), folder)


def test_an_empty_frame_has_no_files(tmp_path):
    """And no folder is made."""
    paths = write(compose(frame().iloc[:0]), tmp_path / "new")
    assert (len(paths), paths.dtype) == (0, text_dtype())
    assert not (tmp_path / "new").exists()


def test_many_messages_and_files_of_rows(tmp_path):
    """Column by column and row by row; the files of a row are in its message."""
    people = frame(1_200, doc=[f"doc {n}".encode() for n in range(1_200)])
    campaign = compose(people, attachments=mf.Attachment("a.txt", col("doc")))
    paths = write(campaign, tmp_path)
    assert names(paths.iloc[[0, -1]]) == ["0001-p0.eml", "1200-p1199.eml"]
    last = email.message_from_bytes(Path(paths.iloc[-1]).read_bytes())
    assert list(last.walk())[-1].get_payload(decode=True) == b"doc 1199"
