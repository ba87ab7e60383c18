"""Duplicates and false statuses that reviewers looked for; none of them happens."""

from __future__ import annotations

from collections import Counter

import pandas as pd
import pytest

import mailframe as mf
from mailframe import errors
from tests.campaigns import LETTER, people


def copies(sandbox: mf.Sandbox) -> int:
    """The most mails that one person has."""
    return max(Counter(sandbox.messages()["To"]).values(), default=0)


def test_another_key_under_the_same_name_is_refused():
    """Each row would look new; the ledger records the key of the campaign."""
    with mf.Sandbox(in_process=True) as sandbox:
        people(3).mail.compose(LETTER, name="k").send(sandbox.server, progress=False)
        with pytest.raises(errors.LedgerError, match="are identified by the address, and now by n"):
            people(3).mail.compose(LETTER, name="k", key="n").send(sandbox.server, progress=False)
        assert copies(sandbox) == 1


def test_several_recipients_in_to_need_a_key():
    """No single address tells such a row from another."""
    letter = LETTER.replace(to=["{{ email }}", "second@example.com"])
    with mf.Sandbox(in_process=True) as sandbox:
        with pytest.raises(errors.MailframeError, match="needs compose"):
            people(1).mail.compose(letter, name="k").send(sandbox.server, progress=False)
        results = (
            people(1).mail.compose(letter, name="k", key="n").send(sandbox.server, progress=False)
        )
    assert results["status"].tolist() == ["accepted"]


@pytest.mark.parametrize("resend", ["12", b"1", {"1": 2}, 12])
def test_resend_takes_a_list_and_nothing_that_looks_like_one(resend):
    """A text would be taken letter by letter, and customers 1 and 2 would be mailed."""
    with mf.Sandbox(in_process=True) as sandbox:
        composed = people(3).mail.compose(LETTER, name="k", key="n")
        with pytest.raises(errors.MailframeError, match="not a list of keys"):
            composed.send(sandbox.server, resend=resend, progress=False)


def test_a_resend_is_not_repeated_by_running_the_cell_again():
    """The same mail goes to the same person once more, however often the cell is run."""
    with mf.Sandbox(in_process=True) as sandbox:
        composed = people(3).mail.compose(LETTER, name="k", key="n")
        composed.send(sandbox.server, progress=False)
        for _ in range(3):
            composed.send(sandbox.server, resend=[0], progress=False)
        assert Counter(sandbox.messages()["To"]) == {
            "p0@example.com": 2,
            "p1@example.com": 1,
            "p2@example.com": 1,
        }


def test_resend_does_not_switch_off_the_guard_of_an_edited_letter():
    """It is about its own keys; the others still need allow_changed."""
    with mf.Sandbox(in_process=True) as sandbox:
        people(3).mail.compose(LETTER, name="k", key="n").send(
            sandbox.server, limit=2, progress=False
        )
        edited = people(3).mail.compose(LETTER.replace(subject="New"), name="k", key="n")
        with pytest.raises(errors.LetterChanged, match="to the other 1"):
            edited.send(sandbox.server, resend=[0], progress=False)
        assert copies(sandbox) == 1


def test_a_lost_ledger_and_another_stream_are_noticed(tmp_path):
    """Postmark is asked on every stream, not on the new letter's alone."""
    with mf.Sandbox(in_process=True) as sandbox:
        letter = LETTER.replace(message_stream="broadcast")
        people(3).mail.compose(letter, name="k").send(
            sandbox.server, ledger=tmp_path / "a", progress=False
        )
        with pytest.raises(errors.LedgerBehind):
            people(3).mail.compose(LETTER, name="k").send(
                sandbox.server, ledger=tmp_path / "b", progress=False
            )
        assert copies(sandbox) == 1


def test_a_refusal_does_not_call_accepted_rows_unsent():
    """A user may send the unsent rows of a refused run by other means, so they must be unsent."""
    frame = people(3)
    frame.loc[1, "email"] = "nobody"
    with mf.Sandbox(in_process=True) as sandbox:
        composed = frame.mail.compose(LETTER, name="k")
        composed.send(sandbox.server, on_invalid="skip", progress=False)
        with pytest.raises(errors.InvalidRows) as caught:
            composed.send(sandbox.server, progress=False)
    assert caught.value.results["status"].tolist() == ["skipped", "invalid", "skipped"]
    assert caught.value.results["MessageID"].notna().tolist() == [True, False, True]


def test_a_series_of_another_index_is_refused():
    """After a reset_index, alignment by label would put one person's value into another's mail."""
    full = people(4).assign(name=list("ABCD"))
    part = full.query("n % 2 == 1").reset_index(drop=True)
    with pytest.raises(errors.LetterError, match="another index"):
        part.mail.compose(LETTER.replace(subject=full["name"]), name="k")


@pytest.mark.filterwarnings("ignore:.*deprecated")  # inplace=True, from pandas 3.1 on
def test_a_callable_that_sorts_its_frame_changes_nothing():
    """It gets a copy; an answer in another order is refused."""

    def sorts(frame):
        frame.sort_values("email", ascending=False, inplace=True)  # noqa: PD002 - the very thing
        return frame["email"]

    with pytest.raises(errors.LetterError, match="another index"):
        people(3).mail.compose(LETTER.replace(subject=sorts), name="k")


def test_one_person_twice_in_one_mail_is_a_warning():
    """To and Cc alike."""
    problems = people(1).mail.compose(LETTER.replace(cc="{{ email }}"), name="k").problems()
    assert problems["code"].tolist() == ["repeated_recipient"]


def test_an_include_by_variable_sees_the_row(tmp_path):
    """A template that a cell chooses has the columns of its row, missing values included."""
    (tmp_path / "a.html").write_text("Hi {{ name | default('there') }}", encoding="utf-8")
    (tmp_path / "body.html").write_text("{% include chosen %}", encoding="utf-8")
    letter = mf.Letter.load(tmp_path).replace(
        sender="a@acme.example", to="{{ email }}", subject="Hi"
    )
    frame = people(2).assign(name=["Ann", None], chosen="a.html")
    assert frame.mail.compose(letter, name="k").messages()["HtmlBody"].tolist() == [
        "Hi Ann",
        "Hi there",
    ]


@pytest.mark.parametrize("older_than", [365, "30", "-1 day", "soon", None])
def test_prune_takes_an_age_with_its_unit(older_than):
    """365 would be nanoseconds to pandas."""
    with pytest.raises(errors.LedgerError, match="is not an age"):
        mf.prune(older_than)


def test_an_address_that_is_none_cannot_be_forgotten():
    """In the terms of the error tree."""
    with pytest.raises(errors.LedgerError, match="needs an email address"):
        mf.forget("nobody")


@pytest.mark.parametrize("name", [5, b"x", True, float("nan"), "", " ", "a\nb", "\ud800", pd.NA])
def test_a_name_is_a_line_of_text(name):
    """Anything else is refused when it is composed."""
    with pytest.raises(errors.LetterError, match="a line of text"):
        people(1).mail.compose(LETTER, name=name)


def test_after_a_lost_ledger_no_row_that_postmark_holds_is_called_unsent(tmp_path):
    """The ledger cannot say it, so Postmark is asked which rows it holds; the others never left."""
    with mf.Sandbox(in_process=True) as sandbox:
        people(2).mail.compose(LETTER, name="k").send(
            sandbox.server, ledger=tmp_path / "a", progress=False
        )
        with pytest.raises(errors.LedgerBehind) as caught:
            people(3).mail.compose(LETTER, name="k").send(
                sandbox.server, ledger=tmp_path / "b", progress=False
            )
    assert caught.value.results["status"].tolist() == ["skipped", "skipped", "unsent"]


def test_when_the_server_does_not_answer_the_results_have_the_statuses_of_the_ledger():
    """Both rows were accepted before; the ledger knows without the server."""
    with mf.Sandbox() as sandbox:
        server = sandbox.server
        people(2).mail.compose(LETTER, name="k").send(server, progress=False)
    with pytest.raises(errors.ServerUnreachable) as caught:
        people(2).mail.compose(LETTER, name="k").send(server, progress=False)
    assert caught.value.results["status"].tolist() == ["skipped"] * 2


def test_the_reason_of_a_refused_row_says_once_that_nothing_was_sent():
    """The first words of the error, which say what to do."""
    frame = people(2).assign(email=["ann@example.com", "not a valid email address"])
    with mf.Sandbox(in_process=True) as sandbox, pytest.raises(errors.InvalidRows) as caught:
        frame.mail.compose(LETTER, name="k").send(sandbox.server, progress=False)
    assert caught.value.results["status"].tolist() == ["unsent", "invalid"]
    assert caught.value.results["reason"][0] == (
        'nothing was sent: fix 1 blocked row of 2, or send the other 1 with on_invalid="skip"'
    )
