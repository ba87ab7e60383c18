"""``mf.outcomes``: a campaign whose results are gone."""

from __future__ import annotations

import httpx
import numpy as np
import pandas as pd
import pytest

import mailframe as mf
from mailframe.errors import AccountError, LedgerError, MailframeError
from tests.outcomes.campaigns import COLUMNS, RATES, sent, through

RESULTS = ["status", "MessageID", "To", *COLUMNS]


@pytest.fixture
def sandbox():
    """A sandbox without a socket."""
    with mf.Sandbox(in_process=True) as started:
        yield started


def test_it_is_what_a_refresh_of_the_results_has(sandbox, tmp_path):
    """Row by row in the order of sending; a refresh goes on from there."""
    results = sent(sandbox, tmp_path)
    sandbox.simulate(**RATES, over="2d")
    ledger = tmp_path / "ledger.sqlite"
    sandbox.advance("1d")
    by_name = mf.outcomes("autumn", sandbox.server, ledger=ledger, progress=False)
    for step in ("0s", "1d"):
        sandbox.advance(step)
        results = results.mail.refresh(sandbox.server, progress=False)
        by_name = by_name.mail.refresh(sandbox.server, progress=False)
        wanted = results[RESULTS].reset_index(drop=True)
        pd.testing.assert_frame_equal(pd.DataFrame(by_name[RESULTS]), pd.DataFrame(wanted))
    late = (by_name["SubmittedAt"].array - results["SubmittedAt"].array) / np.timedelta64(1, "s")
    assert (abs(late) < 5).all()
    assert by_name["key"].str.fullmatch("[0-9a-f]{32}").all()
    assert by_name["key"].is_unique
    by_name.mail.to_csv(tmp_path / "outcomes.csv")
    pd.testing.assert_frame_equal(mf.read_results(tmp_path / "outcomes.csv"), by_name)


def test_what_postmark_does_not_store_is_missing(tmp_path):
    """The ledger still has the MessageIDs."""
    with mf.Sandbox(in_process=True, keep=10) as sandbox:
        sent(sandbox, tmp_path, rows=30)
        ledger = tmp_path / "ledger.sqlite"
        by_name = mf.outcomes("autumn", sandbox.server, ledger=ledger, progress=False)
        assert by_name["MessageID"].notna().all()
        for column in ("To", "SubmittedAt", "opens", "clicks"):
            assert by_name[column].isna().tolist() == [True] * 20 + [False] * 10


def test_an_error_has_what_was_read_before(sandbox, tmp_path):
    """With the recipients."""
    sent(sandbox, tmp_path, rows=30)

    def see(request: httpx.Request, _number: int) -> httpx.Response | None:
        is_last = request.url.path == "/bounces"
        return httpx.Response(200, json={"status": "ok"}) if is_last else None

    with pytest.raises(AccountError) as caught:
        mf.outcomes("autumn", through(sandbox, see), ledger=tmp_path / "ledger.sqlite")
    assert caught.value.results["To"].notna().all()
    assert (caught.value.results["opens"] == 0).all()


@pytest.mark.parametrize(
    ("name", "options", "refusal"),
    [
        ("spring", {}, (LedgerError, "no campaign 'spring' of this server")),
        (None, {}, (LedgerError, "needs the name of a campaign")),
        ("autumn", {"ledger": None}, (LedgerError, "and a ledger")),
        ("autumn", {"details": 1.5}, (MailframeError, "details=1.5 is not a number")),
        ("autumn", {"server": mf.Postmark("POSTMARK_API_TEST")}, (AccountError, "test token")),
    ],
)
def test_what_is_wrong_is_refused(sandbox, tmp_path, name, options, refusal):
    """Before Postmark is asked for a list."""
    sent(sandbox, tmp_path, rows=30)
    given = {"server": sandbox.server, "ledger": tmp_path / "ledger.sqlite"} | options
    asked = sandbox.requests()["path"].tolist()
    with pytest.raises(refusal[0], match=refusal[1]):
        mf.outcomes(name, given.pop("server"), **given)
    assert set(sandbox.requests()["path"].tolist()[len(asked) :]) <= {"/server"}
