"""Letters in one Markdown file, whose fields are YAML at its start."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import pytest

import mailframe as mf
from mailframe.errors import LetterError

if TYPE_CHECKING:
    from pathlib import Path


def frame_of(*names: str) -> pd.DataFrame:
    """A frame with a row for each name."""
    emails = [f"p{n}@example.com" for n in range(len(names))]
    return pd.DataFrame({"email": emails, "name": names})


def test_a_letter_in_one_file(tmp_path: Path):
    """Its fields are YAML; its folder is that of the letter, and lines are those of the file."""
    (tmp_path / "filters.py").write_text("def shout(value):\n    return value + '!'\n")
    (tmp_path / "logo.png").write_bytes(b"png")
    path = tmp_path / "renewal.md"
    path.write_text(
        "---\nsender: Acme <hello@acme.dev>\nto: '{{ email }}'\nsubject: Hi {{ name }}\n"
        "metadata:\n  plan: '{{ name }}'\nconstants: {theme: {company: Acme}}\n"
        "filters: filters.py\nattachments: [logo.png]\ntrack_opens: true\n---\n"
        "# {{ name | shout }}\n"
    )
    campaign = frame_of("Ann").mail.compose(mf.Letter.load(path))
    payload = campaign.message(0).payload
    assert payload["Subject"] == "Hi Ann"
    assert "<h1>Ann!</h1>" in payload["HtmlBody"]
    assert payload["Metadata"]["plan"] == "Ann"
    assert payload["TrackOpens"] is True
    assert [file["Name"] for file in payload["Attachments"]] == ["logo.png"]
    path.write_text(path.read_text() + "\n{{ nmae }}\n")
    with pytest.raises(LetterError, match=r"'nmae' in markdown_body, line 14"):
        frame_of("Ann").mail.compose(mf.Letter.load(path))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("# Hi", "has no fields; begin it with"),
        ("", "has no fields; begin it with"),
        ("---\nto: x", "its fields have no end; write a line of --- below them"),
        ("---\nto: x\ntag: a\nto: y\n---\n", "line 4: to is there twice; remove one"),
        ("---\nconstants: {a: 1, a: 2}\n---\n", "line 2: a is there twice; remove one"),
        ("---\nconstants: {a: &a [x], b: *a}\n---\n", "line 2: an alias; write its value"),
        ("---\nconstants: {a: " + "[" * 3000 + "\n---\n", "line 2: nested too deep"),
        ("---\nconstants: {a: 2026-02-30}\n---\n", "line 2: '2026-02-30': day"),
        ("---\n? [a]\n: b\n---\n", "line 2: found unhashable key"),
        (
            "---\nto: {{ email }}\n---\n",
            "line 2: found unhashable key; write text with {{ … }} in quotes",
        ),
        ("---\nto: [\n---\n", "line 2: expected"),
        ("---\n- a\n---\n", "are fields such as"),
        ("---\nsbject: x\n---\n", "did you mean subject?"),
        ("---\nfolder: x\n---\n", "has no field 'folder'"),
        ("---\nmarkdown_body: x\n---\n", "markdown_body is the text below"),
        ("---\nlayout: [3]\n---\n", "layout is a list"),
        (
            "---\nto: !!python/object/apply:os.system ['true']\n---\n",
            "could not determine a constructor",
        ),
    ],
)
def test_a_wrong_file_is_refused(tmp_path: Path, text, words):
    """The message has the path of the file."""
    path = tmp_path / "renewal.md"
    path.write_text(text)
    with pytest.raises(LetterError) as caught:
        mf.Letter.load(path)
    assert words in str(caught.value)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    "written", ["no", "off", "007", "1.50", "12:30", "1_000", "0x1F", "1e3", "2026-11-22"]
)
def test_fields_are_the_text_that_is_written(tmp_path: Path, written):
    """YAML 1.1 would make False, 7, 1.5 and 750 of them."""
    path = tmp_path / "renewal.md"
    fields = f"sender: hello@acme.dev\nto: '{{{{ email }}}}'\nsubject: {written}\n"
    path.write_text(
        f"\ufeff---\n{fields}metadata: {{m: {written}}}\n---\nHi".replace("\n", "\r\n"), "utf-8"
    )
    payload = frame_of("Ann").mail.compose(mf.Letter.load(path)).message(0).payload
    assert payload["Subject"] == payload["Metadata"]["m"] == written


def test_constants_of_a_file_are_values(tmp_path: Path):
    """Numbers and dates, so that filters can format them."""
    path = tmp_path / "renewal.md"
    path.write_text(
        "---\nsender: hello@acme.dev\nto: '{{ email }}'\nsubject: Hi\nlayout: none\n"
        "constants: {n: 1234, x: 1.50, d: 2026-11-22, no: no, b: true}\n---\n"
        "{{ n | number }} {{ x + 1 }} {{ d | date }} {{ no }} {{ b }}"
    )
    text = frame_of("Ann").mail.compose(mf.Letter.load(path)).message(0).payload["TextBody"]
    assert text == "1,234 2.5 22 November 2026 no yes"


def test_a_file_that_is_not_there_is_refused(tmp_path: Path):
    """As a folder that is not there."""
    with pytest.raises(LetterError, match="there is no such file"):
        mf.Letter.load(tmp_path / "renewal.md")
