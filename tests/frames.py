"""The zoo: awkward frames that every stage of mailframe must leave as they are.

``ZOO`` maps a name to a function that builds the frame anew, so no test can spoil another's.
``frames()`` is the Hypothesis strategy for random ones. Unless a name says otherwise, a frame has
an ``email`` column of unique addresses on example.com and three rows.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
from hypothesis import strategies as st

from mailframe.pandas_versions import text_column, text_dtype

if TYPE_CHECKING:
    from collections.abc import Callable

ZOO: dict[str, Callable[[], pd.DataFrame]] = {}

RESULT_NAMES = (
    "status",
    "reason",
    "MessageID",
    "ErrorCode",
    "Message",
    "SubmittedAt",
    "To",
    "batch",
    "changed",
)
AWKWARD_NAMES = (
    "mail",
    "To",
    "to",
    "status",
    "loop",
    "self",
    "range",
    "Email Address",
    "class",
    "items",
    "row",
)


def emails(rows: int) -> list[str]:
    """Unique valid addresses, one per row."""
    return [f"p{n}@example.com" for n in range(rows)]


def people(rows: int = 3) -> pd.DataFrame:
    """The ordinary frame that most others are made from."""
    names = [("Ada", "Zoë", "李雷")[n % 3] for n in range(rows)]
    return pd.DataFrame({"email": emails(rows), "first_name": text_column(names), "n": range(rows)})


def animal(build: Callable[[], pd.DataFrame]) -> Callable[[], pd.DataFrame]:
    """Adds a function that builds a frame to the zoo, under its name."""
    ZOO[build.__name__] = build
    return build


def _with_index(index: Callable[[], pd.Index]) -> Callable[[], pd.DataFrame]:
    return lambda: people().set_axis(index(), axis=0)


def _with_column(make: Callable[[], Any]) -> Callable[[], pd.DataFrame]:
    def build() -> pd.DataFrame:
        values = make()
        return pd.DataFrame({"email": emails(len(values)), "x": values})

    return build


def _cells(*values: Any) -> pd.Series:
    """A column of dtype object that holds exactly these Python values."""
    cells = np.empty(len(values), dtype=object)
    cells[:] = values
    return pd.Series(cells, dtype=object)


def _interleaved(first: list[Any]) -> pd.Series:
    cells = np.empty(len(first), dtype=object)
    for position, value in enumerate(first):
        cells[position] = value
    return pd.Series(cells, dtype=object)


INDEXES: dict[str, Callable[[], pd.Index]] = {
    "default_range_index": lambda: pd.RangeIndex(3),
    "range_index_by_twos": lambda: pd.RangeIndex(10, 4, -2),
    "named_range_index": lambda: pd.RangeIndex(3, name="row"),
    "duplicated_index": lambda: pd.Index([7, 7, 5]),
    "multi_index": lambda: pd.MultiIndex.from_tuples(
        [("a", 1), ("a", 2), ("b", 1)], names=["team", "seat"]
    ),
    "duplicated_multi_index": lambda: pd.MultiIndex.from_tuples(
        [("a", 1), ("a", 1), ("b", 1)], names=["k", None]
    ),
    "unnamed_multi_index": lambda: pd.MultiIndex.from_tuples([("a", 1.5), ("", 2.5), ("NA", 1.0)]),
    "multi_index_with_stamps": lambda: pd.MultiIndex.from_arrays(
        [pd.to_datetime(["2026-01-01", "2026-01-02", None]), pd.Categorical(["x", "y", "x"])],
        names=["day", "cat"],
    ),
    "datetime_index": lambda: pd.DatetimeIndex(["2026-03-01", "2026-01-01", "2026-01-01"]),
    "daily_datetime_index": lambda: pd.date_range(
        "2026-03-28", periods=3, freq="D", tz="Europe/Berlin", name="day"
    ),
    "timedelta_index": lambda: pd.timedelta_range("1h", periods=3, freq="90min"),
    "string_index": lambda: pd.Index(["x", "001", "NA"]),
    "string_index_with_gaps": lambda: pd.Index(text_column(["x", None, ""]), name="id"),
    "object_index": lambda: pd.Index(["x", 1, 2.5], dtype=object),
    "float_index": lambda: pd.Index([0.1, float("nan"), 1e22]),
    "bool_index": lambda: pd.Index([True, False, True]),
    "categorical_index": lambda: pd.CategoricalIndex(
        ["b", "a", "b"], categories=["b", "a", "z"], ordered=True
    ),
    "named_index": lambda: pd.Index([10, 20, 30], name="customer_id"),
    "index_named_like_a_column": lambda: pd.Index([10, 20, 30], name="email"),
    "index_named_by_a_number": lambda: pd.Index([10, 20, 30], name=0),
}
ZOO |= {name: _with_index(index) for name, index in INDEXES.items()}


@animal
def empty() -> pd.DataFrame:
    """No rows, with columns."""
    return people().iloc[:0]


@animal
def empty_with_multi_index() -> pd.DataFrame:
    """No rows, with a MultiIndex."""
    return people().set_index(["email", "n"], drop=False).rename_axis(["a", "b"]).iloc[:0]


@animal
def one_row() -> pd.DataFrame:
    """One row."""
    return people(1)


@animal
def no_columns() -> pd.DataFrame:
    """Three rows without any column, not even ``email``."""
    return pd.DataFrame(index=pd.RangeIndex(3))


@animal
def numbered_columns() -> pd.DataFrame:
    """Columns 0 and 1 besides ``email``."""
    return pd.DataFrame({"email": emails(3), 0: ["a", "b", "c"], 1: [1.5, 2.5, 3.5]})


@animal
def only_numbered_columns() -> pd.DataFrame:
    """Columns 0 and 1 and no ``email``, as ``pd.DataFrame(rows)`` makes them."""
    return pd.DataFrame([["a@example.com", 1], ["b@example.com", 2]])


@animal
def odd_labels() -> pd.DataFrame:
    """Labels of several kinds, among them a tuple, a float and an empty text."""
    columns = pd.Index(
        ["email", ("a", 1), 2.5, True, "", " ", 'q"u,o\nte'], dtype=object, tupleize_cols=False
    )
    return pd.DataFrame([[address, 1, 2, 3, 4, 5, 6] for address in emails(3)]).set_axis(
        columns, axis=1
    )


@animal
def named_columns_axis() -> pd.DataFrame:
    """The axis of the columns has a name."""
    return people().rename_axis(columns="field")


@animal
def reserved_names() -> pd.DataFrame:
    """Column names with a meaning in Jinja, Python, pandas or mailframe."""
    return pd.DataFrame(
        {"email": emails(3)} | {name: [f"{name} {n}" for n in range(3)] for name in AWKWARD_NAMES}
    )


@animal
def result_names() -> pd.DataFrame:
    """The frame already has a column of each name in the results."""
    return pd.DataFrame(
        {"email": emails(3)} | {name: [f"{name} {n}" for n in range(3)] for name in RESULT_NAMES}
    )


@animal
def duplicate_columns() -> pd.DataFrame:
    """Two columns with one label; ``compose`` refuses it, the other stages must accept it."""
    return pd.DataFrame(
        [["p0@example.com", 1, "a"], ["p1@example.com", 2, "b"]], columns=["email", "x", "x"]
    )


@animal
def all_gap_row() -> pd.DataFrame:
    """The middle row has only missing values, of every kind."""
    table = {
        "email": text_column(["p0@example.com", None, "p2@example.com"]),
        "i": pd.array([1, None, 3], dtype="Int64"),
        "f": [1.5, float("nan"), 2.5],
        "b": pd.array([True, None, False], dtype="boolean"),
        "t": pd.to_datetime(["2026-01-01", None, "2026-01-03"]),
        "o": _cells("x", None, 3),
        "c": pd.Categorical(["u", None, "v"]),
        "void": _cells(None, None, None),
    }
    return pd.DataFrame(table)


NA_NAMES = ["NA", "null", "None", "nan", "", "NaN", "<NA>", "N/A", "inf", "True"]

COLUMNS: dict[str, Callable[[], Any]] = {
    "int64": lambda: pd.Series([2**53 + 1, -5, 0]),
    "uint8": lambda: pd.Series([0, 255, 7], dtype="uint8"),
    "Int64_with_gaps": lambda: pd.array([2**53 + 1, None, -3], dtype="Int64"),
    "float_with_gaps_all_integral": lambda: [5.0, float("nan"), 7.0],
    "float64": lambda: [0.1 + 0.2, 1e22, float("nan"), -0.0, 5e-324, float("inf"), float("-inf")],
    "float32": lambda: pd.Series([0.1, 16777216.0, 1e-40], dtype="float32"),
    "Float64_with_gaps": lambda: pd.array([0.1, None, 1e300], dtype="Float64"),
    "bool": lambda: [True, False, True],
    "boolean_with_gaps": lambda: pd.array([True, None, False], dtype="boolean"),
    "str": lambda: text_column(["Ada", "Smith, John", 'Bob "The" Builder']),
    "str_with_gaps_and_empties": lambda: text_column(["", None, "x"]),
    "names_that_look_like_gaps": lambda: text_column([*NA_NAMES, None]),
    "zip_codes": lambda: ["0150", "00", "1.10", "1e5", "-0"],
    "line_breaks": lambda: ["a\nb", "a\r\nb", "a\rb", "\n", " lead", "trail ", "\t", ","],
    "formulas": lambda: [
        "=1+1",
        "+1",
        "-1",
        "@x",
        "'=1",
        "''=1",
        "'x",
        '"=1"',
        " =1",
        "\t=1",
        "\r=1",
        "\uff1d1",
        "\uff0b1",
        "\uff0d1",
        "\uff201",
        "-",
        "'",
    ],
    "unicode": lambda: [
        "Zoë",
        "李雷 🎉",
        "مرحبا",
        "e\u0301",
        "\u200b",
        "\ufeffbom",
        "\x00nul",
        "\x85\u2028",
    ],
    "string": lambda: pd.array(["a", None, ""], dtype="string"),
    "string_pyarrow": lambda: pd.array(["a", None, ""], dtype="string[pyarrow]"),
    "string_python": lambda: pd.array(["a", None, "NA"], dtype="string[python]"),
    "arrow_string": lambda: pd.array(["a", None, ""], dtype=pd.ArrowDtype(pa.string())),
    "arrow_int": lambda: pd.array([1, None, 3], dtype=pd.ArrowDtype(pa.int32())),
    "arrow_bool": lambda: pd.array([True, None, False], dtype=pd.ArrowDtype(pa.bool_())),
    "arrow_decimal": lambda: pd.array(
        [Decimal("1.10"), None, Decimal("-3.00")], dtype=pd.ArrowDtype(pa.decimal128(10, 2))
    ),
    "arrow_date": lambda: pd.array([dt.date(2026, 1, 2), None], dtype=pd.ArrowDtype(pa.date32())),
    "arrow_timestamp": lambda: pd.array(
        [pd.Timestamp("2026-01-02T03:04:05.123456789Z"), None],
        dtype=pd.ArrowDtype(pa.timestamp("ns", "Europe/Oslo")),
    ),
    "arrow_list": lambda: pd.array([[1, 2], None, []], dtype=pd.ArrowDtype(pa.list_(pa.int64()))),
    "object_mixed": lambda: _cells(
        "x", 1, 2.5, True, None, float("nan"), pd.NaT, pd.NA, "", "1", Decimal("1.0")
    ),
    "object_str": lambda: _cells("x", None, ""),
    "object_int": lambda: _cells(1, None, 10**30),
    "object_bool": lambda: _cells(True, float("nan"), False),
    "category_str": lambda: pd.Categorical(
        ["gold", None, "", "gold"], categories=["silver", "gold", "", "NA"]
    ),
    "category_int": lambda: pd.Categorical([3, None, 1], categories=[1, 2, 3], ordered=True),
    "category_mixed": lambda: pd.Categorical(
        [1, "1", None], categories=pd.Index(["1", 1], dtype=object)
    ),
    "category_of_stamps": lambda: pd.Categorical(
        pd.to_datetime(["2026-01-02", None, "2026-01-01"])
    ),
    "datetime_naive": lambda: pd.array(
        ["2026-01-02 03:04:05.000006", None, "1066-10-14 00:00:00.000000"], dtype="datetime64[us]"
    ),
    "datetime_tz": lambda: pd.to_datetime(
        ["2026-10-25 00:30Z", "2026-10-25 01:30Z", None]
    ).tz_convert("Europe/Berlin"),
    "datetime_fixed_offset": lambda: pd.to_datetime(["2026-01-02T03:04:05+05:30", None]),
    "datetime_ns": lambda: pd.to_datetime(["2026-01-02T03:04:05.123456789", None]),
    "datetime_s": lambda: pd.array(["2026-01-02", "9999-12-31"], dtype="datetime64[s]"),
    "date_objects": lambda: _cells(dt.date(2026, 1, 2), None, dt.date(1, 1, 1)),
    "datetime_objects": lambda: _cells(
        dt.datetime(2026, 1, 2, 3, 4, 5, 6),  # noqa: DTZ001 -- a naive stamp is the point
        dt.datetime(2026, 1, 2, tzinfo=dt.UTC),
        pd.Timestamp("2026-01-02", tz="UTC"),
    ),
    "time_objects": lambda: _cells(dt.time(3, 4), None, dt.time(3, 4, 5, 6)),
    "timedelta": lambda: pd.to_timedelta(["1 days 02:03:04.000000005", None, "-1s"]),
    "timedelta_s": lambda: pd.to_timedelta([1, None, -90000], unit="s").as_unit("s"),
    "timedelta_objects": lambda: _cells(
        dt.timedelta(days=1, microseconds=5), None, -dt.timedelta(seconds=1)
    ),
    "Decimal": lambda: _cells(Decimal("1.10"), None, Decimal("-1E+3")),
    "period": lambda: pd.period_range("2026-01", periods=3, freq="M"),
    "interval": lambda: pd.interval_range(0, 3),
    "bytes": lambda: _cells(b"a\xff", None, b""),
    "lists": lambda: _interleaved([[1, 2], [], ["x", None]]),
    "dicts": lambda: _interleaved([{"a": 1}, {}, {"b": [1]}]),
    "arrays": lambda: _interleaved([np.array([1, 2]), np.array([]), None]),
    "complex": lambda: pd.Series([1 + 2j, 0j, -1j]),
}
ZOO |= {f"column_{name}": _with_column(make) for name, make in COLUMNS.items()}

# What a CSV file cannot bring back: these come back as text (see ``results/csv.py``).
TEXT_IN_CSV = frozenset(
    f"column_{name}"
    for name in ("arrow_list", "period", "interval", "bytes", "lists", "dicts", "arrays", "complex")
)

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8) | st.sampled_from(
    [*NA_NAMES, "0150", "=1", "'=1"]
)
_stamps = st.datetimes(dt.datetime(1900, 1, 1), dt.datetime(2200, 1, 1))  # noqa: DTZ001 -- naive on purpose
_deltas = st.timedeltas(dt.timedelta(days=-9999), dt.timedelta(days=9999))
_decimals = st.decimals(
    allow_nan=False, allow_infinity=False, places=2, min_value=-(10**6), max_value=10**6
)
_whole = st.integers(-(2**63), 2**63 - 1)
_floats = st.floats(allow_nan=False)
_object_cells = st.one_of(
    texts, _whole, _floats, st.booleans(), st.dates(), _decimals, _stamps, _deltas
)

# kind -> (cells, dtype, whether it can have missing values)
CELLS: dict[str, tuple[st.SearchStrategy[Any], Any, bool]] = {
    "int64": (_whole, "int64", False),
    "Int64": (_whole, "Int64", True),
    "float64": (_floats, "float64", True),
    "float32": (st.floats(width=32, allow_nan=False), "float32", False),
    "bool": (st.booleans(), "bool", False),
    "boolean": (st.booleans(), "boolean", True),
    "str": (texts, text_dtype(), True),
    "string": (texts, "string", True),
    "string_python": (texts, "string[python]", True),
    "object": (_object_cells, object, True),
    "dates": (st.dates(), object, True),
    "category": (texts, "category", True),
    "category_int": (st.integers(-3, 3), "category", True),
    "datetime_us": (_stamps, "datetime64[us]", True),
    "datetime_ns": (_stamps, "datetime64[ns]", True),
    "datetime_tz": (_stamps, "datetime64[us, UTC]", True),
    "timedelta": (_deltas, "timedelta64[us]", True),
    "arrow_decimal": (_decimals, pd.ArrowDtype(pa.decimal128(12, 2)), True),
    "arrow_date": (st.dates(), pd.ArrowDtype(pa.date32()), True),
}


@st.composite
def columns(draw: st.DrawFn, rows: int) -> pd.Series:
    """One column of *rows* cells and a random dtype, with missing values if the dtype has them."""
    cells, dtype, is_nullable = CELLS[draw(st.sampled_from(sorted(CELLS)))]
    cell = (cells | st.none()) if is_nullable else cells
    values = draw(st.lists(cell, min_size=rows, max_size=rows))
    return (
        _cells(*values)
        if dtype is object
        else pd.Series(pd.array(values, dtype=dtype), dtype=dtype)
    )


@st.composite
def indexes(draw: st.DrawFn, rows: int) -> pd.Index:
    """An index of *rows* labels: default, doubled, text, stamps, or a MultiIndex; named or not."""
    name = draw(st.none() | st.sampled_from(["id", "email", "status", "", 0]))
    kind = draw(st.sampled_from(["range", "column", "few", "multi"]))
    if kind == "range":
        start, step = draw(st.integers(-3, 3)), draw(st.sampled_from([-2, 1, 3]))
        return pd.RangeIndex(start, start + rows * step, step, name=name)
    if kind == "few":
        return pd.Index(
            draw(st.lists(st.integers(0, 2), min_size=rows, max_size=rows)),
            name=name,
            dtype="int64",
        )
    if kind == "multi":
        levels = [draw(columns(rows)), draw(columns(rows))]
        return pd.MultiIndex.from_arrays(levels, names=[name, draw(st.none() | st.just("level"))])
    labels = draw(columns(rows))
    return pd.Index(labels, dtype=labels.dtype, name=name)


def names() -> st.SearchStrategy[Any]:
    """A column label: plain, awkward, a number, or one that clashes with the results."""
    clashing = [*RESULT_NAMES, "mail_status", "mail_status_2", "mail_ErrorCode"]
    return st.one_of(
        st.sampled_from(["plan", *AWKWARD_NAMES]),
        st.sampled_from(clashing),
        st.integers(0, 2),
        texts,
    )


@st.composite
def frames(
    draw: st.DrawFn, min_rows: int = 0, max_rows: int = 30, *, with_email: bool = True
) -> pd.DataFrame:
    """A frame with random dtypes, index and labels; the labels are unique.

    Args:
        draw: given by Hypothesis.
        min_rows: the fewest rows.
        max_rows: the most rows.
        with_email: whether one column is ``email``, unique valid addresses on example.com.
    """
    rows = draw(st.integers(min_rows, max_rows))
    labels = draw(
        st.lists(
            names().filter(lambda name: name != "email"),
            max_size=4,
            unique_by=lambda x: (type(x), x),
        )
    )
    table = [(label, draw(columns(rows))) for label in labels]
    if with_email:
        table.insert(draw(st.integers(0, len(table))), ("email", text_column(emails(rows))))
    frame = pd.DataFrame(
        {position: column for position, (_, column) in enumerate(table)}, index=pd.RangeIndex(rows)
    )
    frame.columns = pd.Index(
        [label for label, _ in table], dtype=None if table else text_dtype(), tupleize_cols=False
    )
    return frame.set_axis(draw(indexes(rows)), axis=0)
