"""What mailframe makes of the differences between pandas 2 and pandas 3."""

from __future__ import annotations

import re
import warnings
from pathlib import Path

import pandas as pd
import pytest

import mailframe as mf
from mailframe import pandas_versions
from mailframe.pandas_versions import HAS_EXPRESSIONS, text_dtype
from tests.campaigns import LETTER, people, send_with

PACKAGE = Path(mf.__file__).parent
IS_2 = pd.__version__.startswith("2.")


def test_no_other_module_asks_for_the_version_of_pandas():
    """Nor for what only one of them has."""
    asks = re.compile(
        r"(?:pd|pandas)\.__version__|hasattr\(pd|copy_on_write|infer_string|na_value=np\.nan"
        r"|dtype=\"str\"|copy\(deep=|pd\.col\("
    )
    found_in = {
        str(path.relative_to(PACKAGE)): asks.findall(path.read_text(encoding="utf-8"))
        for path in PACKAGE.rglob("*.py")
    }
    assert [name for name, uses in found_in.items() if uses] == ["pandas_versions.py"]


# --- copies ---------------------------------------------------------------------------------------


def by_cell(frame):
    """One cell is assigned."""
    frame.loc[0, "n"] = -1


def by_column(frame):
    """A column is assigned."""
    frame["n"] = -1


def by_place(frame):
    """Cells are assigned in place."""
    frame.iloc[:, 1] = -1


def by_array(frame):
    """An array of a column is written to, where pandas allows it."""
    values = frame["n"].to_numpy()
    if values.flags.writeable:
        values[:] = -1


@pytest.mark.parametrize("change", [by_cell, by_column, by_place, by_array])
@pytest.mark.parametrize("ahead", [False, True], ids=["of copies", "of the frame"])
def test_a_later_change_of_a_frame_has_no_effect(change, ahead):
    """Whether pandas copies on write or not; also of what a callable gets."""
    frame = people(3)

    def spoils(given):
        if not ahead:
            change(given)
        return given["email"]

    campaign = frame.mail.compose(LETTER.replace(tag=spoils), name="copies")
    if ahead:
        change(frame)
    else:
        pd.testing.assert_frame_equal(frame, people(3))
    assert campaign.messages()["Subject"].tolist() == ["Number 0", "Number 1", "Number 2"]


# --- text -----------------------------------------------------------------------------------------


def texts_of(results):
    """The columns of results that are text."""
    return results[["status", "reason", "MessageID", "Message", "To"]]


@pytest.mark.parametrize("infers", [False, True])
def test_text_has_the_dtype_that_pandas_gives_to_text(infers, tmp_path):
    """In results and in what is read of a file; NaN is missing."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pandas 3.1: that it may end
        with pd.option_context("future.infer_string", infers):
            expected = pd.Series(["a"]).dtype
            with mf.Sandbox(in_process=True, suppressions=["p1@example.com"]) as sandbox:
                results = send_with(people(3).mail.compose(LETTER, name="text"), sandbox.server)
                arrived = sandbox.messages()
            results.mail.to_csv(tmp_path / "results.csv")
            results.mail.to_parquet(tmp_path / "results.parquet")
            read = [mf.read_results(tmp_path / f"results.{kind}") for kind in ("csv", "parquet")]
            for frame in (texts_of(results), *map(texts_of, read), arrived[["To", "Cc", "Tag"]]):
                assert set(frame.dtypes) == {expected}
            for one in read:
                pd.testing.assert_frame_equal(one, results)
            assert results["reason"].map(type).tolist() == [float, str, float]
            assert arrived["Cc"].isna().all()
            assert (results["reason"] != "inactive_recipient").tolist() == [True, False, True]


def test_missing_texts_are_never_the_words_none_or_nan():
    """Pandas 2 makes these words of missing values where a dtype is called str."""
    for column in (
        pandas_versions.text_column(["a", None]),
        pandas_versions.as_dtype(pd.Series(["a", None], dtype=object), "str"),
        pandas_versions.as_dtype(pd.Series(["a", pd.NA], dtype="string"), "str"),
        pandas_versions.as_dtype(pd.Series(["a", None]), "str"),
    ):
        assert (column.dtype, column.iloc[0], type(column.iloc[1])) == (text_dtype(), "a", float)


def test_the_text_dtype_is_str_from_pandas_3_on():
    """And object before, where ``pd.col`` is missing as well."""
    assert (str(text_dtype()), HAS_EXPRESSIONS) == (("object", False) if IS_2 else ("str", True))


# --- texts for people -----------------------------------------------------------------------------


@pytest.mark.parametrize("value", [object(), pd.Series(["a", "b"], index=[7, 8])])
def test_an_error_names_only_what_this_pandas_has(value):
    """``pd.col`` where there is one."""
    with pytest.raises(mf.errors.LetterError, match="a callable") as refused:
        people(2).mail.compose(LETTER.replace(tag=value), name="error")
    assert ("pd.col" in str(refused.value)) == HAS_EXPRESSIONS
