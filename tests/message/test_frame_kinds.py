"""Frames of polars, pyarrow, DuckDB and others are composed exactly, without a detour by pandas."""

from __future__ import annotations

import datetime as dt
import gc
import pickle
import subprocess
import sys
import uuid
from decimal import Decimal
from typing import Any

import duckdb
import narwhals as nw
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.dataset as ds
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mailframe as mf
from tests.composing import codes
from tests.frame_kinds import KINDS, RESULTS, Exporter, connect, records

BIG = 1152921504606846977
"""2**60 + 1, which no float64 has."""
FIELDS: dict[str, Any] = {"sender": "me@acme.example", "to": "{{ email }}", "subject": "Hi"}


def table(**columns: Any) -> pa.Table:
    """A table with addresses and some columns, each an array."""
    rows = max(map(len, columns.values()), default=2)
    emails = [f"p{row}@acme.example" for row in range(rows)]
    return pa.table({"email": emails, **columns})


def texts(frame: Any, template: str) -> list[str | None]:
    """What a template prints in each row of a frame."""
    campaign = mf.compose(frame, text_body=template, **FIELDS)
    return [row["TextBody"] for row in records(campaign.messages())]


def printed(cells: pa.Array | pa.ChunkedArray, template: str = "{{ v }}") -> list[str | None]:
    """What a template prints of the cells of a column, which is missing in the rows without."""
    return texts(table(v=cells), "x" + template)


# --- what is taken -------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_taken_and_gives_frames_of_its_kind(kind):
    """With whole numbers that no float has, lists, structs and missing values."""
    rows = table(
        id=pa.array([BIG, None]),
        tags=pa.array([["a", "b"], None]),
        plan=pa.array([{"name": "team", "seats": 3}, None]),
    )
    template = (
        "{{ id | default('-') }} {{ tags | default([]) | join('+') }} {% if plan %}"
        "{{ plan.name }} {{ plan.seats }}{% endif %}"
    )
    campaign = mf.compose(KINDS[kind](rows), text_body=template, name="kinds", **FIELDS)
    messages, problems = campaign.messages(), campaign.problems()
    assert isinstance(messages, RESULTS[kind])
    assert isinstance(problems, RESULTS[kind])
    assert [row["TextBody"] for row in records(messages)] == [f"{BIG} a+b team 3", "-  "]
    assert [row["detail"] for row in records(problems)] == []
    chunks = list(campaign.messages(chunk_rows=1))
    assert [type(chunk) for chunk in chunks] == [type(messages)] * 2
    if "narwhals" not in kind:  # some versions of narwhals cannot be pickled
        copied = pickle.loads(pickle.dumps(campaign))  # noqa: S301 - our own
        assert copied.fingerprint == campaign.fingerprint
    assert repr(campaign) == "<Campaign 'kinds': 2 rows, subject 'Hi'>"


@pytest.mark.parametrize(
    ("thing", "kind", "how"),
    [
        (pl.LazyFrame({"a": [1]}), "polars.LazyFrame", "df.collect()"),
        (nw.from_native(pl.LazyFrame({"a": [1]})), "narwhals.LazyFrame", "df.collect()"),
        (pl.Series("a", [1]), "polars.Series", "series.to_frame()"),
        (pl.DataFrame({"a": [1]}).group_by("a"), "polars.GroupBy", "df.group_by("),
        (pa.array([{"a": 1}]), "pyarrow.StructArray", "pa.table({'email': array})"),
        (pa.chunked_array([[1]]), "pyarrow.ChunkedArray", "pa.table({'email': array})"),
        (ds.dataset(pa.table({"a": [1]})), "pyarrow.InMemoryDataset", "dataset.to_table()"),
        (ds.dataset(pa.table({"a": [1]})).scanner(), "pyarrow.Scanner", "scanner.to_table()"),
        (duckdb.connect(), "duckdb.DuckDBPyConnection", "connection.sql("),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_has_no_rows_yet_says_how_to_get_them(thing, kind, how):
    """Nothing is collected or read in silence."""
    with pytest.raises(mf.errors.NotAFrame) as caught:
        mf.compose(thing, text_body="x", **FIELDS)
    text = str(caught.value)
    assert text.startswith(
        "compose takes a DataFrame of pandas or polars, a pyarrow Table or a Duck"
    )
    assert f"not a {kind}; make it one with " in text
    assert how in text


def test_a_stream_of_one_column_is_no_frame():
    """The interface is that of a table, and its rows are no structs."""
    with pytest.raises(mf.errors.FrameError, match=r"cannot be read as Arrow"):
        mf.compose(Exporter(pa.chunked_array([[1]])), text_body="x", **FIELDS)


@pytest.mark.parametrize(
    ("module", "frame", "extra"),
    [
        ("polars", "polars.DataFrame({'email': ['a@acme.example']})", "polars"),
        ("duckdb", "duckdb.sql('SELECT 1 AS email')", "duckdb"),
    ],
)
def test_without_pyarrow_the_error_has_the_command_that_installs_it(module, frame, extra):
    """Polars and DuckDB do not need it themselves."""
    script = f"""
import sys
sys.modules["pyarrow"] = None
import {module}, mailframe as mf
try:
    mf.compose({frame}, sender="me@acme.example", to="a@acme.example", text_body="x")
except mf.errors.MissingExtra as error:
    print(error)
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert f'pip install "mailframe[{extra}]"' in done.stdout, done.stderr


def test_a_campaign_of_pandas_imports_no_other_library():
    """Nor does the refusal of what is no frame."""
    script = """
import sys, pandas as pd, mailframe as mf
people = pd.DataFrame({"email": ["a@acme.example"]})
campaign = mf.compose(people, sender="me@acme.example", to="{{ email }}", text_body="x")
campaign.problems(), campaign.messages()
try:
    mf.compose([], sender="me@acme.example", to="{{ email }}", text_body="x")
except mf.errors.NotAFrame:
    print([name for name in ("polars", "duckdb", "narwhals") if name in sys.modules])
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert done.stdout == "[]\n", done.stderr


# --- types ---------------------------------------------------------------------------------------

STAMP = dt.datetime(2026, 1, 2, 3, 4, 5)  # noqa: DTZ001 - a time without a zone
TYPES: dict[str, tuple[pa.Array | pa.ChunkedArray, str, list[str | None]]] = {
    "int64 with gaps": (pa.array([BIG, None]), "{{ v }}", [f"x{BIG}", None]),
    "int64": (pa.array([BIG, -BIG]), "{{ v }}", [f"x{BIG}", f"x-{BIG}"]),
    "uint64": (pa.array([2**64 - 1, None], pa.uint64()), "{{ v }}", [f"x{2**64 - 1}", None]),
    "int8 with gaps": (pa.array([-1, None], pa.int8()), "{{ v }}", ["x-1", None]),
    "whole floats": (pa.array([5.0, None]), "{{ v }}", ["x5", None]),
    "floats with NaN": (pa.array([0.1, float("nan")]), "{{ v }}", ["x0.1", None]),
    "float32": (pa.array([0.1, None], pa.float32()), "{{ v }}", ["x0.1", None]),
    "float16": (pa.array(np.array([0.5, 1.5], np.float16)), "{{ v }}", ["x0.5", "x1.5"]),
    "bool with gaps": (
        pa.array([True, None]),
        "{{ 'yes' if v else 'no' if v == false else '-' }}",
        ["xyes", "x-"],
    ),
    "string": (pa.array(["Zoë", None]), "{{ v }}", ["xZoë", None]),
    "large_string": (pa.array(["", None], pa.large_string()), "{{ v }}", ["x", None]),
    "string_view": (pa.array(["a", None], pa.string_view()), "{{ v }}", ["xa", None]),
    "null": (pa.nulls(2), "{{ v | default('-') }}", ["x-", "x-"]),
    "decimal128": (pa.array([Decimal("1.10"), None]), "{{ v }}", ["x1.10", None]),
    "decimal256": (
        pa.array([Decimal("1.10"), None], pa.decimal256(60, 2)),
        "{{ v }}",
        ["x1.10", None],
    ),
    "date32": (pa.array([STAMP.date(), None]), "{{ v }}", ["x2026-01-02", None]),
    "date64": (pa.array([STAMP.date(), None], pa.date64()), "{{ v }}", ["x2026-01-02", None]),
    "timestamp": (pa.array([STAMP, None]), "{{ v.hour }}", ["x3", None]),
    "timestamp ns": (pa.array([STAMP, None], pa.timestamp("ns")), "{{ v.hour }}", ["x3", None]),
    "timestamp with a zone": (
        pa.array([STAMP, None], pa.timestamp("us", "Europe/Oslo")),
        "{{ v }}",
        ["x2026-01-02 04:04:05 CET", None],
    ),
    "timestamp with an offset": (
        pa.array([STAMP, None], pa.timestamp("s", "+05:30")),
        "{{ v.hour }}",
        ["x8", None],
    ),
    "duration": (pa.array([dt.timedelta(days=2), None]), "{{ v.days }}", ["x2", None]),
    "time": (pa.array([STAMP.time(), None], pa.time64("ns")), "{{ v }}", ["x03:04:05", None]),
    "dictionary": (pa.array(["team", None]).dictionary_encode(), "{{ v }}", ["xteam", None]),
    "dictionary of floats": (pa.array([5.0, None]).dictionary_encode(), "{{ v }}", ["x5", None]),
    "run ends": (pa.RunEndEncodedArray.from_arrays([1, 2], ["a", None]), "{{ v }}", ["xa", None]),
    "list": (pa.array([["a", "b"], None]), "{{ v | join('+') }}", ["xa+b", None]),
    "list of views": (
        pa.array([["a"], None], pa.list_(pa.string_view())),
        "{{ v | join }}",
        ["xa", None],
    ),
    "list of dictionaries": (
        pa.array([["a"], None], pa.large_list(pa.dictionary(pa.int32(), pa.string()))),
        "{{ v | join }}",
        ["xa", None],
    ),
    "list view": (
        pa.array([[BIG], None], pa.list_view(pa.int64())),
        "{{ v[0] }}",
        [f"x{BIG}", None],
    ),
    "fixed list": (pa.array([[1, 2], None], pa.list_(pa.int64(), 2)), "{{ v[1] }}", ["x2", None]),
    "struct": (pa.array([{"a": BIG, "b": None}, None]), "{{ v.a }}", [f"x{BIG}", None]),
    "list of structs": (
        pa.array([[{"item": "tea", "price": Decimal("2.50")}], []]),
        "{% for one in v %}{{ one.item }} {{ one.price }}{% endfor %}",
        ["xtea 2.50", "x"],
    ),
    "map": (
        pa.array([[("lang", "de")], None], pa.map_(pa.string(), pa.string())),
        "{% for name, value in v %}{{ name }}={{ value }}{% endfor %}",
        ["xlang=de", None],
    ),
    "uuid": (
        pa.array([uuid.UUID(int=7).bytes, None], pa.uuid()),
        "{{ v }}",
        [f"x{uuid.UUID(int=7)}", None],
    ),
    "bool8": (
        pa.ExtensionArray.from_storage(pa.bool8(), pa.array([1, 0], pa.int8())),
        "{{ v }}",
        ["xyes", "xno"],
    ),
    "chunks": (pa.chunked_array([["a"], [], [None]]), "{{ v }}", ["xa", None]),
    "a slice": (pa.array(["z", "a", None, "z"]).slice(1, 2), "{{ v }}", ["xa", None]),
}


@pytest.mark.parametrize("name", TYPES)
def test_cells_of_every_type_are_exact(name):
    """As they are in Arrow: no float for a whole number, no array for a list, no "nan"."""
    cells, template, expected = TYPES[name]
    assert printed(cells, template) == expected


NOT_IN_PANDAS = {"uuid", "bool8"}
"""Types that not every version of pandas can use in a column."""


@pytest.mark.parametrize("name", sorted(TYPES.keys() - NOT_IN_PANDAS))
def test_a_frame_of_pandas_with_arrow_dtypes_prints_the_same(name):
    """The same columns, as ``types_mapper=pd.ArrowDtype`` makes them."""
    cells, template, expected = TYPES[name]
    cells = (
        pa.chunked_array(cells) if isinstance(cells, pa.ChunkedArray) else pa.chunked_array([cells])
    )
    frame = (
        table(v=pa.nulls(len(cells)))
        .to_pandas()
        .assign(v=pd.Series(pd.arrays.ArrowExtensionArray(cells)))
    )
    assert texts(frame, "x" + template) == expected


def test_types_of_polars_alone_are_exact():
    """Categories, enums, and times of polars."""
    frame = pl.DataFrame(
        {
            "email": ["a@acme.example", "b@acme.example"],
            "c": ["team", None],
            "t": [STAMP.time()] * 2,
        }
    ).with_columns(
        e=pl.col("c").cast(pl.Enum(["free", "team"])),
        c=pl.col("c").cast(pl.Categorical),
        many=pl.concat_list(pl.col("c").cast(pl.Categorical)),
    )
    template = "{{ c | default('-') }} {{ e | default('-') }} {{ t }} {{ many[0] | default('-') }}"
    assert texts(frame, template) == ["team team 03:04:05 team", "- - 03:04:05 -"]


def test_names_of_types_of_polars_are_only_names():
    """A category or a field may be called as a type is that Arrow does not have."""
    frame = pl.DataFrame({"email": ["a@acme.example"], "c": [{"Int128": 1}]}).with_columns(
        e=pl.lit("Object").cast(pl.Enum(["Object"]))
    )
    assert texts(frame, "{{ e }} {{ c.Int128 }}") == ["Object 1"]
    kind = type("People", (pl.DataFrame,), {})
    assert isinstance(mf.compose(kind(frame), text_body="x", **FIELDS).messages(), pl.DataFrame)


def test_types_of_duckdb_alone_are_exact():
    """Sums are HUGEINT, which ``relation.df()`` makes floats."""
    relation = connect().sql(
        f"SELECT 'a@acme.example' AS email, sum({BIG}) AS h, map {{'k': 'v'}} AS m, "
        "'7f000000-0000-0000-0000-000000000001'::UUID AS u, 'x'::ENUM('x') AS e, [1, 2] AS l, "
        "{'a': 1} AS s, 1.50::DECIMAL(9, 2) AS d, '{\"a\": 1}'::JSON AS j, NULL AS n"
    )
    template = "{{ h }} {{ m[0][1] }} {{ u }} {{ e }} {{ l[1] }} {{ s.a }} {{ d }} {{ j }}"
    assert texts(relation, template) == [
        f'{BIG} v 7f000000-0000-0000-0000-000000000001 x 2 1 1.50 {{"a": 1}}'
    ]


@pytest.mark.parametrize(
    ("cells", "code"),
    [
        (pa.array([10**12, None], pa.timestamp("s")), "unsupported_value"),
        (pa.array([10**15, None], pa.duration("s")), "unsupported_value"),
        (pa.array([b"x", None]), "unsupported_value"),
        (pa.array([2**31 - 1, None], pa.int32()).cast(pa.date32()), "unsupported_value"),
        (pa.array([[10**12], None], pa.list_(pa.timestamp("s"))), "unsupported_value"),
    ],
    ids=["year 33658", "long duration", "bytes", "infinite date", "list of the year 33658"],
)
@pytest.mark.parametrize("kind", ["pandas", "pyarrow"])
def test_a_cell_that_cannot_be_printed_is_a_problem_of_its_row(cells, code, kind):
    """The other row has its own problem, and nothing is raised."""
    frame = (
        KINDS[kind](table(v=cells))
        if kind == "pyarrow"
        else (
            table()
            .to_pandas()
            .assign(v=pd.Series(pd.arrays.ArrowExtensionArray(pa.chunked_array([cells]))))
        )
    )
    campaign = mf.compose(frame, text_body="{{ v }}", **FIELDS)
    assert [row["code"] for row in records(campaign.problems())] == [code, "missing_value"]
    assert campaign.preview(static=True, save=False)._repr_html_()
    assert "of 2 rows" in repr(campaign.tour())


@pytest.mark.parametrize(
    ("frame", "match"),
    [
        (
            table(v=pa.array([1, None], pa.timestamp("us", "Mars/Phobos"))),
            r"column 'v' has the Arrow type timestamp\[us, tz=Mars/Phobos\], which cannot be read",
        ),
        (
            pl.DataFrame({"email": ["a@acme.example"], "v": [1]}).with_columns(
                pl.col("v").cast(pl.Int128)
            ),
            r"column 'v' has the polars type Int128, which Arrow does not have",
        ),
        (
            pl.DataFrame({"v": pl.Series([object()], dtype=pl.Object)}),
            r"column 'v' has the polars type Object, which Arrow does not have",
        ),
        (
            table(
                v=pa.Array.from_buffers(
                    pa.string(),
                    1,
                    [None, pa.array([0, 1], pa.int32()).buffers()[1], pa.py_buffer(b"\xff")],
                )
            ),
            "the pyarrow.Table cannot be read as Arrow \\(column 'v': ",
        ),
        (
            connect().sql("SELECT 'a@acme.example' AS email, '24:00:00'::TIME AS v"),
            "the duckdb.DuckDBPyRelation cannot be read as Arrow \\(column 'v': ",
        ),
    ],
    ids=["zone", "int128", "object", "bytes that are no UTF-8", "24 o'clock"],
)
def test_a_column_that_cannot_be_read_is_named(frame, match):
    """When the campaign is composed, and not row by row."""
    with pytest.raises(mf.errors.FrameError, match=match):
        mf.compose(frame, text_body="x", **FIELDS)


def test_an_interval_is_a_problem_of_the_rows_that_print_it():
    """It has months of no length; a template that does not use the column is not concerned."""
    relation = connect().sql("SELECT 'a@acme.example' AS email, INTERVAL 1 MONTH AS v")
    [problem] = records(mf.compose(relation, text_body="{{ v }}", **FIELDS).problems())
    assert (problem["code"], "MonthDayNano" in problem["detail"]) == ("unsupported_value", True)
    assert texts(relation, "x") == ["x"]


# --- shapes --------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["polars", "pyarrow", "duckdb", "capsule"])
def test_a_frame_without_rows_is_composed(kind):
    """And gives messages without rows."""
    campaign = mf.compose(KINDS[kind](table().slice(0, 0)), text_body="x", **FIELDS)
    assert records(campaign.messages()) == []
    assert campaign.plan().messages == 0


def test_a_frame_without_columns_has_its_rows():
    """Its letter is the same for all of them."""
    campaign = mf.compose(
        pa.table({}), sender="me@acme.example", to="a@acme.example", text_body="x"
    )
    assert campaign.messages().num_rows == 0


def test_names_that_occur_twice_are_refused_only_if_they_are_used():
    """As for pandas; a join in SQL makes such names."""
    relation = connect().sql("SELECT 'a@acme.example' AS email, 1 AS id, 2 AS id")
    assert mf.compose(relation, text_body="x", **FIELDS).messages().columns[:2] == ["From", "To"]
    with pytest.raises(mf.errors.FrameError, match="more than one column 'id'"):
        mf.compose(relation, text_body="{{ id }}", **FIELDS)


def test_what_pandas_noted_in_the_schema_makes_no_index():
    """The columns of a table are its columns, and its rows are counted from 0."""
    frame = pd.DataFrame({"email": ["a@acme.example"]}, index=pd.Index(["k"], name="key"))
    campaign = mf.compose(pa.Table.from_pandas(frame), key="key", text_body="{{ key }}", **FIELDS)
    assert campaign.messages()["TextBody"].to_pylist() == ["k"]


def test_a_relation_runs_once_and_from_its_first_row():
    """Also if some rows were fetched before, and if its table changes later."""
    connection = duckdb.connect()
    connection.sql(
        "CREATE TABLE people AS SELECT format('p{}@acme.example', range) AS email FROM range(3)"
    )
    relation = connection.table("people")
    if hasattr(relation, "execute"):
        relation.execute().fetchone()
    campaign = mf.compose(relation, text_body="x", **FIELDS)
    connection.sql("DELETE FROM people")
    assert campaign.plan().messages == 3
    assert campaign.frame.num_rows == 3


def test_a_frame_of_polars_that_is_changed_later_changes_no_message():
    """In place, as ``df[0, "name"] = …`` does."""
    frame = pl.DataFrame({"email": ["a@acme.example"], "n": [1], "name": ["Ann"]})
    campaign = mf.compose(frame, text_body="{{ name }} {{ n }}", **FIELDS)
    frame[0, "name"], frame[0, "n"] = "Bob", 2
    frame.drop_in_place("email")
    assert campaign.messages()["TextBody"].to_list() == ["Ann 1"]
    assert campaign.frame.columns == ["email", "n", "name"]


def test_a_relation_of_results_is_read_when_nothing_else_holds_its_rows():
    """It keeps the rows itself, and leaves no view in the catalog."""
    connection = duckdb.connect()
    relation = connection.sql("SELECT 'a@acme.example' AS email")
    messages = mf.compose(relation, text_body="x", **FIELDS).messages()
    gc.collect()
    assert messages.filter("Subject = 'Hi'").fetchall()[0][1] == "a@acme.example"
    assert connection.sql("FROM messages").fetchall() == messages.fetchall()
    views = "SELECT view_name FROM duckdb_views() WHERE NOT internal"
    assert connection.sql(views).fetchall() == []


# --- keys ----------------------------------------------------------------------------------------


def test_keys_are_exact_in_every_kind():
    """Two ids that are one float are two keys."""
    rows = table(id=pa.array([BIG, BIG + 1]))
    for kind in ("pandas", "polars", "pyarrow", "duckdb"):
        campaign = mf.compose(KINDS[kind](rows), key="id", text_body="x", **FIELDS)
        assert records(campaign.problems()) == []
        assert campaign.message(key=BIG).payload["To"] == "p0@acme.example"


cells = {
    "n": (st.integers(-(2**63), 2**63 - 1), pa.int64()),
    "x": (st.floats(-(2**50), 2**50), pa.float64()),
    "b": (st.booleans(), pa.bool_()),
    "s": (
        st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8),
        pa.string(),
    ),
    "c": (st.sampled_from(["free", "team"]), pa.dictionary(pa.int32(), pa.string())),
    "d": (st.dates(dt.date(1900, 1, 1), dt.date(2200, 1, 1)), pa.date32()),
    "t": (st.datetimes(dt.datetime(1900, 1, 1), dt.datetime(2200, 1, 1)), pa.timestamp("us")),  # noqa: DTZ001
    "m": (st.decimals(-(10**9), 10**9, places=2), pa.decimal128(12, 2)),
    "l": (st.lists(st.integers(-9, 2**60 + 1), max_size=3), pa.list_(pa.int64())),
    "r": (
        st.lists(
            st.fixed_dictionaries({"item": st.sampled_from("ab"), "n": st.integers(0, 9)}),
            max_size=2,
        ),
        pa.list_(pa.struct({"item": pa.string(), "n": pa.int64()})),
    ),
}


@st.composite
def tables(draw: st.DrawFn) -> pa.Table:
    """A table with a key, and a column with missing values of each type that all libraries have."""
    ids = draw(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=6, unique=True))
    columns = {
        name: pa.array(draw(st.lists(cell | st.none(), min_size=len(ids), max_size=len(ids))), kind)
        for name, (cell, kind) in cells.items()
    }
    return table(id=pa.array(ids), **columns)


EVERYTHING = (
    "{{ id }} "
    + " ".join(f"{{{{ {name} | default('-') }}}}" for name in cells if name not in ("l", "r"))
    + (
        " {{ l | default([]) | join('+') }}"
        "{% for one in r | default([]) %} {{ one.item | default('-') }}{{ one.n }}{% endfor %}"
    )
)


@settings(max_examples=40)
@given(tables())
def test_a_frame_of_any_kind_has_the_same_messages_and_the_same_keys(rows):
    """Byte by byte, so that a send that one began goes on with another."""
    made = {}
    for kind in ("pandas", "polars", "pyarrow", "duckdb"):
        campaign = mf.compose(KINDS[kind](rows), key="id", text_body=EVERYTHING, **FIELDS)
        preflight = campaign._composed.preflight(with_digests=True)
        bodies = [message.body for batch in campaign.batches() for message in batch]
        keys = [preflight.keys.at(row) for row in range(rows.num_rows)]
        made[kind] = (bodies, keys, campaign.fingerprint, records(campaign.problems()))
    assert made["polars"] == made["pandas"]
    assert made["pyarrow"] == made["pandas"]
    assert made["duckdb"] == made["pandas"]


def test_problems_are_named_by_position_and_key():
    """A frame without an index is joined by position."""
    frame = pl.DataFrame({"email": ["a@acme.example", "b@"], "id": [BIG, BIG + 1]})
    campaign = mf.compose(frame, key="id", text_body="x", **FIELDS)
    problems = campaign.problems()
    assert problems.select("row", "key", "code", "position").rows() == [
        (1, BIG + 1, "invalid_address", 1)
    ]
    assert codes(frame.to_pandas()) == ["invalid_address"]


@pytest.mark.parametrize("column", [pl.Series, pa.array, lambda cells: pa.chunked_array([cells])])
def test_a_column_of_another_library_is_a_value_that_varies_by_row(column):
    """As a Series of pandas, also if a function returns it; a function gets a frame of pandas."""
    frame = pl.DataFrame({"email": ["a@acme.example", "b@acme.example"]})
    for value in (column(["x", "y"]), lambda df: column((df["email"].str[:1]).tolist())):
        made = mf.compose(frame, text_body=value, **FIELDS).messages()["TextBody"].to_list()
        assert made == (["a", "b"] if callable(value) else ["x", "y"])
