"""Results come back in the caller's kind of frame, and a campaign goes on with another kind."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import mailframe as mf
from mailframe.results.frame import COLUMNS
from tests.frame_kinds import KINDS, RESULTS, connect, records

if TYPE_CHECKING:
    from collections.abc import Callable

BIG = 1152921504606846977
LETTER: dict[str, Any] = {
    "sender": "me@acme.example",
    "to": "{{ email }}",
    "subject": "Hi",
    "text_body": "{{ id }} {{ price }} {{ tags | join }}",
}
ROWS = pa.table(
    {
        "email": ["a@acme.example", "b@acme.example", "c@acme.example", "d@acme.example"],
        "id": [BIG, BIG + 1, BIG + 2, BIG + 3],
        "price": [Decimal("1.10")] * 4,
        "tags": [["a"], ["b"], [], ["c", "d"]],
        "status": ["gold", None, "", "x"],
    }
)


@pytest.fixture
def sandbox() -> Any:
    """A sandbox without a socket."""
    with mf.Sandbox(in_process=True) as started:
        yield started


def compose(frame: Any) -> mf.Campaign[Any]:
    """A campaign over a frame of any kind."""
    return mf.compose(frame, name="kinds", key="id", **LETTER)


@pytest.mark.parametrize("kind", KINDS)
def test_results_are_of_the_callers_kind(kind, sandbox):
    """Rows, order and columns are the caller's; a column that is taken gets another name."""
    campaign = compose(KINDS[kind](ROWS))
    results = campaign.send(sandbox.server, limit=3, progress=False)
    assert isinstance(results, RESULTS[kind])
    rows = records(results)
    names = ["mail_status" if name == "status" else name for name in COLUMNS]
    assert list(rows[0]) == [*ROWS.column_names, *names]
    assert [{name: row[name] for name in ROWS.column_names} for row in rows] == ROWS.to_pylist()
    assert [row["mail_status"] for row in rows] == ["accepted"] * 3 + ["unsent"]
    assert [row["MessageID"] for row in rows[:3]] == sandbox.messages()["MessageID"].tolist()
    assert rows[0]["SubmittedAt"].utcoffset() == dt.timedelta(0)
    assert (rows[0]["ErrorCode"], rows[3]["ErrorCode"], rows[3]["MessageID"]) == (0, None, None)
    tests = campaign.send_test(sandbox.server, to="me@acme.example", rows=[2, 0])
    assert isinstance(tests, RESULTS[kind])
    assert [row["id"] for row in records(tests)] == [BIG + 2, BIG]


@pytest.mark.parametrize("kind", ["polars", "pyarrow", "duckdb"])
def test_errors_and_warnings_have_results_of_the_callers_kind(kind, sandbox):
    """``InvalidRows`` also has the problems; nothing was sent."""
    frame = KINDS[kind](
        ROWS.set_column(0, "email", pa.array(["a@acme.example", "b@", None, "d@acme.example"]))
    )
    with pytest.raises(mf.errors.InvalidRows) as caught:
        compose(frame).send(sandbox.server, progress=False)
    assert isinstance(caught.value.results, RESULTS[kind])
    assert isinstance(caught.value.problems, RESULTS[kind])
    assert [row["mail_status"] for row in records(caught.value.results)] == [
        "unsent",
        "invalid",
        "invalid",
        "unsent",
    ]
    assert sandbox.messages().empty


def test_a_campaign_goes_on_with_frames_of_other_kinds(sandbox):
    """Each sends one message more, and none has changed."""
    for done, kind in enumerate(("duckdb", "polars", "pandas", "pyarrow")):
        frame = KINDS[kind](ROWS)
        results = records(compose(frame).send(sandbox.server, limit=1, progress=False))
        assert [row["reason"] for row in results[:done]] == ["already_sent"] * done
        assert results[done]["mail_status"] == "accepted"
        assert not any(row["changed"] for row in results)
    assert sandbox.messages()["To"].tolist() == ROWS["email"].to_pylist()


def test_columns_of_polars_keep_their_types(sandbox):
    """They are not converted: not ``Enum``, nor a categorical column, nor a time zone."""
    frame = pl.DataFrame(
        {"email": ["a@acme.example"], "id": [1], "price": [1], "tags": [["x"]]}
    ).with_columns(
        plan=pl.lit("team").cast(pl.Enum(["free", "team"])),
        kind=pl.lit("a").cast(pl.Categorical),
        at=pl.lit(dt.datetime(2026, 1, 2)).dt.replace_time_zone("Europe/Oslo"),  # noqa: DTZ001 - given next
        raw=pl.lit(b"x"),
    )
    results = compose(frame).send(sandbox.server, progress=False)
    assert results.select(frame.columns).equals(frame)
    assert results.select(frame.columns).schema == frame.schema
    assert results.schema["SubmittedAt"] == pl.Datetime("ns", "UTC")
    assert results.filter(pl.col("status") == "accepted").height == 1


def test_results_of_a_relation_are_on_its_connection(sandbox):
    """They join tables of the caller, until the connection is closed; then they are on another."""
    connection = duckdb.connect()
    connection.sql("CREATE TABLE plans AS SELECT 'a@acme.example' AS email, 'team' AS plan")
    people = connection.sql(
        "SELECT email, 1152921504606846977 AS id, 1.5 AS price, ['x'] AS tags FROM plans"
    )
    campaign = compose(people)
    results = campaign.send(sandbox.server, progress=False)  # noqa: F841 - the query reads it
    joined = connection.sql("SELECT plan, status FROM results JOIN plans USING (email)")
    assert joined.fetchall() == [("team", "accepted")]
    connection.close()
    again = campaign.send(sandbox.server, progress=False)
    assert [row["reason"] for row in records(again)] == ["already_sent"]


def test_a_frame_of_pandas_with_arrow_dtypes_keeps_them(sandbox):
    """And its index."""
    frame = KINDS["pandas"](ROWS).set_index(pd.Index([7, 7, 5, 1], name="label"))
    results = compose(frame).send(sandbox.server, progress=False)
    pd.testing.assert_frame_equal(pd.DataFrame(results[list(frame.columns)]), frame)


IN_PANDAS: dict[str, Callable[[Any], pd.DataFrame]] = {
    "polars": lambda results: results.to_pandas(use_pyarrow_extension_array=True),
    "polars as Arrow": lambda results: pa.table(results).to_pandas(types_mapper=pd.ArrowDtype),
    "pyarrow": lambda results: results.to_pandas(types_mapper=pd.ArrowDtype),
    "duckdb": lambda results: results.to_arrow_table().to_pandas(types_mapper=pd.ArrowDtype),
    "narwhals of polars": lambda results: IN_PANDAS["polars"](results.to_native()),
}
"""How the documentation makes DataFrames of pandas of results; polars gives texts as views."""


@pytest.mark.parametrize("way", IN_PANDAS)
def test_results_of_every_kind_have_the_methods_of_pandas(way, sandbox, tmp_path):
    """With texts of a view, whose rows pandas cannot choose; ids stay exact."""
    emails = pa.array(["a@acme.example", "b@", None, "d@acme.example"])
    frame = KINDS[way.removesuffix(" as Arrow")](ROWS.set_column(0, "email", emails))
    results = IN_PANDAS[way](
        compose(frame).send(sandbox.server, on_invalid="skip", ledger=None, progress=False)
    )
    assert results.mail.summary()["rows"].tolist() == [2, 1, 1]
    assert results.mail.failed()["id"].tolist() == [BIG + 1, BIG + 2]
    assert results.mail.by("price")["accepted"].tolist() == [2]
    results.mail.to_csv(tmp_path / "results.csv")
    results.mail.to_parquet(tmp_path / "results.parquet")
    for name in ("results.csv", "results.parquet"):
        read = mf.read_results(tmp_path / name)
        assert read.mail.accepted()["id"].tolist() == [BIG, BIG + 3]


@pytest.mark.parametrize(
    "cells",
    [
        pa.array(["a", "b", None, "d"], pa.string_view()),
        pa.array([2**31 - 1, 0, None, 1], pa.int32()).cast(pa.date32()),
        pa.array([[1], [], None, [2]], pa.list_view(pa.int64())),
    ],
    ids=["texts of a view", "infinite date", "list view"],
)
def test_columns_that_pandas_cannot_use_come_back_as_they_were(cells, sandbox):
    """In frames of pandas, and they are shown."""
    frame = KINDS["pandas"](ROWS).assign(
        v=pd.Series(pd.arrays.ArrowExtensionArray(pa.chunked_array([cells])))
    )
    results = compose(frame).send(sandbox.server, limit=1, progress=False)
    assert results.dtypes["v"] == frame.dtypes["v"]
    assert pa.array(results["v"].array).equals(pa.array(frame["v"].array))
    assert "1 accepted" in repr(results)
    assert "1 accepted" in results._repr_html_()
    assert results.mail.accepted().index.tolist() == [0]


def test_names_of_duckdb_have_no_case(sandbox):
    """A column of results beside one that differs in case has the name that it has everywhere."""
    people = connect().sql("SELECT 'a@acme.example' AS email, 1 AS STATUS, 2 AS id")
    campaign = mf.compose(people, name="case", **LETTER | {"text_body": "x"})
    results = campaign.send(sandbox.server, progress=False)
    assert results.columns[:5] == ["email", "STATUS", "id", "mail_status", "reason"]


@pytest.mark.parametrize("kind", ["polars", "pyarrow", "duckdb"])
def test_rows_may_be_named_by_frames_and_columns_of_the_library(kind, sandbox):
    """``exclude`` takes a frame or a mask, ``resend`` and ``key`` a column, ``rows`` a mask."""
    campaign = compose(KINDS[kind](ROWS))
    wanted = pa.table({"id": [BIG + 1], "mask": [None]})
    results = campaign.send(
        sandbox.server, exclude=KINDS[kind](wanted.select(["id"])), progress=False
    )
    assert [row["reason"] for row in records(results)] == [None, "excluded", None, None]
    column = pl.Series([BIG + 2]) if kind == "polars" else pa.array([BIG + 2])
    mask = pa.array([True, False, False, False])
    mask = pl.Series(mask) if kind == "polars" else pa.chunked_array([mask])
    again = campaign.send(sandbox.server, resend=column, exclude=mask, progress=False)
    assert [row["mail_status"] for row in records(again)] == [
        "skipped",
        "accepted",
        "accepted",
        "skipped",
    ]
    for given in ({"rows": mask}, {"key": column}):
        tests = campaign.send_test(sandbox.server, to="me@acme.example", **given)
        assert [row["id"] for row in records(tests)] == [BIG if "rows" in given else BIG + 2]


@pytest.mark.parametrize(
    "column", [pl.Series([True, None, True, False]), pa.array([True, None, True, False])]
)
def test_columns_of_other_libraries_say_who_gets_which_letter(column, sandbox):
    """Consent, the holdout and the variant."""
    frame, held = pl.from_arrow(ROWS), pl.Series([False, False, True, True])
    campaign = mf.compose(
        frame,
        **LETTER,
        name="kinds",
        key="id",
        consent=column,
        holdout=held,
        variants={"a": {}, "b": {"subject": "Ho"}},
        variant=pa.array(["b", "a", "a", "a"]),
    )
    results = campaign.send(sandbox.server, ledger=None, progress=False)
    assert results["reason"].to_list() == [None, "no_consent", "holdout", "no_consent"]
    assert sandbox.messages()["Subject"].tolist() == ["Ho"]
