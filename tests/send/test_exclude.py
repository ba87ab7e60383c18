"""Who is left out by ``send(exclude=…)``."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mailframe as mf
from mailframe.errors import MailframeError, MailframeWarning, NotApproved
from tests.command.commands import desk, facts

PEOPLE = pd.DataFrame(
    {
        "id": ["001", "002", "003", "004"],
        "email": ["Ann@example.com", "bob@example.com", "zoe@example.com", "d@"],
    },
    index=["a", "b", "c", "d"],
)


def campaign(people: pd.DataFrame = PEOPLE, *, key: str | list[str] | None = "id") -> mf.Campaign:
    """A campaign with one message per row."""
    return people.mail.compose(
        sender="me@acme.example",
        to="{{ email }}",
        subject="Hi",
        text_body="Hi",
        name="spring",
        key=key,
    )


def statuses(exclude, *, sending: mf.Campaign | None = None, **options) -> dict:
    """The status, and the reason of skipped rows, by label; and who got mail."""
    with mf.Sandbox(in_process=True) as sandbox:
        results = (sending or campaign()).send(
            sandbox.server, exclude=exclude, progress=False, on_invalid="skip", **options
        )
        arrived = set(sandbox.messages()["To"].str.lower())
    got = results.loc[results["status"] == "accepted", "email"].str.lower()
    assert arrived == set(got)
    assert results.index.equals(PEOPLE.index)
    skipped = results[results["status"] == "skipped"]
    assert set(skipped["reason"]) <= {"excluded"}
    return results["status"].to_dict()


ACCEPTED = {"a": "accepted", "b": "accepted", "c": "accepted", "d": "invalid"}
NOT_A = ACCEPTED | {"a": "skipped"}
NOT_A_D = NOT_A | {"d": "skipped"}


@pytest.mark.parametrize(
    ("exclude", "expected"),
    [
        (None, ACCEPTED),
        ([], ACCEPTED),
        ("ann@example.com", NOT_A),
        (["Ann Lee <ANN@Example.COM> "], NOT_A),
        (["001", None, float("nan"), pd.NA, "  "], NOT_A),
        ({"001", "004"}, NOT_A_D),
        (("ann@example.com", "004"), NOT_A_D),
        ((one for one in ["001"]), NOT_A),
        (pd.Series(["001", "004"]), NOT_A_D),
        (pd.Index(["001"]), NOT_A),
        (np.array(["001", "004"]), NOT_A_D),
        (PEOPLE["id"].isin(["001", "004"]), NOT_A_D),
        (PEOPLE["id"].eq("001").astype("boolean"), NOT_A),
        (np.array([True, False, False, True]), NOT_A_D),
        ([True, False, False, False], NOT_A),
        (PEOPLE["id"].eq("001").astype(object), NOT_A),
        (PEOPLE["id"].eq("001").astype("category"), NOT_A),
        (pd.Series([None, "001"], dtype="category"), NOT_A),
        (PEOPLE.loc[["a", "d"]], NOT_A_D),
        (PEOPLE.loc[["a"], ["email"]], NOT_A),
        (pd.DataFrame({"name": ["Ann"], "EmailAddress": ["ann@example.com"]}), NOT_A),
        (PEOPLE.loc[["a"]].rename(columns={"id": "customer"}), NOT_A),
        (PEOPLE.iloc[:0], ACCEPTED),
        (PEOPLE.set_index("id").iloc[[0]][[]], NOT_A),
        (
            pd.DataFrame({"id": ["004", None], "email": ["x@example.com", "ann@example.com"]}),
            NOT_A_D,
        ),
        (["ann\uff20example.com", "004"], NOT_A_D),
        (pd.Series(["004"], name="Ann@example.com"), NOT_A_D),
        (pd.DataFrame({"Ann@example.com": ["004"]}), NOT_A_D),
    ],
)
def test_rows_are_named_in_many_ways(exclude, expected):
    """By address, by key, in a frame, or by a truth value; the rows stay in the results."""
    assert statuses(exclude, ledger=None) == expected


TWINS = pd.DataFrame(
    {"id": [7, 7, 8], "email": ["a@example.com", "a@example.com", "b@example.com"]}
)


@pytest.mark.parametrize("key", [None, "id"])
@pytest.mark.parametrize("keep", ["first", "last"])
def test_a_row_that_is_left_out_is_no_duplicate(tmp_path, key, keep):
    """Of two rows with one key or recipient the other gets the message, and gets it once."""
    others = TWINS["id"].duplicated(keep=keep)
    twins, ledger = campaign(TWINS, key=key), tmp_path / "l"
    assert "1 blocked" in str(twins.plan())
    assert "2 messages" in str(twins.plan(exclude=others))
    assert "0 blocked" in str(twins.plan(exclude=others))
    with mf.Sandbox(in_process=True) as sandbox:
        server = sandbox.server
        twins.send(server, exclude=others, ledger=ledger, progress=False, limit=1)
        results = twins.send(server, exclude=others, ledger=ledger, progress=False)
        again = twins.send(server, exclude=~others, ledger=ledger, progress=False)
        assert sandbox.messages()["To"].tolist() == ["a@example.com", "b@example.com"]
    assert results.loc[~others, "MessageID"].notna().all()
    assert again["reason"].isin(["already_sent", "excluded"]).all()


@pytest.mark.parametrize("ending", ["csv", "parquet"])
@pytest.mark.parametrize("columns", [["id", "email"], ["email"], ["id"]])
def test_a_file_names_rows(tmp_path, ending, columns):
    """Its keys stay text, so leading zeros count."""
    path = tmp_path / f"do not mail.{ending}"
    frame = PEOPLE.loc[["a"], columns]
    frame.to_csv(path, index=False) if ending == "csv" else frame.to_parquet(path, index=False)
    assert statuses(path, ledger=None) == statuses(str(path), ledger=None) == NOT_A


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("\ufeffid,email\n001,x@example.com\n", NOT_A),
        ("id;name\n001;Ann, Lee\n", NOT_A),
        ('"id"\t"a,b"\n001\tAnn\n', NOT_A),
        ("ann@example.com\n004\n", NOT_A_D),
        ("001\n004\n", NOT_A_D),
        ("id,email\n", ACCEPTED),
    ],
)
def test_a_csv_may_have_no_header_or_another_separator(tmp_path, content, expected):
    """The first line of one column is also a value, so that nobody gets mail as a header."""
    path = tmp_path / "do_not_mail.csv"
    path.write_text(content, encoding="utf-8")
    assert statuses(path, ledger=None) == expected


def test_a_comma_at_the_end_of_each_row_moves_no_cell(tmp_path):
    """Pandas would take the first column as the index."""
    path = tmp_path / "do_not_mail.csv"
    path.write_text("id,name\n001,Ann,\n", encoding="utf-8")
    assert statuses(path, ledger=None) == NOT_A
    path.write_text("id,name\n001,Ann,x\n", encoding="utf-8")
    with pytest.warns(pd.errors.ParserWarning, match="loss of data"):
        assert statuses(path, ledger=None) == NOT_A


@pytest.mark.parametrize("content", ["id,name\n001,J\xf6rg\n".encode("cp1252"), b""])
def test_a_file_that_cannot_be_read_is_refused(tmp_path, content):
    """It is in another encoding, or empty."""
    path = tmp_path / "do_not_mail.csv"
    path.write_bytes(content)
    with pytest.raises(MailframeError, match=r"do_not_mail.csv (is not UTF-8|could not be read)"):
        statuses(path, ledger=None)


@pytest.mark.parametrize(
    ("exclude", "left_out"),
    [
        (["@ann"], ["@ann"]),
        (pd.DataFrame({"id": ["@ann", "bob@team"]}), ["@ann", "bob@team"]),
        (["AbC"], ["AbC"]),
    ],
)
def test_a_key_may_look_like_an_address_or_like_another_key(exclude, left_out):
    """The exact key counts; what is like it is refused only if no row has the key itself."""
    people = PEOPLE.assign(id=["@ann", "bob@team", "AbC", "abc"])
    results = campaign(people).plan(exclude=exclude)
    assert results.skipped.get("excluded", 0) == len(left_out)
    with pytest.raises(MailframeError, match="not a valid email address"):
        campaign().plan(exclude=exclude if "AbC" not in left_out else ["AbC", "x@"])


@pytest.mark.parametrize("field", ["cc", "bcc", "to"])
@pytest.mark.parametrize("row", [0, 2])
def test_an_excluded_address_gets_no_copy(tmp_path, field, row):
    """Also not in the message of another row, of a campaign and of a dataset."""
    people = PEOPLE.iloc[:3].assign(copy=["", "", ""]).reset_index(drop=True)
    people.loc[row, "copy"] = "Max@example.com"
    fields = {"to": "{{ email }}", "subject": "Hi", "text_body": "Hi", "sender": "me@acme.example"}
    fields[field] = ["{{ email }}", "{{ copy }}"] if field == "to" else "{{ copy }}"
    sending = people.mail.compose(**fields, name="spring", key="id")
    letter = mf.Letter(**fields)
    mf.write_messages(people, letter, tmp_path / "messages", key="id")
    for one in (sending, mf.messages(tmp_path / "messages", name="spring")):
        with mf.Sandbox(in_process=True) as sandbox:
            with pytest.raises(MailframeError, match=f"in {field.title()} of id 00{row + 1}"):
                one.send(sandbox.server, exclude=["max@example.com"], ledger=None)
            with pytest.raises(MailframeError, match=r"in .* of id"):
                one.plan(exclude=["max@example.com"])
            mask = (people["copy"] != "").to_numpy()
            assert one.plan(exclude=mask).skipped.get("excluded", 0) == 1
            assert sandbox.requests().empty


@pytest.mark.parametrize(
    ("exclude", "key", "text"),
    [
        (["1"], "id", "'1', and the frame has it in another spelling"),
        ([1], "id", "leading zeros"),
        (["bob@"], "id", "'bob@' is not a valid email address"),
        (["a@example.com, b@example.com"], "id", "exclude has"),
        ([1.5], "id", "1.5 is not a whole number"),
        ([True, "001"], "id", "True and False"),
        ([("001", "x")], "id", "the key has 1 columns"),
        (["001"], ["id", "email"], "the key has 2 columns: id, email"),
        (["001"], None, "'001', which is not an email address, and the campaign has no key"),
        ([7], None, "7, which is not an email address"),
        (7, "id", "not a int"),
        ({"a": 1}, "id", "not a dict"),
        (b"ann@example.com", "id", "not a bytes"),
        ([True, False], "id", "2 truth values for 4 rows"),
        (pd.Series([True] * 4), "id", "another index"),
        (pd.Series([True, None, True, True], list("abcd"), dtype="boolean"), "id", "missing"),
        ([True, None, False, False], "id", "missing"),
        (pd.Series([True, None, True, True], list("abcd")), "id", "missing"),
        ([1, 0, 0, 1], "id", "a 0 or a 1 for each row"),
        (pd.Series([1, None, 0, 1], dtype=object), "id", "a 0 or a 1 for each row"),
        ([("001",), ("001", "x"), ("002",), ("003",)], "id", "the key has 1 columns"),
        (np.array(7), "id", "0 dimensions"),
        (PEOPLE.assign(To="x").drop(columns="id"), "id", "no column that is certainly the key"),
        (pd.DataFrame({"a": [1], "b": [2]}), None, "no column that is certainly the address"),
        ("nobody.csv", "id", "nobody.csv could not be read"),
        ("https://example.com/a.csv", "id", "not the URL"),
        ("do_not_mail.xlsx", "id", "a .csv or .parquet file"),
        (" ", "id", "an empty text"),
        (["ann@"], "email", "'ann@' is not a valid email address"),
        (np.array([[True]] * 4), "id", "not one column"),
        (np.array(True), "id", "not one column"),
        (np.array([["001"]]), "id", "2 dimensions"),
        (pd.Series([2.0**25], dtype="float32"), "id", "several whole numbers become one"),
    ],
)
def test_what_names_nobody_for_certain_is_refused(exclude, key, text):
    """Nothing is sent, because someone would get mail by mistake."""
    with mf.Sandbox(in_process=True) as sandbox:
        for act in (
            lambda: campaign(key=key).send(sandbox.server, exclude=exclude, ledger=None),
            lambda: campaign(key=key).plan(exclude=exclude),
        ):
            with pytest.raises(MailframeError, match=text):
                act()
        assert sandbox.requests().empty


def test_a_list_of_others_is_noticed():
    """It may be of another column; a list that names nobody is none."""
    with pytest.warns(MailframeWarning, match="exclude names no row"):
        assert statuses(["someone@example.com"], ledger=None) == ACCEPTED
    with pytest.warns(MailframeWarning, match="exclude names no row"):
        assert statuses([None, ""], ledger=None) == ACCEPTED


@pytest.mark.parametrize("exclude", [["003", "004"], ["zoe@example.com", "004"]])
def test_errors_of_excluded_rows_stop_nothing(tmp_path, exclude):
    """They are not to be sent, whether a key or an address names them."""
    people = PEOPLE.assign(name=["Ann", "Bob", None, "D"])
    fields = {"sender": "me@acme.example", "to": "{{ email }}", "text_body": "Hi"}
    letter = mf.Letter(**fields, subject="Hi {{ name }}")
    mf.write_messages(people, letter, tmp_path / "messages", key="id")
    for one in (
        people.mail.compose(letter, name="spring", key="id"),
        mf.messages(tmp_path / "messages", name="spring"),
    ):
        with mf.Sandbox(in_process=True) as sandbox:
            results = one.send(sandbox.server, exclude=exclude, ledger=None, progress=False)
        assert results["status"].tolist() == ["accepted"] * 2 + ["skipped"] * 2


def test_the_plan_counts_them():
    """In its text, its repr and in the notebook; the sizes are of the rest."""
    plan = campaign().plan(exclude=["001", "004"])
    assert (plan.messages, plan.skipped, plan.blocked_rows, plan.blocked) == (
        2,
        {"excluded": 2},
        0,
        {},
    )
    assert plan.bytes < campaign().plan().bytes
    assert "; 0 blocked; 2 excluded" in str(plan)
    assert "2 skipped: 2 excluded" in repr(plan)
    assert "excluded" in plan._repr_html_()
    assert "excluded" not in repr(campaign().plan())


def test_an_approval_stays_valid():
    """It is of what may be sent; leaving people out sends nothing else."""
    sending = campaign()
    kept = statuses(["001"], sending=sending, approved=sending.fingerprint, ledger=None)
    assert kept == NOT_A
    with pytest.raises(NotApproved) as raised:
        statuses(["001"], sending=sending, approved="0" * 20, ledger=None)
    assert raised.value.results["status"].tolist() == ["skipped", "unsent", "unsent", "invalid"]


def test_the_history_of_a_row_outlives_its_exclusion(tmp_path):
    """Who got the mail earlier keeps its MessageID; later, the same row is sent."""
    ledger = tmp_path / "ledger.db"
    with mf.Sandbox(in_process=True, suppressions=["bob@example.com"]) as sandbox:

        def send(exclude=None) -> pd.DataFrame:
            results = campaign().send(
                sandbox.server,
                exclude=exclude,
                ledger=ledger,
                on_invalid="skip",
                progress=False,
                check_suppressed=False,
            )
            return results.reset_index(drop=True)

        first = send(["003"])
        assert first["status"].tolist() == ["accepted", "rejected", "skipped", "invalid"]
        again = send(["001", "002", "003"])
        assert again["reason"].tolist()[:3] == ["already_sent", "excluded", "excluded"]
        assert again["MessageID"][0] == first["MessageID"][0]
        assert len(sandbox.messages()) == 1
        last = send()
        assert last["status"].tolist() == ["skipped", "rejected", "accepted", "invalid"]
        assert len(sandbox.messages()) == 2


def test_excluded_rows_are_not_absent_rows(tmp_path, recwarn):
    """They were planned by a run that stopped at its limit, and are still in the frame."""
    with mf.Sandbox(in_process=True) as sandbox:
        options = {"ledger": tmp_path / "ledger.db", "on_invalid": "skip", "progress": False}
        campaign().send(sandbox.server, limit=1, **options)
        results = campaign().send(sandbox.server, exclude=["003"], **options)
    assert results["status"].tolist() == ["skipped", "accepted", "skipped", "invalid"]
    assert [str(one.message) for one in recwarn] == []


def test_a_dry_run_leaves_them_out(tmp_path):
    """Its counts are those of the send."""
    with mf.Sandbox(in_process=True) as sandbox:
        results = campaign().send(
            sandbox.server,
            exclude=["001"],
            dry_run=True,
            ledger=tmp_path / "ledger.db",
            on_invalid="skip",
            progress=False,
        )
        assert results["status"].tolist() == ["skipped", "unsent", "unsent", "invalid"]
        assert sandbox.messages().empty


def test_the_command_line_takes_a_file(tmp_path):
    """And counts who is left out."""
    folder = desk(tmp_path)
    (folder / "others.csv").write_text("id\nA1\n", encoding="utf-8")
    campaign_options = ("letter", "people.csv", "--name", "spring", "--key", "id")
    with mf.Sandbox() as sandbox:
        members = facts(
            *("send", *campaign_options, "--live", "--base-url", sandbox.url),
            *("--ledger", "ledger.db", "--exclude", "others.csv"),
            cwd=folder,
        )
        assert sandbox.messages()["To"].tolist() == ["bob@example.com"]
    assert (members["statuses"]["accepted"], members["statuses"]["skipped"]) == (1, 1)


@settings(deadline=None, max_examples=12)
@given(
    left_out=st.sets(st.integers(0, 29)),
    by=st.sampled_from(["key", "address", "frame", "mask"]),
    order=st.permutations(range(30)),
)
def test_exclusion_and_resuming_commute(left_out, by, order):
    """However rows are named and ordered: nobody of the list gets mail, everybody else gets one."""
    people = pd.DataFrame({"id": range(30), "email": [f"p{n}@example.com" for n in range(30)]})
    shuffled = people.iloc[list(order)]
    chosen = shuffled[shuffled["id"].isin(left_out)]
    exclude = {
        "key": chosen["id"].tolist(),
        "address": chosen["email"],
        "frame": chosen,
        "mask": shuffled["id"].isin(left_out),
    }[by]
    with mf.Sandbox(in_process=True) as sandbox, tempfile.TemporaryDirectory() as folder:
        for limit in (7, None):
            results = campaign(shuffled).send(
                sandbox.server,
                exclude=exclude,
                limit=limit,
                ledger=Path(folder) / "ledger.db",
                progress=False,
            )
        arrived = sandbox.messages()["To"].tolist()
    assert sorted(arrived) == sorted(set(people["email"]) - set(chosen["email"]))
    is_excluded = (results["reason"] == "excluded").tolist()
    assert is_excluded == shuffled["id"].isin(left_out).tolist()
