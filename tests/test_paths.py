"""Paths: ``~``, buffers, URLs, and names in another Unicode form."""

from __future__ import annotations

import io
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import mailframe as mf
from mailframe.cli import main
from mailframe.results.frame import results_frame
from mailframe.results.row_results import RowResults
from tests.campaigns import LETTER, people

if TYPE_CHECKING:
    import pandas as pd

RESULTS = results_frame(people(2), RowResults(2))
CAMPAIGN = people(2).mail.compose(LETTER, name="paths")


def sent(ledger: object) -> pd.DataFrame:
    """One send with this ledger."""
    with mf.Sandbox(in_process=True) as sandbox:
        return CAMPAIGN.send(sandbox.server, progress=False, ledger=ledger)


def letter_in(folder: Path) -> Path:
    """A folder of a letter with one file to attach."""
    folder.mkdir()
    (folder / "body.txt").write_text("Hi")
    (folder / "letter.toml").write_text('sender = "a@acme.example"\nto = "{{ email }}"\n')
    return folder


WRITERS = {
    "to_csv": RESULTS.mail.to_csv,
    "to_excel": RESULTS.mail.to_excel,
    "gallery": lambda path: CAMPAIGN.gallery().save(path),
    "preview": lambda path: CAMPAIGN.preview(static=True).save(path),
    "ledger": sent,
}
READERS = {
    "read_results": mf.read_results,
    "Letter.load": mf.Letter.load,
    "folder": lambda path: mf.Letter(folder=path),
}


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A temporary home folder, and another working directory."""
    (tmp_path / "home").mkdir()
    (tmp_path / "work").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path / "home"


@pytest.mark.parametrize("kind", [str, Path])
@pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS)
def test_a_tilde_is_the_home_folder_of_what_is_written(write, kind, home):
    """No folder called ``~`` appears where the notebook is."""
    name = "out.xlsx" if write == WRITERS["to_excel"] else "out.csv"
    write(kind(f"~/{name}"))
    assert (home / name).stat().st_size > 0
    assert list(Path.cwd().iterdir()) == []


def test_a_tilde_is_the_home_folder_of_what_is_read(home, monkeypatch):
    """Results, a letter, an attachment, the ledger of ``MAILFRAME_LEDGER``, and ``--out``."""
    RESULTS.mail.to_csv("~/r.csv")
    assert len(mf.read_results("~/r.csv")) == 2
    letter_in(home / "letter")
    assert mf.Letter.load("~/letter").folder == home / "letter"
    assert mf.Letter(folder="~/letter").folder == home / "letter"
    (home / "p1.txt").write_text("x")
    for attachment in ("~/p1.txt", "~/p{{ n }}.txt"):
        composed = people(2).iloc[1:].mail.compose(LETTER, attachments=[attachment])
        assert composed.message(1).payload["Attachments"][0]["Name"] == "p1.txt"
    monkeypatch.setenv("MAILFRAME_LEDGER", "~/ledger.sqlite3")
    sent("default")
    assert (home / "ledger.sqlite3").exists()
    assert main(["demo", "--rows", "2", "--out=~/demo.csv"]) == 0
    assert (home / "demo.csv").exists()


@pytest.mark.parametrize("name", ["~nobody-is-called-so/r.csv", "~"])
def test_a_tilde_that_is_no_home_folder_gets_our_error(name, home):
    """Not a RuntimeError of pathlib, and no traceback of a folder."""
    with pytest.raises(mf.errors.ResultsError, match="could not be written"):
        RESULTS.mail.to_csv(name)


@pytest.mark.parametrize(
    ("path", "message"),
    [
        (None, "not None"),
        ("", "not ''"),
        (io.StringIO(), "not a buffer"),
        (io.BytesIO(), "not a buffer"),
        (b"r.csv", "not a bytes"),
        (1, "not a int"),
        ("s3://bucket/r.csv", "not the URL 's3://bucket/r.csv'"),
        ("https://acme.example/r.csv", "not the URL"),
        ("mysql://ann:a/b?c@h/db?password=d", "not the URL 'mysql://•••@h/db'"),
        ("a\x00b", "not 'a"),
    ],
)
@pytest.mark.parametrize("use", [*WRITERS.values(), *READERS.values()], ids=[*WRITERS, *READERS])
def test_what_is_no_path_is_refused(use, path, message, home):
    """The error says what to write; ``None`` means no ledger, or a letter without a folder."""
    if path is None and use in (sent, READERS["folder"]):
        return
    with pytest.raises(mf.errors.MailframeError, match=f"takes a path.*{message}"):
        use(path)
    assert list(Path.cwd().iterdir()) == []


@pytest.mark.parametrize(
    ("name", "example"),
    [
        *[
            ("to_csv", "results.csv"),
            ("to_excel", "results.xlsx"),
            ("preview", "preview.html"),
            ("gallery", "preview.html"),
        ],
        *[
            ("ledger", "ledger.sqlite3"),
            ("read_results", "results.csv"),
            ("Letter.load", "letters/renewal"),
        ],
    ],
)
def test_the_example_of_a_path_fits_the_call(name, example):
    """The error of ``Letter.load`` suggested 'results.csv'."""
    with pytest.raises(mf.errors.MailframeError, match=f"write '{example}' or a pathlib.Path"):
        (WRITERS | READERS)[name](io.BytesIO())


FORMS = [("NFC", "NFD"), ("NFD", "NFC")]


@pytest.mark.parametrize(("there", "asked"), FORMS)
def test_the_same_name_in_another_unicode_form_is_named(there, asked, tmp_path, monkeypatch):
    """Both look alike; an archive of macOS has one and a keyboard writes the other."""
    monkeypatch.chdir(tmp_path)
    on_disk, typed = (unicodedata.normalize(form, "Müller") for form in (there, asked))
    hint = (
        rf"exists, the same name in another Unicode form: unicodedata\.normalize\('{there}', path\)"
    )
    RESULTS.mail.to_csv(f"{on_disk}.csv")
    with pytest.raises(mf.errors.ResultsError, match=hint):
        mf.read_results(f"{typed}.csv")
    folder = letter_in(tmp_path / on_disk)
    with pytest.raises(mf.errors.LetterError, match=hint):
        mf.Letter.load(typed)
    (folder / f"{on_disk}.txt").write_text("x")
    with pytest.raises(mf.errors.LetterError, match=hint):
        people(1).mail.compose(
            mf.Letter.load(on_disk), text_body="{% include '" + typed + ".txt' %}"
        )
    with pytest.raises(mf.errors.LetterError, match=hint):
        people(1).mail.compose(LETTER, attachments=f"{on_disk}/{typed}.txt")
    frame = people(2).assign(name=[f"{on_disk}/{typed}", f"{typed}/{typed}"])
    problems = frame.mail.compose(LETTER, attachments="{{ name }}.txt").problems()
    assert problems["detail"].str.contains(hint).tolist() == [True, True]
    assert ascii(f"{on_disk}.txt")[1:-1] in problems["detail"].iloc[0]


def test_a_name_that_is_nowhere_gets_no_such_hint(tmp_path, monkeypatch):
    """No other form of the name exists either."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(mf.errors.ResultsError, match="there is no such file; give the path"):
        mf.read_results("Müller.csv")
