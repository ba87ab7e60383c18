"""Rows that share a key or a recipient with an earlier row, in blocks of rows."""

import pandas as pd
import pytest

import mailframe as mf
from mailframe.message import repeats

LETTER = mf.Letter(sender="me@acme.example", to="{{ email }}", subject="Hi", text_body="Hi")
NAMES = ["ann", "bob", "ANN", None, "bob"]
PEOPLE = pd.DataFrame(
    {
        "id": [1, 2, 3, 4, 5, 6, 7, 7, 3, 1],
        "email": [f"{name}@acme.example" if name else None for name in NAMES] * 2,
    }
)
KEYS = {"address": None, "id": "id", "two columns": ["id", "email"]}
REPEATS = {"address": 6, "id": 9, "two columns": 6}


def composed(key, _):
    """The campaign of a frame."""
    return mf.compose(PEOPLE, LETTER, name="x", key=key)


def stored(key, folder):
    """The campaign of a dataset."""
    return mf.messages(mf.write_messages(PEOPLE, LETTER, folder / "messages", key=key), name="x")


@pytest.mark.parametrize("made", [composed, stored])
@pytest.mark.parametrize("key", KEYS)
def test_every_size_of_a_block_gives_the_same_problems(made, key, tmp_path, monkeypatch):
    """A block of one row, two or all; each names the first row with the same text."""
    campaign = made(KEYS[key], tmp_path)
    expected = campaign.problems()
    assert expected["detail"].str.contains("same").sum() == REPEATS[key]
    for size in (1, 2, len(PEOPLE)):
        monkeypatch.setattr(repeats, "_BLOCK", size)
        pd.testing.assert_frame_equal(made(KEYS[key], tmp_path).problems(), expected)
