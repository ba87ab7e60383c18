"""A second folder of templates, which several letters share."""

from __future__ import annotations

import pickle

import pytest

import mailframe as mf
from mailframe.errors import LetterError
from tests.composing import compose, frame, payloads


@pytest.fixture
def folders(tmp_path):
    """A letter that extends, includes and imports files of a shared folder."""
    letter, shared = tmp_path / "renewal", tmp_path / "_shared"
    (shared / "parts").mkdir(parents=True)
    letter.mkdir()
    (letter / "letter.toml").write_text(
        'sender = "me@acme.example"\nto = "{{ email }}"\nsubject = "x"\n'
        'attachments = ["note.txt"]\n'
    )
    (letter / "note.txt").write_text("of the letter")
    (shared / "note.txt").write_text("of the shared folder")
    (letter / "body.html").write_text(
        "{% extends 'base.html' %}{% import 'macros.html' as m %}"
        "{% block content %}{{ m.hi(email) }}{% endblock %}"
    )
    (shared / "base.html").write_text(
        "<body>{% block content %}{% endblock %}{% include 'parts/footer.html' %}</body>"
    )
    (shared / "macros.html").write_text("{% macro hi(name) %}Hi {{ name }}{% endmacro %}")
    (shared / "parts" / "footer.html").write_text("<p>Acme</p>")
    return letter, shared


def test_templates_of_the_shared_folder_are_found(folders):
    """Extended, included and imported; attachments stay relative to the letter."""
    letter, shared = folders
    [payload] = payloads(frame(), letter=mf.Letter.load(letter, shared=shared))
    assert payload["HtmlBody"] == "<body>Hi p0@acme.example<p>Acme</p></body>"
    [attachment] = payload["Attachments"]
    assert attachment["Content"] == "b2YgdGhlIGxldHRlcg=="  # of the letter


def test_a_file_of_the_letter_comes_first(folders):
    """So a letter can replace a part of a shared layout."""
    letter, shared = folders
    (letter / "parts").mkdir()
    (letter / "parts" / "footer.html").write_text("<p>Own</p>")
    [payload] = payloads(frame(), letter=mf.Letter.load(letter, shared=shared))
    assert payload["HtmlBody"].endswith("<p>Own</p></body>")


def test_a_letter_without_files_can_share_templates(folders):
    """``shared=`` is a field as others are."""
    _, shared = folders
    [payload] = payloads(frame(), html_body="{% include 'parts/footer.html' %}", shared=shared)
    assert payload["HtmlBody"] == "<p>Acme</p>"


def test_a_letter_with_a_shared_folder_is_pickled_and_replaced(folders):
    """The folder goes with it."""
    letter = mf.Letter.load(folders[0], shared=str(folders[1]))
    again = pickle.loads(pickle.dumps(letter))  # noqa: S301 - our own
    assert again.shared == letter.shared == letter.replace(subject="y").shared == folders[1]


@pytest.mark.parametrize(
    "name", ["../renewal/note.txt", "link.html", "dir/note.txt", "/etc/passwd", "parts"]
)
def test_no_template_is_read_outside_the_two_folders(folders, name):
    """Neither by a parent folder, a link, nor an absolute path."""
    letter, shared = folders
    (letter.parent / "note.txt").write_text("SECRET")
    (shared / "link.html").symlink_to(letter.parent / "note.txt")
    (shared / "dir").symlink_to(letter.parent)
    (letter / "body.html").write_text(f"{{% include '{name}' %}}")
    with pytest.raises(LetterError) as caught:
        compose(frame(), letter=mf.Letter.load(letter, shared=shared))
    assert "SECRET" not in str(caught.value)


def test_a_template_in_neither_folder_is_an_error_with_its_name(folders):
    """As without a shared folder."""
    letter, shared = folders
    (letter / "body.html").write_text("{% extends 'bsae.html' %}")
    with pytest.raises(LetterError, match=r"bsae\.html"):
        compose(frame(), letter=mf.Letter.load(letter, shared=shared))


@pytest.mark.parametrize("path", ["nowhere", "renewal/note.txt"])
def test_a_shared_folder_that_is_no_folder_is_an_error(folders, path):
    """With its path."""
    letter, shared = folders
    with pytest.raises(LetterError, match="shared: there is no folder"):
        compose(frame(), letter=mf.Letter.load(letter, shared=shared.parent / path))


def test_a_shared_folder_is_not_named_in_a_letter_file(folders):
    """The caller of ``load`` names it, and a letter reads nothing else."""
    letter, shared = folders
    with (letter / "letter.toml").open("a") as file:
        file.write(f'shared = "{shared}"\n')
    with pytest.raises(LetterError, match="shared"):
        mf.Letter.load(letter)


def test_a_change_of_a_shared_template_is_another_campaign(folders):
    """The fingerprint covers it."""
    letter, shared = folders
    before = compose(frame(), letter=mf.Letter.load(letter, shared=shared)).fingerprint
    (shared / "parts" / "footer.html").write_text("<p>Acme Inc.</p>")
    assert compose(frame(), letter=mf.Letter.load(letter, shared=shared)).fingerprint != before
