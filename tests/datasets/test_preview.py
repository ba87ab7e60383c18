"""The preview of a dataset: a widget, static pages, a page for approval, and masked messages."""

from __future__ import annotations

import re

import pytest

import mailframe as mf
from mailframe.datasets import sources
from tests.datasets.test_datasets import LETTER, planted


@pytest.fixture
def dataset(tmp_path, monkeypatch):
    """200 rows with planted problems in 4 parts."""
    monkeypatch.setattr(sources, "PARTITION_ROWS", 50)
    frame = planted(200, is_stopped=False)
    return mf.messages(mf.write_messages(frame, LETTER, tmp_path / "m", key="id"), name="n")


def test_the_widget_steps_through_the_rows(dataset):
    """Edge cases first; then any row by its key, by a search, and those with problems."""
    preview = dataset.preview(static=False)
    bar, panes = preview._controls, preview._panes
    assert "id C-5" in panes.place.value
    assert "invalid address" in panes.header.value
    bar.row.value = "C-60"
    assert "id C-60" in panes.place.value
    assert "Zo\u00eb 60" in panes.main.value
    bar.view.value = "Text"
    assert "Zo\u00eb 60 4 22 November 2026" in panes.main.value
    bar.search.value = "C-199"
    assert "id C-199" in panes.place.value
    bar.row_set.value = "problems"
    assert re.search(r"1 of \d", panes.place.value)
    bar.next.click()
    preview.close()


def test_a_saved_notebook_keeps_masked_messages(dataset):
    """Every word of them, because a message does not say which words are values."""
    kept = dataset.preview(static=False)._repr_mimebundle_()
    for form in (kept["text/html"], kept["text/plain"]):
        assert "Zo\u00eb" not in form
        assert "@acme.dev" not in form
    assert "Xxx" in kept["text/plain"]
    assert "Zo\u00eb" in dataset.preview([60], static=True)._repr_html_()
    assert "Zo\u00eb" not in dataset.preview([60], static=True, mask=True)._repr_html_()


def test_static_pages(dataset, tmp_path):
    """The table of chosen rows, a gallery, and the page that is approved."""
    text = repr(dataset.preview(static=True))
    assert text.startswith("<Preview of n, 200 rows>\nid C-5: (no subject)")
    assert "[invalid address]" in text
    assert "[largest message]" in text
    assert len(text.splitlines()) == 1 + 12
    assert repr(dataset.preview(key=["C-60", "C-61"], static=True)).count("id C-6") == 2
    page = dataset.gallery(n=3)
    assert page.text.splitlines()[0] == "n, 200 rows"
    assert len(page.text.splitlines()) == 4
    assert len(dataset.gallery([1, 2]).text.splitlines()) == 3
    for n in (0, 61):
        with pytest.raises(mf.errors.MailframeError, match=f"n={n}"):
            dataset.gallery(n=n)
    saved = dataset.preview(static=True).save(tmp_path / "approve.html").read_text()
    assert dataset.fingerprint in saved
    assert "Zo\u00eb" in saved
    with pytest.raises(mf.errors.FrameError, match="C-900"):
        dataset.preview(key="C-900")


def test_a_blocked_row_is_shown_beside_others(dataset):
    """The parts are those of the letter, and a tile says once why there is no message."""
    preview = dataset.preview([5], static=False)
    assert preview._controls.view.value == "HTML"
    assert "invalid address" in preview._panes.header.value.replace("_", " ")
    preview.close()
    tile = dataset.gallery([5])._repr_html_()
    assert tile.count("invalid address") == 1
    assert "This row has no message" in tile
    assert 'class="mf-is-blocked"' in tile  # .mf-blocked is of cards, which a notebook has, too


def test_a_dataset_of_nobody(tmp_path):
    """There is nothing to show."""
    path = mf.write_messages(planted(20).iloc[:0], LETTER, tmp_path / "m", key="id")
    assert "no rows" in mf.messages(path).preview(static=True)._repr_html_()
    mf.messages(path).preview(static=False).close()
