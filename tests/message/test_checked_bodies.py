"""Checked messages are kept until they are sent, and leave nothing behind."""

from __future__ import annotations

import gc
import os
import random
import signal
import stat
import subprocess
import sys
import tempfile
import threading
from functools import cache
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import mailframe as mf
from mailframe.message import checked_bodies
from mailframe.message.checked_bodies import _MAX_IN_MEMORY, VARIABLE, CheckedBodies
from mailframe.message.checked_rows import checked_messages
from tests.systems import READS_EVERYTHING

needs_proc = pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="reads /proc")
SECRET = "zoe.secret@acme.example"


@cache
def noise(rows: int) -> list[str]:
    """Texts that hardly can be compressed."""
    source = random.Random(1)
    return [source.randbytes(600).hex() for _ in range(rows)]


def campaign(rows: int = 2_500, **fields: object) -> mf.Campaign:
    """A campaign whose messages have more bytes than are kept in memory."""
    frame = pd.DataFrame(
        {"email": [SECRET, *(f"p{n}@acme.example" for n in range(1, rows))], "text": noise(rows)}
    )
    letter = {
        "sender": "me@acme.example",
        "to": "{{ email }}",
        "subject": "Hi {{ email | length }}",
    }
    return frame.mail.compose(**{**letter, "text_body": "{{ text }}", **fields})


def messages(composed: mf.Campaign) -> list[tuple[int, str | None, bytes]]:
    """The messages that would be sent."""
    inner = composed._composed
    sent = checked_messages(inner.bound, inner.preflight())
    return [(message.position, message.to, message.body) for message in sent]


def descriptors() -> list[str]:
    """The targets of the open files of this process that are checked messages."""
    targets = []
    for link in Path("/proc/self/fd").iterdir():
        try:
            target = str(link.readlink())
        except OSError:  # the folder itself
            continue
        targets += [target] if target.startswith(tempfile.gettempdir()) else []
    return targets


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    """A folder for temporary files of this test alone."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


# --- what is kept ---------------------------------------------------------------------------------

BODIES = st.lists(st.none() | st.binary(max_size=40).map(lambda body: body.replace(b"\x00", b"")))


@given(
    st.lists(BODIES, max_size=5),
    st.binary(max_size=6).map(lambda shared: shared.replace(b"\x00", b"")),
    st.lists(st.integers(0, 3), min_size=1),
)
def test_what_is_read_is_what_was_added(chunks, shared, places):
    """The shared bytes stand at the start, in the middle, at the end, twice, or not at all."""
    kept = CheckedBodies(shared=shared)
    added, first = [], 0
    for number, chunk in enumerate(chunks):
        place = places[number % len(places)]
        forms = (
            lambda b: b,
            lambda b: shared + b,
            lambda b: b + shared,
            lambda b: shared + b + shared,
        )
        bodies = [None if body is None else forms[place](body) for body in chunk]
        recipients = [None if body is None else "a@b.example" for body in bodies]
        kept.add(first, recipients, dict(enumerate(bodies)))
        added.append((recipients, bodies))
        first += len(bodies)
    assert len(kept) == len(chunks)
    assert [kept.chunk(number) for number in range(len(chunks))] == added


TEXTS = st.binary(max_size=6) | st.sampled_from([b"", b"\n", b"a\nb"])


@given(data=st.data(), rows=st.integers(0, 4))
def test_messages_of_segments_are_their_joins(data, rows):
    """Constants, columns with any bytes, a column twice, separate rows, and any recipients."""
    columns = st.lists(TEXTS, min_size=rows, max_size=rows)
    segments = data.draw(st.lists(TEXTS | columns, min_size=1, max_size=4))
    segments += segments[:1]
    places = st.integers(0, rows - 1)
    separate = data.draw(st.dictionaries(places, st.none() | TEXTS)) if rows else {}
    recipient = st.none() | st.text(min_size=1, max_size=3) | st.just("a\nb")
    recipients = data.draw(st.lists(recipient, min_size=rows, max_size=rows))
    kept = CheckedBodies()
    kept.add(0, recipients, separate, segments=segments)
    expected = [
        separate[row]
        if row in separate
        else b"".join(one if isinstance(one, bytes) else one[row] for one in segments)
        for row in range(rows)
    ]
    assert kept.chunk(0) == (recipients, expected)
    assert kept.is_equal(0, recipients, separate, segments=segments)
    whole = CheckedBodies()
    whole.add(0, recipients, dict(enumerate(expected)))
    assert whole.is_equal(0, recipients, separate, segments=segments)
    other = [*segments, b"more"]
    assert not kept.is_equal(0, recipients, separate, segments=other)
    if rows:
        assert not kept.is_equal(0, recipients, {**separate, 0: b"another"}, segments=segments)


@pytest.mark.parametrize("more", [-1, 0, 1])
def test_a_file_is_opened_at_the_limit_of_memory(temporary, more):
    """As long as they fit, the messages stay in memory."""
    kept = CheckedBodies()
    while kept.size < _MAX_IN_MEMORY // 2:
        kept.add(0, [None], {0: random.Random(kept.size).randbytes(100_000)})
    before = kept.size
    kept._end = _MAX_IN_MEMORY - _size_of(b"x") + more
    assert before
    kept.add(0, ["a"], {0: b"x"})
    assert (kept._file is not None) == (more > 0)


@needs_proc
def test_only_so_many_campaigns_have_a_file_at_a_time(temporary, monkeypatch):
    """Others make their messages again; once a campaign is dropped, its file is free."""
    monkeypatch.setattr(checked_bodies, "_MAX_FILES", 2)
    composed = [campaign() for _ in range(3)]
    assert [len(messages(one)) for one in composed] == [2_500] * 3
    assert len(descriptors()) == 2
    assert composed[2]._composed.preflight().bodies is None
    del composed[:2]
    gc.collect()
    assert not descriptors()
    another = campaign()
    assert len(messages(another)) == 2_500
    assert len(descriptors()) == 1


@needs_proc
def test_a_file_that_somebody_else_closed_is_no_error_at_the_end(tmp_path):
    """As os.closerange does before a program becomes another one."""
    script = """
import os
from tests.message.test_checked_bodies import campaign, messages
composed = campaign()
assert len(messages(composed)) == 2_500
os.closerange(3, 256)
"""
    done = subprocess.run(
        [sys.executable, "-c", script], check=False, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")


def _size_of(body: bytes) -> int:
    one = CheckedBodies()
    one.add(0, ["a"], {0: body})
    return one.size


@pytest.mark.parametrize("where", ["disk", "memory", "again", ""])
def test_every_place_gives_the_same_messages(monkeypatch, where):
    """On disk, in memory, or made again."""
    monkeypatch.setenv(VARIABLE, where)
    composed = campaign()
    made = messages(composed)
    assert len(made) == 2_500
    monkeypatch.setenv(VARIABLE, "again")
    assert messages(campaign()) == made


def test_another_place_is_refused(monkeypatch):
    """The text has the variable and the right values."""
    monkeypatch.setenv(VARIABLE, "dsik")
    with pytest.raises(
        mf.errors.MailframeError, match="MAILFRAME_CHECKED is 'dsik'; write one of disk, memory"
    ):
        campaign(1).problems()


def test_attached_bytes_are_kept_once():
    """A file of 300 kB in each of 50 messages."""
    content = random.Random(1).randbytes(300_000)
    composed = campaign(50, attachments=mf.Attachment("a.zip", content))
    assert all(len(body) > 400_000 for _, _, body in messages(composed))
    assert composed._composed.preflight().bodies.size < 100_000


# --- the file -------------------------------------------------------------------------------------


@needs_proc
def test_the_file_has_no_name_and_only_its_user_can_read_it(temporary):
    """No other program can find it, and it is gone with the campaign."""
    composed = campaign()
    composed.problems()
    file = composed._composed.preflight().bodies._file._file
    assert list(temporary.iterdir()) == []
    state = os.fstat(file.fileno())
    assert (stat.S_IMODE(state.st_mode), state.st_nlink, state.st_uid) == (0o600, 0, os.getuid())
    assert len(descriptors()) == 1
    del composed
    assert file.closed
    assert descriptors() == []


@needs_proc
@pytest.mark.parametrize("where", ["memory", "again"])
def test_other_places_open_no_file(temporary, monkeypatch, where):
    """Nothing of a message touches the disk."""
    monkeypatch.setenv(VARIABLE, where)
    composed = campaign()
    composed.problems()
    assert descriptors() == []


def test_a_check_that_is_repeated_closes_the_file_of_the_one_before(temporary):
    """One file for each kept check."""
    composed = campaign()
    file = composed._composed.preflight().bodies._file._file
    composed._composed.preflight(again=True)
    assert file.closed


def test_threads_read_at_the_same_time():
    """Each gets its own messages."""
    composed = campaign()
    made = messages(composed)
    results: list[object] = []

    def read() -> None:
        results.append(messages(composed) == made)

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [True] * 4


FAULTS = ("shorter", "other bytes", "closed")


def damage(composed: mf.Campaign, fault: str) -> None:
    """Damage the temporary file of a campaign."""
    file = composed._composed.preflight().bodies._file._file
    if fault == "shorter":
        os.ftruncate(file.fileno(), 700_000)
    elif fault == "other bytes":
        place = os.lseek(file.fileno(), 0, os.SEEK_CUR)
        os.lseek(file.fileno(), 500_000, os.SEEK_SET)  # Windows has no pwrite
        os.write(file.fileno(), bytes(2_000))
        os.lseek(file.fileno(), place, os.SEEK_SET)
    else:
        file.close()


@pytest.mark.parametrize("fault", FAULTS)
def test_messages_that_cannot_be_read_are_made_again(temporary, fault):
    """A file that is damaged loses no row; a digest shows that the messages are the same."""
    composed = campaign()
    made = messages(composed)
    damage(composed, fault)
    assert messages(composed) == made


@pytest.mark.parametrize("fault", FAULTS)
def test_digests_of_messages_that_cannot_be_read_are_those_of_the_messages(temporary, fault):
    """The file is damaged before anything asks for a digest."""
    composed, intact = campaign(), campaign()
    damage(composed, fault)
    assert composed.fingerprint == intact.fingerprint
    ours, others = composed._composed.preflight(), intact._composed.preflight()
    assert (ours.contents.halves() == others.contents.halves()).all()
    assert (ours.mails == others.mails).all()


def test_a_chunk_that_went_the_plain_way_is_compared_by_its_messages(temporary):
    """It stood beside a chunk with many faults; when it is made again, it does not."""
    rows = 2_500
    emails = [f"p{n}@acme.example" if n % 2 or n > 500 else "nobody" for n in range(rows)]
    frame = pd.DataFrame({"email": emails, "text": noise(rows)})
    fields = {"sender": "me@acme.example", "to": "{{ email }}", "subject": "Hi"}
    composed = frame.mail.compose(**fields, text_body="{{ text }}", name="plain")
    preflight = composed._composed.preflight()
    made = messages(composed)
    assert not preflight.bodies._blocks[1].constants
    assert preflight.bodies._blocks[3].constants
    preflight.bodies._file._file.close()
    assert messages(composed) == made


def damaged_and_changed() -> mf.Campaign:
    """The file is damaged, and a list in a cell of each row changed since the check."""
    rows = 2_500
    frame = pd.DataFrame(
        {
            "email": [f"p{n}@acme.example" for n in range(rows)],
            "texts": [[one] for one in noise(rows)],
        }
    )
    composed = frame.mail.compose(
        sender="me@acme.example",
        to="{{ email }}",
        subject="Hi",
        text_body="{{ texts[0] }}",
        name="damaged",
    )
    composed.problems()
    damage(composed, "other bytes")
    for texts in frame["texts"]:
        texts[0] = "never checked"
    return composed


def test_what_was_not_checked_is_not_sent(temporary):
    """Rows in the damaged part are invalid; the others are sent as they were checked."""
    composed = damaged_and_changed()
    with mf.Sandbox(in_process=True) as sandbox:
        results = composed.send(sandbox.server, ledger=None, progress=False)
        sent = sandbox.messages()
    counts = results["status"].value_counts().to_dict()
    assert counts == {"accepted": len(sent), "invalid": 2_500 - len(sent)}
    assert 0 < counts["invalid"] <= 1_000
    assert set(results.loc[results["status"] == "invalid", "reason"]) == {"changed_since_check"}
    assert not sent["TextBody"].str.contains("never").any()


def test_a_ledger_records_no_digest_of_a_message_that_was_not_checked(temporary, tmp_path):
    """The send is refused with the reason, the plan is still there, and composing again helps."""
    composed, ledger = damaged_and_changed(), tmp_path / "ledger.sqlite"
    assert composed.plan().messages == 2_500
    with mf.Sandbox(in_process=True) as sandbox:
        with pytest.raises(
            mf.errors.MailframeError, match="file of the checked messages is damaged"
        ):
            composed.send(sandbox.server, ledger=ledger, progress=False)
        assert len(sandbox.messages()) == 0
        again = composed.frame.mail.compose(composed.letter, name="damaged")
        results = again.send(sandbox.server, ledger=ledger, progress=False)
        assert results["status"].value_counts().to_dict() == {"accepted": 2_500}


def test_a_plan_needs_no_digests(temporary):
    """They are made for a send, a comparison, or an approval."""
    composed = campaign()
    composed.plan()
    composed.problems()
    preflight = composed._composed.preflight()
    assert callable(preflight.digests._digests)

    def stop(position: int) -> None:
        if position:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        preflight.digests.get(watch=stop)
    assert preflight.contents is preflight.contents
    assert not callable(preflight.digests._digests)


# --- processes ------------------------------------------------------------------------------------

SCRIPT = """
import os, resource, signal, sys
sys.path.insert(0, {root!r})
from tests.message.test_checked_bodies import campaign, messages
{body}
"""


def run(body: str, folder: Path, *, kill: bool = False) -> subprocess.CompletedProcess[str]:
    """A new process whose home, temporary folder and working directory are *folder*."""
    root = str(Path(__file__).parents[2])
    places = dict.fromkeys(("HOME", "TMPDIR", "XDG_CACHE_HOME", "XDG_DATA_HOME"), str(folder))
    made = subprocess.run(
        [sys.executable, "-W", "ignore", "-B", "-c", SCRIPT.format(root=root, body=body)],
        env={**os.environ, **places, VARIABLE: "disk"},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert made.returncode == (-signal.SIGKILL if kill else 0), made.stderr
    return made


def files_with_secret(folder: Path) -> list[Path]:
    """The files that hold an address."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return [path for path in files if SECRET.encode() in path.read_bytes()]


@pytest.mark.sampled(2)
@pytest.mark.skipif(sys.platform == "win32", reason="kills a process")
@pytest.mark.parametrize(
    "end",
    [
        "os.kill(os.getpid(), signal.SIGKILL)",
        *(pytest.param(end, marks=pytest.mark.slow) for end in ("", "sys.exit()", "os._exit(0)")),
    ],
)
def test_nothing_is_left_after_the_process(tmp_path, end):
    """Whether it ends, exits or is killed; and no address is in any other file."""
    body = f"composed = campaign(); composed.problems(); messages(composed)\n{end}"
    run(body, tmp_path, kill="SIGKILL" in end)
    assert files_with_secret(tmp_path) == []
    assert [path for path in tmp_path.iterdir() if path.name.startswith("mailframe-")] == []


@pytest.mark.skipif(sys.platform == "win32", reason="has no limit for files")
def test_a_full_disk_makes_the_messages_again(tmp_path):
    """The file cannot grow beyond 1.2 MB; every message is sent."""
    body = """
resource.setrlimit(resource.RLIMIT_FSIZE, (1_200_000, resource.RLIM_INFINITY))
composed = campaign(4_000)
print(composed._composed.preflight().bodies, len(messages(composed)))
"""
    assert run(body, tmp_path).stdout == "None 4000\n"


@pytest.mark.skipif(READS_EVERYTHING, reason="root can write everywhere")
def test_a_folder_that_cannot_be_written_makes_the_messages_again(tmp_path):
    """Neither the temporary folder nor the others."""
    body = """
import tempfile
tempfile.tempdir = "/proc"
composed = campaign()
print(composed._composed.preflight().bodies, len(messages(composed)))
"""
    assert run(body, tmp_path).stdout == "None 2500\n"


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_a_forked_process_reads_the_same_messages(tmp_path):
    """Both read at the same time, from one file description."""
    body = """
composed = campaign()
made = messages(composed)
children = []
for _ in range(3):
    child = os.fork()
    if not child:
        os._exit(0 if all(messages(composed) == made for _ in range(3)) else 1)
    children.append(child)
assert all(messages(composed) == made for _ in range(3))
print([os.waitpid(child, 0)[1] for child in children])
assert messages(composed) == made
"""
    assert run(body, tmp_path).stdout == "[0, 0, 0]\n"
