"""Unusual dtypes and planted problems: every way has the messages of one process, byte by byte."""

from __future__ import annotations

from mailframe.datasets import sources
from tests.datasets.identical import differences, planted


def test_every_way_has_the_messages_problems_and_keys_of_one_process(tmp_path, monkeypatch):
    """``python -m tests.datasets.identical`` compares 20,000 rows, by processes, too."""
    monkeypatch.setattr(sources, "PARTITION_ROWS", 50)
    assert list(differences(planted(150), tmp_path, processes=False)) == []
