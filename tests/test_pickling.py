"""Copies and pickles are equal to the original, or the error says why there is none."""

from __future__ import annotations

import copy
import inspect
import pickle
import sys
import traceback
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pandas as pd
import pytest

import mailframe as mf
from mailframe.pandas_versions import HAS_EXPRESSIONS
from tests.campaigns import LETTER, people
from tests.expressions import col

ERRORS = [
    kind
    for kind in vars(mf.errors).values()
    if inspect.isclass(kind) and issubclass(kind, mf.errors.MailframeError)
]
RESULTS = people(3).assign(status="unsent")
WAYS = {
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    **{
        f"pickle {number}": lambda it, n=number: pickle.loads(pickle.dumps(it, n))  # noqa: S301 - our own
        for number in range(6)
    },
}
every_way = pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)


def one_of(kind: type[mf.errors.MailframeError]) -> mf.errors.MailframeError:
    """An error of this class with all of its attributes."""
    if kind is mf.errors.MissingExtra:
        return kind("The part", "extra")
    if issubclass(kind, mf.errors.InvalidRows):
        return kind("what happened", results=RESULTS, problems=RESULTS)
    return (
        kind("what happened", results=RESULTS)
        if issubclass(kind, mf.errors.SendError)
        else kind("what happened")
    )


def same_text(kind: type, made: BaseException, error: BaseException) -> None:
    """Fail unless class, text and notes are those of the first."""
    assert type(made) is kind
    assert (str(made), made.args, getattr(made, "__notes__", [])) == (
        str(error),
        error.args,
        getattr(error, "__notes__", []),
    )


@every_way
@pytest.mark.parametrize("kind", ERRORS)
def test_every_error_is_copied_with_its_attributes(kind, way):
    """Text, notes, results and problems, but not the cause, as for every error of Python."""
    error = one_of(kind)
    error.add_note("a note")
    error.__cause__ = OSError("the cause")
    made = way(error)
    same_text(kind, made, error)
    assert isinstance(made, ImportError) is isinstance(error, ImportError)
    for name in ("results", "problems"):
        if isinstance(getattr(error, name, None), pd.DataFrame):
            pd.testing.assert_frame_equal(getattr(made, name), getattr(error, name))
    if "tblib" not in sys.modules:  # an import of Dask's lets every error keep its cause
        assert made.__cause__ is None


@every_way
def test_an_error_of_a_search_keeps_its_status(way):
    """Its class has two bases."""
    assert way(mf.errors.SearchError("Postmark did not say", status=503)).status == 503


def refused_run(kind: str) -> None:
    """The task of a pool worker: a send that ends with an error that has results."""
    frame = (
        people(3)
        if kind != "invalid"
        else people(3).assign(email=["a@example.com", "nobody", "b@example.com"])
    )
    tokens = None if kind != "token" else ["another-token"]
    with mf.Sandbox(in_process=True, tokens=tokens) as sandbox:
        server = mf.Postmark(
            "wrong-token", base_url="http://127.0.0.1", transport=sandbox.transport()
        )
        frame.mail.compose(LETTER, name="pool").send(server, progress=False, ledger=None)


@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    ("kind", "expected"), [("invalid", "InvalidRows"), ("token", "TokenRefused")]
)
def test_a_process_pool_returns_the_results_of_an_error(kind, expected):
    """An error that cannot be made from its text alone would make the pool hang."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        error = pool.submit(refused_run, kind).exception(timeout=300)
    assert type(error).__name__ == expected
    assert len(error.results) == 3
    assert "refused_run" in "".join(traceback.format_exception(error))


def number_of(frame: pd.DataFrame) -> pd.Series:
    """A function at the top of a module, which pickle stores by its name."""
    return frame["n"].astype(str)


FULL = LETTER.replace(
    cc=["{{ email }}", "ops@acme.example"],
    headers={"X-Team": "data", "X-N": "{{ n }}"},
    attachments=[mf.Attachment("a.txt", b"x", content_id="a.txt", optional=True)],
    html_body='<img src="cid:a.txt"><p>{{ n }}</p>',
    tag=number_of,
    allow_idn_mixed=True,
)


@every_way
@pytest.mark.parametrize(
    "letter", [FULL, mf.Letter.load("sample_data/letters/renewal")], ids=["full", "folder"]
)
def test_a_letter_is_copied_and_pickled(letter, way):
    """Each field is equal, and still cannot be changed."""
    made = way(letter)
    assert made is not letter
    assert repr(made) == repr(letter)
    assert (made.metadata, made.headers, made.folder) == (
        letter.metadata,
        letter.headers,
        letter.folder,
    )
    assert [part for part in made.parts() if part[0] != "tag"] == [
        part for part in letter.parts() if part[0] != "tag"
    ]
    with pytest.raises(TypeError):
        made.metadata["x"] = "y"


@every_way
def test_a_copied_letter_writes_the_same_messages(way):
    """Byte for byte, attachments and functions included."""
    first, second = (people(3).mail.compose(letter, name="x") for letter in (FULL, way(FULL)))
    assert [batch.body for batch in first.batches()] == [batch.body for batch in second.batches()]
    assert first.fingerprint == second.fingerprint


@every_way
def test_a_letter_with_a_series_keeps_its_values(way):
    """A deep copy has a Series of its own."""
    letter = LETTER.replace(subject=people(3)["email"])
    made = way(letter)
    pd.testing.assert_series_equal(made.subject, letter.subject)
    assert (
        people(3).mail.compose(made).messages()["Subject"].tolist() == people(3)["email"].tolist()
    )


@pytest.mark.parametrize("way", [copy.copy, copy.deepcopy])
def test_a_letter_with_pd_col_or_a_lambda_is_copied(way):
    """Neither can change, so the copy holds the same one; pandas itself refuses to copy pd.col."""
    letter = LETTER.replace(
        subject=col("email"),
        tag=lambda frame: frame["email"],
        attachments=mf.Attachment(col("email"), b"x"),
        metadata={"n": col("n")},
    )
    made = way(letter)
    assert made.subject is letter.subject
    first, second = (people(2).mail.compose(one) for one in (letter, made))
    pd.testing.assert_frame_equal(first.messages(), second.messages())
    attachment = way(letter.files()[0])
    assert attachment.name is letter.files()[0].name


COL = r"pd\.col" if HAS_EXPRESSIONS else "a lambda"


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"subject": lambda frame: frame["email"]}, "subject is a lambda"),
        ({"metadata": {"n": col("n")}}, rf"metadata\.n is {COL}"),
        (
            {"attachments": mf.Attachment(col("email"), b"x")},
            rf"attachments\[0\]\.name is {COL}",
        ),
    ],
)
def test_what_pickle_cannot_take_is_named(fields, message, monkeypatch):
    """With the field, and what to write instead; a campaign says the same of its letter."""
    for name in [
        name for name in sys.modules if name.rpartition(".")[2] in ("cloudpickle", "dill")
    ]:
        monkeypatch.delitem(sys.modules, name)
    letter = LETTER.replace(**fields)
    for thing in (letter, people(2).mail.compose(letter, name="x")):
        with pytest.raises(
            mf.errors.NotPicklable, match=f"{message}.*cannot be pickled; write a template such as"
        ):
            pickle.dumps(thing)


@every_way
def test_a_campaign_is_copied_and_pickled(way):
    """It has the same messages, name, key and fingerprint, and a private frame."""
    campaign = people(4).set_index("email", drop=False).mail.compose(FULL, name="hello", key="n")
    campaign.problems()
    made = way(campaign)
    assert (made.name, made.key, repr(made)) == (campaign.name, campaign.key, repr(campaign))
    assert made.fingerprint == campaign.fingerprint
    pd.testing.assert_frame_equal(made.messages(), campaign.messages())
    pd.testing.assert_frame_equal(made.problems(), campaign.problems())


@every_way
def test_what_a_campaign_makes_is_pickled(way):
    """Plan, tour, message, batch, difference, problems and results."""
    campaign = people(4).mail.compose(FULL, name="hello", key="n")
    with mf.Sandbox(in_process=True) as sandbox:
        results = campaign.send(sandbox.server, progress=False, ledger=None)
    things = [
        campaign.plan(),
        campaign.tour(progress=False),
        campaign.message(1),
        next(campaign.batches()),
    ]
    for thing in [*things, campaign.diff(0, 1)]:
        assert repr(way(thing)) == repr(thing)
    for frame in (campaign.problems(), results):
        pd.testing.assert_frame_equal(way(frame), frame)


def test_a_campaign_works_in_another_process():
    """Its messages are made there."""
    campaign = people(3).mail.compose(FULL, name="hello", key="n")
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        there = pool.submit(mf.Campaign.messages, campaign).result(timeout=300)
    pd.testing.assert_frame_equal(there, campaign.messages())


@every_way
def test_a_server_and_a_sandbox_cannot_be_copied(way):
    """A Postmark and a sandbox; the error says what to do in another process."""
    with pytest.raises(
        mf.errors.NotPicklable, match=r"make it where it is needed: mf\.Postmark\(\)"
    ):
        way(mf.Postmark("a-token"))
    with mf.Sandbox(in_process=True) as sandbox:
        with pytest.raises(mf.errors.NotPicklable, match=r"In another process, write mf\.Postmark"):
            way(sandbox)
        with pytest.raises(mf.errors.NotPicklable, match="make it where"):
            way(sandbox.server)
