"""The results frame: the caller's rows and columns with the status of each row."""

from __future__ import annotations

import copy
import pickle
import re
import tracemalloc
import uuid
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailframe.campaign import Campaign
from mailframe.errors import ResultsError
from mailframe.message.text_arrays import PIECE_ROWS
from mailframe.pandas_versions import text_column, text_dtype, text_storage
from mailframe.postmark.responses import Outcome
from mailframe.postmark.timestamps import stamps
from mailframe.results.frame import (
    COLUMNS,
    DTYPES,
    results_columns,
    results_frame,
    standard_name,
    status_sentence,
    summary,
)
from mailframe.results.row_results import RowResults, Status
from tests.frames import RESULT_NAMES, ZOO, frames, people

TAKEN = Outcome(
    0, "OK", "b7bc2f4a-e38e-4336-af7d-e6c392c2f817", "2014-02-17T07:25:01.4178645-05:00"
)
REFUSED = Outcome(406, "You tried to send to a recipient that has been marked as inactive.")


def some_results(rows: int) -> RowResults:
    """Every status in turn, with an outcome or a reason."""
    results = RowResults(rows)
    for position in range(rows):
        status = list(Status)[position % 6]
        outcome = {Status.ACCEPTED: TAKEN, Status.REJECTED: REFUSED}.get(status)
        reason = None if outcome else f"because {position % 4}"
        to = f"p{position}@example.com"
        results.settle(
            position, status, reason=reason, outcome=outcome, to=to, batch=position // 500
        )
    return results


def assert_kept(frame: pd.DataFrame, results: pd.DataFrame) -> None:
    """*results* is *frame* unchanged, then the columns of results with their dtypes."""
    caller = results.iloc[:, : frame.shape[1]]
    pd.testing.assert_frame_equal(caller, frame, check_column_type=False, check_flags=True)
    assert list(caller.columns) == list(frame.columns)
    assert results.index.is_(frame.index)
    pd.testing.assert_index_equal(results.index, frame.index, exact=True)
    assert getattr(results.index, "freq", None) == getattr(frame.index, "freq", None)
    assert [standard_name(label) for label in results.columns[frame.shape[1] :]] == list(COLUMNS)
    dtypes = [text_dtype() if name == "str" else name for name in DTYPES.values()]
    assert results.dtypes.iloc[frame.shape[1] :].tolist() == dtypes
    assert not results.iloc[:, frame.shape[1]].isna().any()


@pytest.mark.parametrize("name", ZOO)
def test_an_awkward_frame_keeps_rows_order_index_columns_and_dtypes(name):
    """Every frame of the zoo is unchanged in front of its results."""
    frame, before = ZOO[name](), ZOO[name]()
    results = results_frame(frame, some_results(len(frame)))
    assert_kept(frame, results)
    pd.testing.assert_frame_equal(frame, before)


@settings(deadline=None)  # the first frame imports half of pandas
@given(frame=frames())
def test_any_frame_keeps_rows_order_index_columns_and_dtypes(frame):
    """The same for random frames, with clashing names among them."""
    before = frame.copy(deep=True)
    assert_kept(frame, results_frame(frame, some_results(len(frame))))
    pd.testing.assert_frame_equal(frame, before)


@settings(deadline=None)  # the first frame imports half of pandas
@given(frame=frames(max_rows=8), count=st.integers(1, 4))
def test_results_of_results_keep_every_set_and_find_the_newest(frame, count):
    """The newest set of results is always the last columns."""
    results = frame
    for _ in range(count):
        earlier = results
        results = results_frame(results, some_results(len(results)))
        pd.testing.assert_frame_equal(
            results.iloc[:, : earlier.shape[1]], earlier, check_column_type=False
        )
        assert list(results_columns(results).values()) == list(results.columns[-len(COLUMNS) :])


def test_the_documentation_has_every_column():
    """``docs/results.md`` and the docstring of ``send`` list the columns."""
    table = (Path(__file__).parents[2] / "docs" / "results.md").read_text(encoding="utf-8")
    listed = dict(re.findall(r"^\| `(\w+)` \| ([^|]+) \|", table, re.MULTILINE))
    assert listed == dict(DTYPES)
    returned = (Campaign.send.__doc__ or "").partition("Returns:")[2].partition("A batch")[0]
    assert re.findall(r"``(\w+)``", returned) == list(COLUMNS)


def test_a_free_name_is_used():
    """Without a clash the columns have their standard names."""
    assert results_columns(results_frame(people(), RowResults(3))) == dict(
        zip(COLUMNS, COLUMNS, strict=True)
    )


def test_a_column_of_the_caller_is_never_overwritten():
    """If the caller has the name, the new column gets ``mail_`` in front, and then a number."""
    frame = people().assign(status="gold", To="x", mail_To="y", mail_To_2="z")
    results = results_frame(frame, some_results(3))
    names = results_columns(results)
    assert (names["status"], names["To"], names["reason"]) == ("mail_status", "mail_To_3", "reason")
    assert results["status"].tolist() == ["gold"] * 3
    assert results["mail_To_3"].tolist() == ["p0@example.com", "p1@example.com", "p2@example.com"]


def test_a_higher_number_of_the_caller_does_not_hide_the_newest_results():
    """The newest set is the last one, regardless of the numbers in the names."""
    frame = people().assign(status="gold", mail_status_7="x")
    assert results_columns(results_frame(frame, RowResults(3)))["status"] == "mail_status"


@pytest.mark.parametrize(
    "name", ["To_2", "mail_To_0", "mail_To_02", "mail_to", "mail_mail_To", "", 0, None]
)
def test_a_similar_name_is_not_a_column_of_results(name):
    """Only To, mail_To and mail_To_<number> are."""
    assert standard_name(name) is None


def test_a_frame_that_was_never_sent_is_no_results_frame():
    """The error says which columns are missing and where a results frame comes from."""
    message = r"not a results DataFrame \(no column 'status', 'reason', 'MessageID'.*send"
    with pytest.raises(ResultsError, match=message):
        results_columns(people())


@pytest.mark.parametrize("missing", COLUMNS)
def test_a_results_frame_has_all_nine_columns(missing):
    """A frame without one of them is refused by name."""
    results = results_frame(people(), RowResults(3)).drop(columns=missing)
    with pytest.raises(ResultsError, match=f"no column '{missing}'"):
        summary(results)


@pytest.mark.parametrize("cell", ["delivered", None, "Accepted"])
def test_a_status_outside_the_closed_list_is_refused(cell):
    """Another table may have columns of the same names."""
    frame = pd.DataFrame({name: ["accepted", cell] for name in RESULT_NAMES})
    with pytest.raises(ResultsError, match="row 1 of column 'status'"):
        results_columns(frame)


@pytest.mark.parametrize("rows", [2, 4])
def test_results_of_another_length_are_refused(rows):
    """They cannot be joined by position."""
    with pytest.raises(ResultsError, match=f"{rows} results cannot be joined to a frame of 3"):
        results_frame(people(), RowResults(rows))


def test_a_row_starts_unsent():
    """A row without another status provably never left."""
    results = results_frame(people(), RowResults(3))
    assert results["status"].tolist() == ["unsent"] * 3
    assert results[list(COLUMNS[1:-1])].isna().all(axis=None)
    assert not results["changed"].any()


@pytest.mark.parametrize("position", [-1, 3, -3])
def test_the_status_of_a_row_that_does_not_exist_cannot_be_set(position):
    """A negative position would set the status of another row."""
    rows = RowResults(3)
    with pytest.raises(IndexError, match="no row"):
        rows.settle(position, Status.ACCEPTED)
    with pytest.raises(IndexError, match="no row"):
        rows.status(position)
    assert rows.statuses() == [Status.UNSENT] * 3


def test_a_frame_cannot_have_less_than_no_rows():
    """The boundary: 0 rows are valid, -1 is an error."""
    assert len(RowResults(0)) == 0
    with pytest.raises(ValueError, match="-1 rows"):
        RowResults(-1)


def test_a_row_that_is_found_later_keeps_its_batch_and_recipient():
    """Setting the status again replaces the rest: the old reason is gone."""
    rows = RowResults(1)
    rows.settle(0, Status.UNKNOWN, reason="read timeout", to="ada@example.com", batch=7)
    rows.settle(0, Status.ACCEPTED, outcome=TAKEN)
    row = results_frame(people(1), rows).iloc[0]
    assert (row["status"], row["To"], row["batch"]) == ("accepted", "ada@example.com", 7)
    assert pd.isna(row["reason"])
    rows.settle(0, Status.UNSENT)
    assert (
        results_frame(people(1), rows)[["MessageID", "ErrorCode", "Message", "SubmittedAt"]]
        .isna()
        .all(axis=None)
    )


@pytest.mark.parametrize("code", [None, 0, -1, 406, 2**31, 2**63 - 1])
def test_an_error_code_stays_a_whole_number(code):
    """Also beside missing values; an answer may come without a code."""
    rows = RowResults(2)
    rows.settle(0, Status.REJECTED, outcome=Outcome(code, "no"))
    column = results_frame(people(2), rows)["ErrorCode"]
    assert column.dtype == "Int64"
    assert column.tolist() == [pd.NA if code is None else code, pd.NA]


STORAGES = ("pyarrow", "python")
"""How pandas can keep text; without pyarrow it is "python"."""


def column(rows: RowResults, name: str) -> list[object]:
    """The cells of a column of results, with None for a missing value."""
    array = rows.columns()[name]
    return [None if pd.isna(cell) else cell for cell in array.tolist()]


@pytest.mark.sampled(2)
@pytest.mark.parametrize("storage", STORAGES)
@given(
    texts=st.lists(
        st.none()
        | st.text()
        | st.uuids().map(str)
        | st.uuids().map(lambda one: str(one).upper())
        | st.uuids().map(lambda one: one.hex),
        max_size=20,
    )
)
def test_texts_are_kept_exactly(storage, texts):
    """An empty text is not a missing value; a UUID in another spelling keeps its spelling."""
    rows = RowResults(len(texts))
    for position, text in enumerate(texts):
        outcome = Outcome(1, "" if text is None else text, message_id=text)
        rows.settle(position, Status.REJECTED, reason=text, outcome=outcome, to=text)
    with pd.option_context("mode.string_storage", storage):
        columns = pd.DataFrame(
            {name: rows.columns()[name] for name in ("reason", "MessageID", "To")}
        )
        assert {*columns.dtypes} == {text_dtype()}
        assert getattr(text_dtype(), "storage", storage) == storage
        for name in ("reason", "MessageID", "To"):
            assert column(rows, name) == texts
        assert column(rows, "Message") == [text or "" for text in texts]


@pytest.mark.parametrize("name", ["reason", "MessageID", "Message", "To"])
def test_half_a_surrogate_pair_is_never_replaced(name):
    """Python storage keeps it, and Arrow refuses it, as pandas does."""
    rows = RowResults(2)
    half = "\ud800"
    outcome = Outcome(1, half, message_id=half)
    rows.settle(1, Status.REJECTED, reason=half, outcome=outcome, to=half)
    with pd.option_context("mode.string_storage", "python"):
        assert column(rows, name) == [None, half]
    with pd.option_context("mode.string_storage", "pyarrow"):
        if text_storage() == "pyarrow":
            with pytest.raises(UnicodeEncodeError, match="surrogates not allowed"):
                rows.columns()
        else:  # pandas 2
            assert column(rows, name) == [None, half]


OUTCOMES = st.builds(
    Outcome,
    st.sampled_from([None, 0, 300, 406]),
    st.sampled_from(["OK", "no", "n\u00f6"]),
    st.sampled_from([None, "id 1"]) | st.uuids().map(str),
    st.sampled_from([None, "2014-02-17T07:25:01.4178645-05:00", "2014-02-17T07:25:01Z", "now"]),
)


@st.composite
def settlements(draw: st.DrawFn, rows: int) -> dict[str, object]:
    """Arguments of one ``settle_many`` of a frame of so many rows."""
    places = draw(st.lists(st.integers(0, rows - 1), unique=True, max_size=rows))
    size = len(places)
    many = st.lists(OUTCOMES, min_size=size, max_size=size)
    texts = st.lists(st.none() | st.text(max_size=3), min_size=size, max_size=size)
    return {
        "positions": places,
        "status": draw(st.sampled_from(Status)),
        "reason": draw(st.sampled_from([None, "limit", "no answer"])),
        "outcomes": draw(st.none() | many),
        "to": draw(st.none() | texts),
        "batch": draw(st.none() | st.integers(0, 3)),
        "changed": draw(st.booleans()),
    }


@pytest.mark.sampled(2)
@pytest.mark.parametrize("storage", STORAGES)
@settings(max_examples=30)
@given(data=st.data())
def test_many_rows_are_settled_as_one_by_one(storage, data):
    """Any sequence of calls, in any order of rows, also with a look at the results between them."""
    size = data.draw(st.integers(1, 7))
    many, single = RowResults(size), RowResults(size)
    with pd.option_context("mode.string_storage", storage):
        for call in data.draw(st.lists(settlements(size), max_size=6)):
            many.settle_many(**call)
            common = {name: call[name] for name in ("status", "reason", "batch", "changed")}
            for place, position in enumerate(call["positions"]):
                outcome = call["outcomes"] and call["outcomes"][place]
                to = call["to"] and call["to"][place]
                single.settle(position, outcome=outcome or None, to=to, **common)
            assert many.counts() == single.counts()
            assert many.statuses() == single.statuses()
            earlier = results_frame(people(size), many)
            kept = earlier.copy(deep=True)
            assert_results_equal(earlier, results_frame(people(size), single))
            many.settle_many(range(size), many.status(0), to=["later"] * size)
            assert_results_equal(earlier, kept)
            single.settle_many(range(size), single.status(0), to=["later"] * size)
    assert [many.positions(status).tolist() for status in Status] == [
        [place for place, one in enumerate(many.statuses()) if one is status] for status in Status
    ]


def assert_results_equal(left: pd.DataFrame, right: pd.DataFrame) -> None:
    """The two frames are the same, with the same dtypes.

    pandas tells how two frames differ, which takes ten times as long as to see that they do.
    """
    has_same_labels = left.index.identical(right.index) and left.columns.identical(right.columns)
    if not (has_same_labels and left.equals(right)):
        pd.testing.assert_frame_equal(left, right, check_exact=True)
        pytest.fail("the frames differ in a way that pandas does not name")


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"positions": [0, 3]}, IndexError),
        ({"positions": [-1, 0]}, IndexError),
        ({"positions": [1, 1]}, ValueError),
        ({"positions": [0, 1], "to": ["a"]}, ValueError),
        ({"positions": [0, 1], "outcomes": [TAKEN] * 3}, ValueError),
    ],
)
def test_many_rows_are_set_all_or_none(wrong, error):
    """A row that does not exist, a row twice, or values of another number set no row."""
    rows = RowResults(3)
    with pytest.raises(error):
        rows.settle_many(status=Status.ACCEPTED, **wrong)
    assert rows.counts()[Status.UNSENT] == 3
    assert column(rows, "To") == column(rows, "MessageID") == [None] * 3


@pytest.mark.sampled(2)
@pytest.mark.parametrize("storage", STORAGES)
@pytest.mark.parametrize("rows", [PIECE_ROWS - 1, PIECE_ROWS, PIECE_ROWS + 1, 2 * PIECE_ROWS])
def test_long_columns_have_each_row_once(storage, rows):
    """At the boundaries of the pieces that they are made of."""
    results = RowResults(rows)
    places = np.arange(rows)
    outcomes = [Outcome(0, "OK", str(uuid.UUID(int=place)), None) for place in range(rows)]
    to = [f"p{place}@example.com" for place in range(rows)]
    results.settle_many(places[:1], Status.INVALID, reason="empty_body")
    results.settle_many(places[1:], Status.ACCEPTED, outcomes=outcomes[1:], to=to[1:], batch=1)
    with pd.option_context("mode.string_storage", storage):
        frame = results_frame(pd.DataFrame(index=range(rows)), results)
    assert frame["status"].tolist() == ["invalid", *["accepted"] * (rows - 1)]
    assert frame["To"].tolist()[1:] == to[1:]
    assert frame["MessageID"].tolist()[1:] == [one.message_id for one in outcomes[1:]]
    assert frame.iloc[0].isna()[["To", "MessageID", "ErrorCode", "Message", "batch"]].all()
    assert frame["reason"].notna().sum() == 1


@pytest.mark.parametrize("storage", STORAGES)
@settings(max_examples=30)
@given(data=st.data())
def test_the_last_frame_is_like_any_other(storage, data):
    """The memory of a row becomes that of its columns; the counts stay."""
    size = data.draw(st.integers(1, 7))
    kept, last = RowResults(size), RowResults(size)
    for call in data.draw(st.lists(settlements(size), max_size=6)):
        kept.settle_many(**call)
        last.settle_many(**call)
    with pd.option_context("mode.string_storage", storage):
        frame = results_frame(people(size), last, last=True)
        assert_results_equal(frame, results_frame(people(size), kept))
    assert last.counts() == kept.counts()
    assert repr(last) == repr(kept)
    with pytest.raises(IndexError):
        last.settle(0, Status.ACCEPTED, outcome=Outcome(0, "OK", str(uuid.uuid4()), None))


def test_the_last_frame_releases_what_became_its_columns():
    """Of 33 bytes a row, the number of its settlement stays."""
    rows = 200_000
    tracemalloc.start()
    results = RowResults(rows)
    results.settle_uuids(
        np.arange(rows),
        Status.SKIPPED,
        reason="already_sent",
        message="OK",
        uuids=np.ones((rows, 16), dtype=np.uint8),
        changed=False,
    )
    results.columns(last=True)
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held < 6 * rows


def test_counts_have_every_status():
    """A status that no row has counts 0."""
    rows = some_results(7)
    assert rows.counts() == dict.fromkeys(Status, 1) | {Status.ACCEPTED: 2}
    assert "2 accepted" in repr(rows)
    assert RowResults(0).counts() == dict.fromkeys(Status, 0)


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [
        ("2014-02-17T07:25:01.4178645-05:00", 1392639901417864500),
        ("2014-02-17T07:25:01.4178645Z", 1392621901417864500),
        ("2014-02-17T07:25:01Z", 1392621901000000000),
        ("2262-04-11T23:47:16.854775807Z", 2**63 - 1),
    ],
)
def test_a_stamp_keeps_its_seven_digits(text, nanoseconds):
    """Both formats that Postmark writes are read as the same dtype."""
    read = stamps([text, None])
    assert str(read.dtype) == "datetime64[ns, UTC]"
    assert read[0].value == nanoseconds
    assert read[1] is pd.NaT


@pytest.mark.parametrize(
    "text",
    ["", "now", "today", "2014", "20140217", "2014-02-17", "2014-02-17T07:25:01",
     "2014-02-30T00:00:00Z", "x", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.9999999Z",
     "2262-04-11T23:47:16.854775808Z", "\ud800"],
)  # fmt: skip
def test_an_unreadable_stamp_is_missing(text):
    """It never raises and never becomes the present time, and the others are read."""
    good = "2014-02-17T07:25:01.4178645Z"
    for texts in ([text], [good, text], [text, good]):
        assert [pd.isna(stamp) for stamp in stamps(texts)] == [other == text for other in texts]


def test_pickled_results_take_no_more_than_their_cells():
    """The pieces of a column do not each bring the text of all rows."""
    size = 4 * PIECE_ROWS
    rows = RowResults(size)
    rows.settle_many(range(size), Status.UNKNOWN, to=["p000000000@example.com"] * size)
    results = results_frame(pd.DataFrame(index=range(size)), rows)
    pickled = pickle.dumps(results)
    pd.testing.assert_frame_equal(pickle.loads(pickled), results)  # noqa: S301 - our own
    assert len(pickled) < 1.1 * results.memory_usage(index=False, deep=True).sum()


def test_attrs_and_subclass_stay():
    """A subclass of DataFrame comes back as itself, with its attrs."""

    class Customers(pd.DataFrame):
        @property
        def _constructor(self):
            return Customers

    frame = Customers(people())
    frame.attrs = {"source": ["crm"]}
    results = results_frame(frame, RowResults(3))
    assert type(results) is Customers
    assert results.attrs == {"source": ["crm"]}


def test_a_frame_that_forbids_doubled_labels_keeps_forbidding_them():
    """The flag is the caller's as well."""
    frame = people().set_flags(allows_duplicate_labels=False)
    assert not results_frame(frame, RowResults(3)).flags.allows_duplicate_labels


def test_writing_into_the_results_leaves_the_frame_alone():
    """The results share memory with the frame until one of them is changed."""
    frame = people()
    before = copy.deepcopy(frame)
    results = results_frame(frame, RowResults(3))
    results.iloc[0, 0] = "other@example.com"
    results.index.name = "changed"
    pd.testing.assert_frame_equal(frame, before)


def test_a_wide_frame_raises_no_warning_of_a_fragmented_frame():
    """150 columns of an extension dtype are 150 blocks, and insert() would warn."""
    frame = pd.DataFrame({f"c{n}": pd.array(["x"], dtype="string") for n in range(150)})
    assert results_frame(frame, RowResults(1)).shape == (1, 159)


def test_the_summary_counts_in_the_order_of_the_closed_list():
    """Within a status the most rows come first; each line has an example of Postmark's words."""
    rows = RowResults(6)
    rows.settle(0, Status.UNKNOWN, reason="read timeout")
    rows.settle(1, Status.REJECTED, outcome=Outcome(300, "Invalid 'To' address."))
    rows.settle(2, Status.REJECTED, outcome=REFUSED)
    rows.settle(3, Status.REJECTED, outcome=REFUSED)
    rows.settle(4, Status.ACCEPTED, outcome=TAKEN)
    counts = summary(results_frame(people(6).set_axis([1] * 6), rows))
    assert list(counts.columns) == [*("status", "ErrorCode", "reason", "rows", "share", "Message")]
    assert counts["status"].tolist() == ["accepted", "rejected", "rejected", "unsent", "unknown"]
    assert counts["ErrorCode"].tolist() == [0, 406, 300, pd.NA, pd.NA]
    assert counts["rows"].tolist() == [1, 2, 1, 1, 1]
    assert counts["Message"].iloc[:3].tolist() == ["OK", REFUSED.message, "Invalid 'To' address."]
    assert counts["reason"].iloc[4] == "read timeout"


@pytest.mark.parametrize(
    "name", ["empty", "result_names", "duplicate_columns", "duplicated_multi_index"]
)
def test_the_summary_counts_every_row_once(name):
    """The newest results are counted, and dtypes are the same without rows."""
    frame = ZOO[name]()
    counts = summary(results_frame(frame, some_results(len(frame))))
    assert counts["rows"].sum() == len(frame)
    text = text_dtype()
    assert counts.dtypes.tolist() == [text, "Int64", text, "int64", "float64", text]


def test_the_count_of_statuses_is_one_line():
    """Thousands have a comma, 1 row is singular, and a status that no row has is left out."""
    statuses = ["accepted"] * 980 + ["rejected"] * 11 + ["unknown"] * 9
    assert (
        status_sentence(pd.Series(statuses))
        == "1,000 rows: 980 accepted · 11 rejected · 9 unknown."
    )
    assert status_sentence(pd.Series(["unsent"])) == "1 row: 1 unsent."
    assert status_sentence(text_column([])) == "0 rows."


def test_results_are_compact():
    """100,000 rows with all values take 33 bytes each and the text of the recipient."""
    size = 100_000
    stamp = "2014-02-17T07:25:01.4178645-05:00"
    tracemalloc.start()
    rows = RowResults(size)
    for start in range(0, size, 500):
        outcomes = [Outcome(0, "OK", str(uuid.UUID(int=start + n)), stamp) for n in range(500)]
        rows.settle_many(
            range(start, start + 500),
            Status.ACCEPTED,
            outcomes=outcomes,
            to=["p000000000@example.com"] * 500,
            batch=1 + start // 500,
        )
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # a bytearray grows by an eighth
    assert held < size * (33 + 22 * 9 / 8) + 2_000_000
    assert rows.counts()[Status.ACCEPTED] == size
