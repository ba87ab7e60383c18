"""Campaigns that several test modules send, and a judge: results compared with the sandbox."""

from __future__ import annotations

from collections import Counter

import pandas as pd

import mailframe as mf
from mailframe.paths import ledger_path
from mailframe.send.options import SendOptions
from mailframe.send.retry_policy import RetryPolicy
from mailframe.send.run import send

QUICK = RetryPolicy(first_wait_s=0.05, search_s=0.5)

LETTER = mf.Letter(
    sender="Acme <hello@acme.example>",
    to="{{ email }}",
    subject="Number {{ n }}",
    text_body="You are number {{ n }}.",
    metadata={"n": "{{ n }}"},
)


def people(rows: int) -> pd.DataFrame:
    """As many people, each with an address and a number."""
    return pd.DataFrame({"email": [f"p{n}@example.com" for n in range(rows)], "n": range(rows)})


def campaign(rows: int, **fields) -> mf.Campaign:
    """A small letter to as many people."""
    return people(rows).mail.compose(LETTER, name="numbers", **fields)


def send_with(
    composed: mf.Campaign, server: mf.Postmark, *, ledger: str | None = "default", **options
) -> pd.DataFrame:
    """Send with options that the public signature lacks, above all a quicker retry policy.

    Suppressed people are rejected by Postmark, as an example of rejections.
    """
    options = {"retry_policy": QUICK, "progress": False, "check_suppressed": False, **options}
    return send(composed._composed, server, SendOptions(ledger=ledger_path(ledger), **options))


def judge(results: pd.DataFrame, sandbox: mf.Sandbox) -> None:
    """Fail if anybody got two copies, if an id is another row's, or if a status is not true."""
    arrived = sandbox.messages()
    copies = Counter(arrived["To"])
    assert not {to: n for to, n in copies.items() if n > 1}, "somebody got two copies"
    ids = dict(zip(arrived["MessageID"], arrived["To"], strict=True))
    statuses = set(mf.Status)
    for email, status, message_id in zip(
        results["email"], results["status"], results["MessageID"], strict=True
    ):
        assert status in statuses
        if status == "accepted":
            assert ids.get(message_id) == email, "an id that is another row's, or unknown"
        else:
            assert pd.isna(message_id)
        if status in ("unsent", "rejected", "invalid", "skipped"):
            assert copies[email] == 0, f"{email} is {status} and was mailed all the same"
