"""One campaign from consent to clicks, with a kill; every number is that of the sandbox."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import mailframe as mf

ROWS = 20_000
IN_FLIGHT = 4 * 500
LETTER = mf.Letter(
    sender="Acme <hello@acme.example>",
    to="{{ email }}",
    subject="Spring",
    html_body='<a href="https://acme.example/a">a</a> <a href="https://acme.example/b">b</a>',
    text_body="https://acme.example/a",
    tag="spring",
    message_stream="broadcast",
    track_opens=True,
    track_links="HtmlAndText",
)
SEND = {"exclude": list(range(100, 160)), "at_most": "1 per 7 days", "rate": "4000/s"}
"""Postmark lists 10,000 messages of one second; a quick machine would send more."""
SUPPRESSED = [f"p{number}@example.com" for number in range(1_000, 1_020)]


def people() -> pd.DataFrame:
    """Every tenth has not consented; two thousand had another campaign this week."""
    numbers = np.arange(ROWS)
    return pd.DataFrame(
        {
            "id": numbers,
            "email": [f"p{number}@example.com" for number in numbers],
            "consented": numbers % 10 != 3,
            "country": np.array(["at", "de", "ch", "fr"])[numbers % 4],
        }
    )


def campaign(frame: pd.DataFrame) -> mf.Campaign:
    """A twentieth is held out, and the others get one of two letters."""
    return frame.mail.compose(
        LETTER,
        name="spring",
        key="id",
        consent="consented",
        holdout=0.05,
        variants={"calm": {}, "loud": {"subject": "SPRING!"}},
        seed="spring",
    )


CHILD = """
    import sys
    import mailframe as mf
    from tests.test_whole_campaign import SEND, campaign, people
    server = mf.Postmark("any", base_url=sys.argv[1])
    campaign(people()).send(server, ledger=sys.argv[2], progress=False, **SEND)
"""


def send_and_kill(sandbox: mf.Sandbox, ledger: Path) -> None:
    """A process sends, and is killed after some batches."""
    child = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(CHILD), sandbox.url, str(ledger)],
        cwd=Path(__file__).parent.parent,
    )
    until = time.monotonic() + 120
    while len(sandbox.messages()) < 5_000 and time.monotonic() < until:
        assert child.poll() is None
        time.sleep(0.05)
    child.kill()
    child.wait()


@pytest.mark.slow
def test_a_whole_campaign(tmp_path):
    """Who got it, who did not and why, what they did, and what the sandbox knows of it."""
    frame, ledger = people(), tmp_path / "ledger.sqlite3"
    with mf.Sandbox(suppressions={"broadcast": SUPPRESSED}) as sandbox:
        server = sandbox.server
        winter = frame.query("id >= 18_000").mail.compose(LETTER, name="winter", key="id", tag="w")
        winter.send(server, ledger=ledger, progress=False)
        send_and_kill(sandbox, ledger)
        results = campaign(frame).send(server, ledger=ledger, progress=False, **SEND)
        again = campaign(frame.sample(frac=1, random_state=1)).send(
            server, ledger=ledger, progress=False, **SEND
        )
        expected = sandbox.simulate(opens=0.4, clicks=0.1, bounces=0.02, seed=7, tag="spring")
        expected = expected.frame().iloc[:, 0]
        arrived = sandbox.messages().query("Tag == 'spring'")
        outcomes = results.mail.refresh(server)
        asked = len(sandbox.requests())
        pd.testing.assert_frame_equal(outcomes.mail.refresh(server), outcomes)
        assert len(sandbox.requests()) - asked < 80  # rows of an earlier run are listed again
        _check_sent(results, again.sort_index(), arrived)
        _check_outcomes(outcomes, sandbox, expected)


def _check_sent(results: pd.DataFrame, again: pd.DataFrame, arrived: pd.DataFrame) -> None:
    got = results["MessageID"].notna()
    assert Counter(arrived["To"]) == Counter(results.loc[got, "email"])
    assert arrived["To"].is_unique
    reasons = results["reason"].value_counts()
    assert reasons["no_consent"] == ROWS // 10
    assert reasons["excluded"] == 54  # of sixty, six have not consented
    assert reasons["suppressed"] == 18
    assert reasons["frequency_cap"] == 1_800
    assert reasons["already_sent"] >= 2_500
    left = ~results["reason"].isin(["no_consent", "excluded", "suppressed", "frequency_cap"])
    held = results["reason"] == "holdout"
    assert (held == (left & results["holdout"])).all()
    assert not (held & got).any()
    assert 700 < held.sum() < 900
    loud = arrived.set_index("To")["Subject"].eq("SPRING!")
    assert (
        results.loc[got, "variant"].eq("loud").tolist() == loud[results.loc[got, "email"]].tolist()
    )
    for column in ("variant", "holdout"):
        assert again[column].tolist() == results[column].tolist()
    lost = results["status"] == "unknown"  # the killed process posted it, in vain
    assert lost.sum() <= IN_FLIGHT
    assert again["status"].tolist() == np.where(lost, "unknown", "skipped").tolist()


def _check_outcomes(outcomes: pd.DataFrame, sandbox: mf.Sandbox, expected: pd.Series) -> None:
    stages = outcomes.mail.funnel()["rows"]
    for stage in ("opened", "clicked", "bounced"):
        assert stages[stage] == expected[stage]
    events = sandbox.events()
    events = events[events["MessageID"].isin(outcomes["MessageID"])]
    clicks = events[events["RecordType"] == "Click"]
    assert outcomes["clicks"].sum() == len(clicks)
    by_variant = outcomes.mail.funnel("variant")["rows"].groupby("stage").sum()
    assert by_variant["clicked"] == expected["clicked"]
    compared = outcomes.mail.compare("clicked").loc["variant"]
    assert compared["successes"].sum() == expected["clicked"]
    is_posted = outcomes["MessageID"].notna() | (outcomes["status"] == "unknown")
    assert compared["n"].sum() == is_posted.sum()
    bought = outcomes.assign(bought=outcomes["id"] % 7 == 0).mail.compare("bought").loc["holdout"]
    assert bought.loc["holdout", "n"] == (outcomes["reason"] == "holdout").sum()
    links = outcomes.mail.links().set_index("link")["clicks"]
    assert links.sum() == len(clicks)
