"""The file of events: what is refused, what a kill leaves, and who may read it."""

from __future__ import annotations

import json
import os
from contextlib import closing

import pytest

from mailframe.errors import MailframeError
from mailframe.webhooks import event_file
from mailframe.webhooks.event import event_of
from mailframe.webhooks.event_file import EventFile
from tests.systems import posix_only
from tests.webhooks.receiving import event

LINES = [json.dumps(event(number, Details="é")).encode() + b"\n" for number in range(3)]
IDENTITIES = [event_of(line).identity for line in LINES]


@posix_only
def test_a_new_file_is_for_its_owner_alone(tmp_path):
    """Its events are personal data; a mode that somebody has set stays."""
    path = tmp_path / "events.jsonl"
    before = os.umask(0)
    try:
        EventFile(path).close()
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(0o640)
    EventFile(path).close()
    assert path.stat().st_mode & 0o777 == 0o640


def test_a_line_that_was_cut_off_is_removed(tmp_path):
    """At each byte; a line that lacks its end alone is an event. What was before it stays."""
    path = tmp_path / "events.jsonl"
    for cut in range(len(LINES[2]) + 1):
        path.write_bytes(LINES[0] + LINES[1] + LINES[2][:cut])
        with closing(EventFile(path)) as file:
            is_whole = cut >= len(LINES[2]) - 1
            assert [one in file.recent for one in IDENTITIES] == [True, True, is_whole]
            assert file.removed_bytes == (0 if is_whole else cut)
            file.append(LINES[2])
        assert path.read_bytes() == b"".join([*LINES, LINES[2]] if is_whole else LINES)


def test_a_first_line_that_was_cut_off_is_removed(tmp_path):
    """A kill can come at the first event."""
    path = tmp_path / "events.jsonl"
    path.write_bytes(LINES[0][:20])
    with closing(EventFile(path)) as file:
        file.append(LINES[1])
    assert path.read_bytes() == LINES[1]


OTHERS = {
    "a CSV": b"id,email\n1,ann@acme.example\n",
    "JSON that is no event": b'{"id": 1}\n',
    "a list": b"[1]",
    "bytes": bytes(range(256)),
    "an empty line first": b"\n" + LINES[0],
    "other lines after a brace": b"{\n}\n",
}


@pytest.mark.parametrize("case", OTHERS)
def test_another_file_is_refused_and_unchanged(tmp_path, case):
    """The first line decides."""
    path = tmp_path / "other"
    path.write_bytes(OTHERS[case])
    with pytest.raises(MailframeError, match="its first line is not an event of Postmark"):
        EventFile(path)
    assert path.read_bytes() == OTHERS[case]


@posix_only
def test_what_is_no_file_is_refused(tmp_path):
    """A folder, a folder that does not exist, a pipe and a device."""
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "no" / "events", tmp_path / "pipe", "/dev/null"):
        with pytest.raises(MailframeError, match=r"cannot be opened|not a regular file"):
            EventFile(type(tmp_path)(path))


@posix_only
def test_two_receivers_cannot_have_one_file(tmp_path):
    """They would store an event twice; when the first has ended, the other can."""
    path = tmp_path / "events.jsonl"
    with (
        closing(EventFile(path)),
        pytest.raises(MailframeError, match="another receiver writes to it"),
    ):
        EventFile(path)
    EventFile(path).close()


def test_a_file_that_is_moved_or_replaced_goes_on(tmp_path):
    """As a rotation of logs does; events of the old one are recognized. Another file is refused."""
    path = tmp_path / "events.jsonl"
    with closing(EventFile(path)) as file:
        file.append(LINES[0])
        file.recent.add(IDENTITIES[0])
        path.rename(tmp_path / "events-1.jsonl")
        file.append(LINES[1])
        assert IDENTITIES[0] in file.recent
        assert path.read_bytes() == LINES[1]
        path.rename(tmp_path / "events-2.jsonl")
        path.write_bytes(b"id,email\n")
        for _ in range(2):
            with pytest.raises(MailframeError, match="first line"):
                file.append(LINES[2])
        assert path.read_bytes() == b"id,email\n"
        path.unlink()
        file.append(LINES[2])
    assert path.read_bytes() == LINES[2]


@pytest.mark.parametrize(
    ("moved_at", "old", "new"),
    [(1, [0], [1]), (2, [0, 1], [1]), (3, [0, 1], [])],
    ids=["before it is written", "before its end", "after that"],
)
def test_an_event_that_is_written_while_its_file_is_moved_is_in_the_new_one(
    tmp_path, moved_at, old, new
):
    """Who moves a file and reads it at once may have missed the line that was just written."""

    class Moving(type(tmp_path)):
        looks = 0

        def stat(self, **options):
            self.looks += 1
            if self.looks == moved_at:
                self.rename(moved)
            return super().stat(**options)

    path, moved = Moving(tmp_path / "events.jsonl"), tmp_path / "moved.jsonl"
    with closing(EventFile(path)) as file:
        file.append(LINES[0])
        path.looks = 0
        file.append(LINES[1])
        if moved_at == 3:
            path.rename(moved)
    assert moved.read_bytes() == b"".join(LINES[number] for number in old)
    stored = b"".join(LINES[number] for number in new)
    assert (tmp_path / "events.jsonl").exists() == bool(stored)
    assert not stored or (tmp_path / "events.jsonl").read_bytes() == stored


def test_only_the_end_of_a_long_file_is_read(tmp_path, monkeypatch):
    """The start takes as long for each file beyond that size."""
    path = tmp_path / "events.jsonl"
    path.write_bytes(b"".join(LINES))
    for size, recognized in (
        (len(LINES[2]), [False, False, True]),
        (len(LINES[2]) + 1, [False, False, True]),
        (len(LINES[2]) - 1, [False, False, False]),
    ):
        monkeypatch.setattr(event_file, "READ_BACK_BYTES", size)
        with closing(EventFile(path)) as file:
            assert [one in file.recent for one in IDENTITIES] == recognized
