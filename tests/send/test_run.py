"""Send: which rows are blocked and sent, and that the caller's frame comes back unchanged."""

from __future__ import annotations

import gc
import threading
from dataclasses import replace

import httpx
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import mailframe as mf
from mailframe import errors
from mailframe.results.frame import COLUMNS, results_columns
from tests.campaigns import LETTER, campaign, judge, people, send_with
from tests.expressions import col
from tests.frames import ZOO, frames

SKIPPED_IN_ZOO = {
    "no_columns",
    "only_numbered_columns",
    "duplicate_columns",
}  # no address, or a doubled column


def sent(frame: pd.DataFrame, **options) -> pd.DataFrame:
    """The results of a small letter to everybody in *frame*, through an in-process sandbox."""
    with mf.Sandbox(in_process=True) as sandbox:
        composed = frame.mail.compose(
            sender="me@acme.example", to="{{ email }}", subject="Hi", text_body="Hi", name="hi"
        )
        return composed.send(sandbox.server, progress=False, **options)


@pytest.mark.sampled(3)
@pytest.mark.parametrize("animal", [name for name in ZOO if name not in SKIPPED_IN_ZOO])
def test_rows_index_columns_and_dtypes_come_back_as_they_were(animal):
    """Law 1, for every frame of the zoo."""
    frame = ZOO[animal]()
    before = frame.copy(deep=True)
    results = sent(frame, on_invalid="skip")
    pd.testing.assert_frame_equal(results[frame.columns.tolist()], before, check_names=False)
    pd.testing.assert_frame_equal(frame, before)
    assert results.index.equals(before.index)
    assert len(results_columns(results)) == len(COLUMNS)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(frame=frames(max_rows=12))
def test_results_keep_rows_order_index_and_dtypes_of_random_frames(frame):
    """Law 1, for random frames; and every row that was accepted has an id of its own."""
    before = frame.copy(deep=True)
    results = sent(frame, on_invalid="skip")
    assert len(results) == len(before)
    assert results.index.equals(before.index)
    assert results.columns[: len(before.columns)].tolist() == before.columns.tolist()
    assert results.dtypes.tolist()[: len(before.columns)] == before.dtypes.tolist()
    names = results_columns(results)
    accepted = results[names["status"]] == "accepted"
    assert results.loc[accepted, names["MessageID"]].is_unique
    assert results[names["MessageID"]].notna().equals(accepted)


def test_a_row_with_an_error_sends_nothing_by_default():
    """No row is skipped unnoticed: one invalid row, and no request at all."""
    frame = people(3)
    frame.loc[1, "email"] = "nobody"
    with mf.Sandbox(in_process=True) as sandbox:
        with pytest.raises(errors.InvalidRows, match="row 1, to: invalid_address") as caught:
            frame.mail.compose(LETTER, name="numbers").send(sandbox.server, progress=False)
        assert sandbox.requests().empty
    assert caught.value.results["status"].tolist() == ["unsent", "invalid", "unsent"]
    assert caught.value.problems["code"].tolist() == ["invalid_address"]


def test_skip_sends_the_others_and_lists_the_bad_ones():
    """on_invalid="skip": the bad row is invalid with its codes, the others are accepted."""
    frame = people(3)
    frame.loc[1, "email"] = "nobody"
    results = frame.mail.compose(LETTER, name="numbers")
    with mf.Sandbox() as sandbox:
        results = results.send(sandbox.server, on_invalid="skip", progress=False)
        judge(results, sandbox)
    assert results["status"].tolist() == ["accepted", "invalid", "accepted"]
    assert results["reason"].iloc[1] == "invalid_address"


def test_warnings_block_nothing():
    """A warning is a row that is sent."""
    frame = people(2).assign(email=["a@example.com", "a@example.com"])
    composed = frame.mail.compose(LETTER, name="numbers", key="n")
    assert composed.problems()["code"].tolist() == ["repeated_recipient"]
    with mf.Sandbox(in_process=True) as sandbox:
        assert (composed.send(sandbox.server, progress=False)["status"] == "accepted").all()


@pytest.mark.parametrize("on_invalid", ["raise", "skip"])
def test_doubled_keys_refuse_the_call(on_invalid):
    """A key of two rows is an error of the call; both rows are named."""
    frame = people(3).assign(key=["a", "b", "a"])
    with mf.Sandbox(in_process=True) as sandbox:
        with pytest.raises(errors.InvalidRows, match="row 0 and row 2 have the same key"):
            frame.mail.compose(LETTER, name="n", key="key").send(
                sandbox.server, on_invalid=on_invalid, progress=False
            )
        assert sandbox.requests().empty


@pytest.mark.parametrize(("limit", "accepted"), [(0, 0), (1, 1), (2, 2), (3, 3), (4, 3), (None, 3)])
def test_limit_sends_the_first_so_many_messages(limit, accepted):
    """The others stay unsent, with the reason."""
    with mf.Sandbox(in_process=True) as sandbox:
        results = campaign(3).send(sandbox.server, limit=limit, progress=False)
    assert results["status"].tolist() == ["accepted"] * accepted + ["unsent"] * (3 - accepted)
    assert set(results["reason"].dropna()) == ({"limit"} if accepted < 3 else set())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"on_invalid": "drop"}, "neither 'raise' nor 'skip'"),
        ({"limit": -1}, "limit=-1"),
        ({"limit": 1.5}, "limit=1.5"),
        ({"limit": True}, "limit=True"),
        ({"workers": 0}, "workers=0"),
        ({"workers": 9}, "workers=9"),
    ],
)
def test_a_wrong_argument_is_refused_before_anything_is_rendered(options, message):
    """The message names the argument and what it may be."""
    with mf.Sandbox(in_process=True) as sandbox:
        with pytest.raises(errors.MailframeError, match=message):
            campaign(1).send(sandbox.server, progress=False, **options)
        assert sandbox.requests().empty


def test_a_server_that_is_no_server_is_refused_with_a_hint():
    """For the sandbox itself, the error names its .server."""
    with (
        mf.Sandbox(in_process=True) as sandbox,
        pytest.raises(errors.MailframeError, match=r"not a Sandbox; give its \.server"),
    ):
        campaign(1).send(sandbox)


def test_the_frame_is_taken_when_it_is_composed():
    """Later changes of the caller's frame do not change what is sent."""
    frame = people(2)
    composed = frame.mail.compose(LETTER, name="numbers")
    frame.loc[0, "email"] = "changed@example.com"
    del frame["n"]
    with mf.Sandbox(in_process=True) as sandbox:
        results = composed.send(sandbox.server, progress=False)
        assert sandbox.messages()["To"].tolist() == ["p0@example.com", "p1@example.com"]
    assert results["email"].tolist() == ["p0@example.com", "p1@example.com"]


def test_documentation_domains_are_refused_on_the_live_server():
    """example.com is accepted in a sandbox; it receives no mail, so a live send blocks the row."""

    def nothing_may_arrive(request):
        raise AssertionError(request.url.path)

    live = mf.Postmark("not-a-token", transport=httpx.MockTransport(nothing_may_arrive))
    assert live.is_live
    with pytest.raises(errors.InvalidRows, match="documentation_domain"):
        campaign(1).send(live, progress=False)


def test_a_file_that_changes_after_the_check_is_not_sent(tmp_path):
    """What was checked is what is sent: other content is blocked, and the row has the reason."""
    path = tmp_path / "a.txt"
    path.write_text("checked")
    frame = people(2).assign(path=[str(path), str(tmp_path / "b.txt")])
    (tmp_path / "b.txt").write_text("b")
    letter = LETTER.replace(attachments=[mf.Attachment(col("path"))])
    composed = frame.mail.compose(letter, name="files")
    assert composed.problems().empty
    path.write_text("changed")
    composed._composed.bound.files._kept.clear()  # as if the files did not fit the cache
    with mf.Sandbox(in_process=True) as sandbox:
        results = composed.send(sandbox.server, progress=False)
    assert results["status"].tolist() == ["invalid", "accepted"]
    assert results["reason"].iloc[0] == "changed_since_check"


def test_an_empty_frame_sends_nothing():
    """No rows: no request, an empty results frame with all its columns."""
    with mf.Sandbox(in_process=True) as sandbox:
        results = campaign(0).send(sandbox.server, progress=False)
        assert set(sandbox.requests()["method"]) <= {"GET"}
    assert len(results) == 0
    assert set(COLUMNS) <= set(results.columns)


def test_results_of_a_first_send_can_be_the_frame_of_a_second():
    """The caller's columns stay as they are, ours get the next free names."""
    with mf.Sandbox(in_process=True) as sandbox:
        first = campaign(2).send(sandbox.server, progress=False)
        second = first.mail.compose(LETTER, name="again").send(
            sandbox.server, progress=False, allow_repeat=True
        )
    pd.testing.assert_frame_equal(second[first.columns.tolist()], first)
    assert second["mail_status"].tolist() == ["accepted", "accepted"]
    assert not set(second["mail_MessageID"]) & set(first["MessageID"])


@settings(max_examples=30, deadline=None)
@given(order=st.permutations(range(12)))
def test_answers_are_joined_by_position(order):
    """However the frame is ordered, each row has the id of its own message."""
    frame = people(12).iloc[list(order)]
    with mf.Sandbox(in_process=True) as sandbox:
        results = frame.mail.compose(LETTER, name="numbers").send(sandbox.server, progress=False)
        judge(results, sandbox)
    assert results.index.tolist() == list(order)


def test_send_leaves_no_thread_behind():
    """The thread of each request ends with it."""
    with mf.Sandbox(in_process=True) as sandbox:
        campaign(1_200).send(sandbox.server, workers=3, progress=False)
    gc.collect()
    assert not [
        thread for thread in threading.enumerate() if thread.name.startswith("mailframe-batch")
    ]


def test_the_batches_are_the_messages_that_are_sent():
    """batches() returns the exact bytes that send posts."""
    composed = campaign(1_001)
    batches = list(composed.batches())
    assert [len(batch) for batch in batches] == [500, 500, 1]
    assert [position for batch in batches for position in batch.positions] == list(range(1_001))
    with mf.Sandbox(in_process=True) as sandbox:
        composed.send(sandbox.server, progress=False, ledger=None)
        posted = sandbox.requests().query("method == 'POST'")
        assert posted["bytes"].tolist() == [len(batch.body) for batch in batches]


def test_a_single_message_goes_by_the_single_endpoint():
    """send_email posts one message to /email; its answer has one outcome."""
    with mf.Sandbox(in_process=True) as sandbox:
        answer = sandbox.server.send_email(campaign(3).message(2))
        assert sandbox.requests()["path"].tolist() == ["/email"]
        assert sandbox.messages()["To"].tolist() == ["p2@example.com"]
    assert answer.outcomes[0].accepted


def test_the_plan_is_one_honest_line():
    """Rows, messages, batches, MB, blocked rows and their codes."""
    frame = people(3)
    frame.loc[1, "email"] = "nobody"
    plan = frame.mail.compose(LETTER, name="numbers").plan()
    assert str(plan) == "3 rows: 2 messages, 1 batch, 0.3 kB; 1 blocked (1 invalid_address)"
    assert "invalid_address" in plan._repr_html_()
    assert plan.bytes == sum(
        len(b.body) for b in frame.mail.compose(LETTER, name="numbers").batches()
    )


def test_a_plan_without_a_ledger_says_so():
    """In its line and in its HTML."""
    plan = campaign(1).plan(ledger=None)
    assert str(plan).endswith("; no ledger: sending again sends to everybody again")
    assert "sending again sends to everybody again" in plan._repr_html_()
    assert "ledger" not in str(campaign(1).plan())


def test_a_name_with_markup_is_escaped_in_the_html_reprs():
    """What a person named the campaign is never code in the notebook page."""
    composed = people(1).mail.compose(LETTER, name="<script>alert(1)</script>")
    assert "<script>" not in composed._repr_html_() + composed.plan()._repr_html_()


def test_a_row_that_changed_since_the_check_is_invalid_alone(monkeypatch):
    """What was checked is what is sent: a row that is made again with another digest is invalid."""
    monkeypatch.setenv("MAILFRAME_CHECKED", "again")
    composed = campaign(1_000)
    preflight = composed._composed.preflight()
    for position in range(700, 1_000):
        preflight.contents.put_bytes(position, bytes(16))
    with mf.Sandbox(in_process=True) as sandbox:
        results = composed.send(sandbox.server, progress=False)
    assert results["status"].value_counts().to_dict() == {"accepted": 700, "invalid": 300}


# --- subclasses of Postmark ----------------------------------------------------------------------


def subclassed(server: mf.Postmark, send_batch) -> mf.Postmark:
    """The same server with another ``send_batch``; it may call ``post``, the one of Postmark."""

    class Server(mf.Postmark):
        post = mf.Postmark.send_batch

    Server.send_batch = send_batch
    return Server("any", base_url=server.base_url)


def test_a_subclass_may_override_send_batch_with_the_batch_alone():
    """It is called without on_sent, and what it posts has the metadata of the ledger."""
    numbers = []

    def send_batch(self, batch):
        numbers.append(batch.number)
        return self.post(batch)

    with mf.Sandbox() as sandbox:
        server = subclassed(sandbox.server, send_batch)
        results = send_with(campaign(600), server)
        judge(results, sandbox)
        assert all("mf-m" in metadata for metadata in sandbox.messages()["Metadata"])
    assert numbers == [1, 2]
    assert set(results["status"]) == {"accepted"}


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize(
    ("returned", "reason"),
    [
        (lambda _: None, "the server returned a NoneType and not an Answer"),
        (
            lambda answer: replace(answer, outcomes=answer.outcomes[1:]),
            "the server returned 499 outcomes for 500 messages",
        ),
    ],
)
def test_an_answer_of_a_subclass_that_does_not_fit_is_unknown(returned, reason, workers):
    """The batch was posted, and it is not known which message an outcome belongs to."""

    def send_batch(self, batch, **options):
        answer = self.post(batch, **options)
        return returned(answer) if batch.number == 1 else answer

    with mf.Sandbox() as sandbox:
        server = subclassed(sandbox.server, send_batch)
        results = send_with(campaign(600), server, ledger=None, workers=workers)
        judge(results, sandbox)
    assert set(results["status"][:500]) == {"unknown"}
    assert set(results["reason"][:500]) == {reason}
    assert set(results["status"][500:]) == {"accepted" if workers > 1 else "unsent"}
