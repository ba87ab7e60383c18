"""``df.mail`` and a column that is called ``mail`` are never confused silently."""

from __future__ import annotations

import copy
import io
import pickle

import pandas as pd
import pytest

import mailframe as mf
from mailframe.accessor import MailAccessor


def with_column() -> pd.DataFrame:
    """A frame with addresses in a column ``mail``."""
    return pd.DataFrame({"mail": ["ann@example.com", "bob@example.com"], "n": [1, 2]})


@pytest.mark.parametrize(
    "frame", [with_column(), pd.DataFrame({"n": [1, 2]})], ids=["column", "no column"]
)
@pytest.mark.parametrize(
    "value", ["x", ["a", "b"], pd.Series(["a", "b"]), None], ids=["text", "list", "Series", "None"]
)
def test_an_assignment_to_the_attribute_is_refused(frame, value):
    """It would hide the accessor; the frame is unchanged, and the error says what to write."""
    before = frame.copy()
    with pytest.raises(mf.errors.FrameError, match=r'write df\["mail"\] = …'):
        frame.mail = value
    pd.testing.assert_frame_equal(frame, before)
    assert isinstance(frame.mail, MailAccessor)


def test_a_column_called_mail_lives_like_any_other():
    """Set, read, assigned, renamed, deleted, copied, pickled, concatenated and read from a CSV."""
    frame = with_column()
    frame["mail"] = frame["mail"].str.upper()
    frame = frame.assign(mail=frame["mail"].str.lower())
    frame.loc[0, "mail"] = "eve@example.com"
    read = pd.read_csv(io.StringIO(frame.to_csv(index=False)))
    for made in (
        read,
        frame.copy(),
        copy.copy(frame),
        copy.deepcopy(frame),
        pickle.loads(pickle.dumps(frame)),  # noqa: S301 - our own
    ):
        assert made["mail"].tolist() == ["eve@example.com", "bob@example.com"]
        assert isinstance(made.mail, MailAccessor)
    assert pd.concat([frame, frame])["mail"].nunique() == 2
    assert frame.rename(columns={"mail": "email"})["email"].tolist() == frame["mail"].tolist()
    assert frame.query("mail == 'eve@example.com'")["n"].tolist() == [1]
    assert [row.mail for row in frame.itertuples()] == frame["mail"].tolist()
    assert frame.groupby("mail")["n"].sum().tolist() == [2, 1]
    letter = {"sender": "me@acme.example", "to": "{{ mail }}", "text_body": "x"}
    assert frame.mail.compose(**letter).messages()["To"].tolist() == frame["mail"].tolist()
    del frame["mail"]
    assert list(frame) == ["n"]


def test_a_deletion_of_the_attribute_is_refused():
    """As pandas refuses it for any column; the error says what to write."""
    frame = with_column()
    with pytest.raises(AttributeError, match=r'write del df\["mail"\]'):
        del frame.mail
    assert "mail" in frame


@pytest.mark.parametrize("name", ["str", "lower", "iloc", "fillna", "tolist", "values", "dtype"])
def test_an_attribute_of_a_column_is_refused_with_the_column_named(name):
    """An AttributeError, so that ``hasattr`` says False."""
    with pytest.raises(AttributeError, match=rf'write df\["mail"\]\.{name}') as caught:
        getattr(with_column().mail, name)
    assert isinstance(caught.value, mf.errors.FrameError)
    assert not hasattr(with_column().mail, name)


def test_without_such_a_column_the_methods_are_named():
    """A misspelled name gets the list of methods."""
    with pytest.raises(
        AttributeError, match=r"df\.mail has no 'compsoe'; it has compose, nest, summary, "
    ):
        _ = pd.DataFrame({"n": [1]}).mail.compsoe


@pytest.mark.parametrize(
    "use",
    [
        *[
            lambda mail: mail == "x",
            lambda mail: mail != "x",
            lambda mail: mail[0],
            lambda mail: mail[:3],
            list,
        ],
        *[
            lambda mail: mail < "x",
            lambda mail: mail >= "x",
            lambda mail: with_column().assign(copy=mail),
            pd.Series,
        ],
        with_column()["n"].isin,
    ],
    ids=["==", "!=", "[0]", "[:3]", "iteration", "<", ">=", "assign", "Series", "isin"],
)
def test_the_accessor_is_not_read_as_values(use):
    """``df[df.mail == "x"]`` looked for a column called False."""
    with pytest.raises(mf.errors.FrameError, match=r'the column is df\["mail"\]'):
        use(with_column().mail)


def test_a_value_of_the_column_is_not_set_through_the_accessor():
    """``df.mail[0] = …`` is refused with the line that sets it."""
    frame = with_column()
    with pytest.raises(mf.errors.FrameError, match=r'write df\.loc\[0, "mail"\] = …'):
        frame.mail[0] = "eve@example.com"
    assert frame["mail"].tolist() == with_column()["mail"].tolist()


def test_the_protocols_of_copy_and_notebooks_are_not_disturbed():
    """They ask for attributes that are not there, and get an AttributeError."""
    mail = with_column().mail
    for made in (copy.copy(mail), copy.deepcopy(mail), pickle.loads(pickle.dumps(mail))):  # noqa: S301 - our own
        assert repr(made) == repr(mail)
    assert not hasattr(mail, "_repr_html_")
    assert not hasattr(mail, "_ipython_canary_method_should_not_exist_")
    assert {mail}
    assert "mail" in dir(with_column())
    assert pd.DataFrame.mail is MailAccessor


class Special(pd.DataFrame):
    """A subclass of DataFrame, as in geopandas."""

    @property
    def _constructor(self) -> type[Special]:
        return Special


def test_a_subclass_of_dataframe_has_it_too():
    """Also after a method of pandas made a new DataFrame."""
    frame = Special(with_column()).assign(x=1)
    assert type(frame) is Special
    assert isinstance(frame.mail, MailAccessor)
    with pytest.raises(mf.errors.FrameError, match="not a column"):
        frame.mail = 1
