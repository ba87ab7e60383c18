"""``mf.read_events`` and ``results.mail.refresh(events)``: files of events, on the rows."""

from __future__ import annotations

import gzip
import json
import warnings

import pandas as pd
import pytest

import mailframe as mf
from mailframe.errors import MailframeError, MailframeWarning
from mailframe.outcomes import event_files
from mailframe.outcomes.events import EVENT_DTYPES
from mailframe.pandas_versions import text_dtype
from tests.campaigns import campaign, send_with
from tests.webhooks.receiving import event

AT = "2026-11-27T12:00:00.1234567Z"
TIME = pd.Timestamp(AT)
COMMON = {
    "MessageID": "m1",
    "MessageStream": "broadcast",
    "Tag": "t",
    "Metadata": {"customer": "7"},
}
WHO = COMMON | {"Recipient": "ann@acme.example"}
BOUNCE = COMMON | {"Email": "ann@acme.example", "BouncedAt": AT, "ID": 7, "Details": "full"}
CHANGE = WHO | {"RecordType": "SubscriptionChange", "ChangedAt": AT, "SuppressSending": True}
OF_RECIPIENT = {"Origin": "Recipient", "SuppressionReason": "ManualSuppression"}
KINDS = {
    "delivered": WHO | {"RecordType": "Delivery", "DeliveredAt": AT, "Details": "250 OK"},
    "opened": WHO | {"RecordType": "Open", "ReceivedAt": AT, "FirstOpen": True},
    "clicked": WHO | {"RecordType": "Click", "ReceivedAt": AT, "OriginalLink": "https://a.example"},
    "bounced": BOUNCE | {"RecordType": "Bounce", "Type": "SoftBounce"},
    "complained": BOUNCE | {"RecordType": "SpamComplaint", "Type": "SpamComplaint"},
    "unsubscribed": CHANGE | OF_RECIPIENT,
}
NO_OUTCOMES = {
    "a hard bounce": CHANGE | {"Origin": "Recipient", "SuppressionReason": "HardBounce"},
    "by the sender": CHANGE | OF_RECIPIENT | {"Origin": "Customer"},
    "active again": CHANGE | {"SuppressSending": False, "SuppressionReason": None},
    "a new kind": WHO | {"RecordType": "Teleport"},
}


def written(path, *lines):
    """A file with these lines: events, or bytes as they are."""
    texts = [line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines]
    path.write_bytes(b"".join(text + b"\n" for text in texts))
    return path


@pytest.mark.parametrize("kind", [*KINDS, *NO_OUTCOMES])
def test_each_kind_has_its_columns(tmp_path, kind):
    """The address, the time and the details have other names in each."""
    fields = (KINDS | NO_OUTCOMES)[kind]
    events = mf.read_events(written(tmp_path / "events.jsonl", fields))
    assert list(events) == [*EVENT_DTYPES, "RecordType", "MessageStream", "Tag", "Metadata"]
    (row,) = events.astype(object).where(events.notna(), None).to_dict("records")
    assert row == {
        "MessageID": "m1",
        "kind": kind if kind in KINDS else None,
        "at": None if kind == "a new kind" else TIME,
        "Recipient": "ann@acme.example",
        "bounce_type": fields.get("Type"),
        "bounce_detail": "full" if "BouncedAt" in fields else None,
        "link": fields.get("OriginalLink"),
        "RecordType": fields["RecordType"],
        "MessageStream": "broadcast",
        "Tag": "t",
        "Metadata": {"customer": "7"},
    }
    assert events["Metadata"].str["customer"].tolist() == ["7"]


def test_dtypes_do_not_depend_on_the_lines(tmp_path, monkeypatch):
    """Also of a file without any, and of one that is read in several parts."""
    monkeypatch.setattr(event_files, "_CHUNK", 2)
    empty = mf.read_events(written(tmp_path / "empty"))
    for count in (1, 2, 3):
        lines = [event(number, Tag=None) for number in range(count)]
        events = mf.read_events(written(tmp_path / "events.jsonl", *lines))
        assert events["MessageID"].tolist() == [f"m{number}" for number in range(count)]
        assert events.dtypes.to_dict() == empty.dtypes.to_dict()
        assert events.index.equals(pd.RangeIndex(count))
    assert events.dtypes["MessageID"] == text_dtype()
    assert str(events.dtypes["at"]) == "datetime64[ns, UTC]"


def test_an_event_in_several_files_is_read_once(tmp_path):
    """In the order of the paths; each kind of path is taken, and compressed files."""
    first = written(tmp_path / "a.jsonl", event(1), event(2), event(1, Details="again"))
    second = tmp_path / "b.jsonl.gz"
    second.write_bytes(gzip.compress(written(tmp_path / "b", event(2), event(3)).read_bytes()))
    for paths in (
        [first, str(second)],
        (one for one in (first, second)),
        pd.Series([first, second]),
    ):
        assert mf.read_events(paths)["MessageID"].tolist() == ["m1", "m2", "m3"]


def test_lines_that_are_no_events_are_named(tmp_path):
    """A line that was cut off, one of another program, one without a kind; not an empty one."""
    bad = [b"not JSON", b"", json.dumps(event(2)).encode()[:-9], b'{"id": 1}', b"[]"]
    path = written(tmp_path / "events.jsonl", event(1), *bad, event(3))
    with pytest.warns(MailframeWarning, match=r"4 lines are no events .*: 2, 4, 5, 6$"):
        events = mf.read_events(path)
    assert events["MessageID"].tolist() == ["m1", "m3"]
    path.write_bytes(path.read_bytes() + json.dumps(event(4)).encode()[:20])
    written(tmp_path / "more", event(5), *[b"x"] * 11)
    both = r"5 lines .*: 2, 4, 5, 6, 8; .*more: 11 lines .*: 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, …$"
    with pytest.warns(MailframeWarning, match=both):
        assert len(mf.read_events([path, tmp_path / "more"])) == 3


def test_what_cannot_be_read_is_an_error(tmp_path):
    """And not an empty table."""
    (tmp_path / "cut.gz").write_bytes(gzip.compress(json.dumps(event(1)).encode())[:-9])
    cases = {
        tmp_path / "none.jsonl": "there is no such file",
        tmp_path: "it cannot be read",
        written(tmp_path / "people.csv", b"id,email", b"1,a@b.example"): "no line is an event",
        written(tmp_path / "plain.gz", event(1)): "it cannot be read",
        tmp_path / "cut.gz": "it cannot be read",
    }
    for path, text in cases.items():
        with pytest.raises(MailframeError, match=text):
            mf.read_events(path)
    for paths, text in (([], "no path"), (7, "takes a path"), (b"a", "takes a path")):
        with pytest.raises(MailframeError, match=text):
            mf.read_events(paths)


@pytest.fixture(scope="module")
def sent():
    """A sandbox and the results of three messages, of which the first was opened."""
    with mf.Sandbox(in_process=True) as sandbox:
        people = pd.DataFrame({"email": [f"{name}@acme.example" for name in ("ann", "bob", "cy")]})
        results = people.mail.compose(
            sender="me@acme.example",
            to="{{ email }}",
            subject="Hi",
            text_body="https://acme.example/a",
            track_opens=True,
            track_links="TextOnly",
            name="hello",
        ).send(sandbox.server, ledger=None, progress=False)
        sandbox.simulate(opens=1.0, to="ann@*")
        yield sandbox, results


def opened(results, place, second, **more):
    """An open of the row at that place."""
    at = f"2026-11-27T12:00:{second:02}Z"
    who = {"MessageID": results["MessageID"].iloc[place].upper(), "Recipient": "ann@acme.example"}
    return WHO | who | {"RecordType": "Open", "ReceivedAt": at} | more


def test_events_become_columns_of_their_rows(sent, tmp_path):
    """In any order and again, with the same result; a count without an event is missing."""
    _, results = sent
    lines = [opened(results, 0, second) for second in (7, 5, 6)]
    lines += [KINDS["bounced"] | {"MessageID": results["MessageID"].iloc[2]}, KINDS["opened"]]
    lines += [NO_OUTCOMES["a new kind"] | {"MessageID": results["MessageID"].iloc[1]}]
    events = mf.read_events(written(tmp_path / "events.jsonl", *lines))
    refreshed = results.mail.refresh(events)
    assert refreshed["outcome"].tolist() == ["opened", "accepted", "bounced"]
    assert refreshed["opens"].isna().tolist() == [False, True, True]
    assert refreshed["opens"].iloc[0] == 3
    assert refreshed["opened_at"].iloc[0] == pd.Timestamp("2026-11-27T12:00:05Z")
    pd.testing.assert_frame_equal(refreshed[list(results)], results)
    for again in (events, events.iloc[::-1], pd.concat([events, events])):
        pd.testing.assert_frame_equal(refreshed.mail.refresh(again), refreshed)


def test_events_and_the_lists_of_a_server_are_not_counted_twice(sent, tmp_path):
    """In each order, and although the second refresh of a server reads what is new alone."""
    sandbox, results = sent
    happened = sandbox.events()
    happened = happened[happened["RecordType"] == "Open"]
    lines = [
        opened(results, 0, 0, ReceivedAt=at.isoformat(), Recipient=recipient)
        for at, recipient in zip(happened["At"], happened["Recipient"], strict=True)
    ]
    events = mf.read_events(written(tmp_path / "events.jsonl", *lines))
    for order in ("events server", "server events", "server events server", "events events"):
        refreshed = results
        for source in order.split():
            more = {"events": (events, {}), "server": (sandbox.server, {"progress": False})}
            refreshed = refreshed.mail.refresh(more[source][0], **more[source][1])
        assert refreshed["opens"].iloc[0] == len(lines)
        assert refreshed["opens"].iloc[1:].isna().all() == ("server" not in order)


def test_events_of_an_unknown_row_join_when_it_is_reconciled(tmp_path):
    """Its metadata do not say which of two messages it got; the ledger does."""
    with mf.Sandbox(in_process=True) as sandbox:
        sandbox.index_delay_s = 60
        sandbox.fault("http_500_accepted", path="/email/batch")
        unknown = send_with(campaign(1), sandbox.server)
        [arrived] = sandbox.messages().to_dict("records")
        posted = KINDS["opened"] | {name: arrived[name] for name in ("MessageID", "Metadata")}
        events = mf.read_events(written(tmp_path / "events.jsonl", posted))
        assert unknown["status"].tolist() == ["unknown"]
        assert unknown.mail.refresh(events)["outcome"].isna().all()
        sandbox.index_delay_s = 0
        mf.reconcile("numbers", sandbox.server)
        again = send_with(campaign(1), sandbox.server)
        assert again["status"].tolist() == ["skipped"]
        assert again.mail.refresh(events)["outcome"].tolist() == ["opened"]
        assert len(sandbox.messages()) == 1


def test_another_frame_is_refused(sent, tmp_path):
    """With what to give in its place."""
    _, results = sent
    events = mf.read_events(written(tmp_path / "events.jsonl", event(1)))
    cases = {
        "no column 'MessageID'": results[["email"]],
        "not times in UTC": events.assign(at="2026"),
        "or the events of": "events.jsonl",
    }
    for text, source in cases.items():
        with pytest.raises(MailframeError, match=text):
            results.mail.refresh(source)
    with pytest.raises(MailframeError, match="details= asks a server"):
        results.mail.refresh(events, details=5)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert results.mail.refresh(events)["outcome"].eq("accepted").all()
