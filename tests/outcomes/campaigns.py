"""Campaigns of which the sandbox knows all outcomes, and a transport between it and the client."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pandas as pd

import mailframe as mf
from mailframe.outcomes.columns import OUTCOME_DTYPES

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LETTER = mf.Letter(
    sender="Acme <news@acme.example>",
    to="{{ email }}",
    subject="Autumn",
    html_body='<a href="https://acme.example/a">A</a> <a href="https://acme.example/b">B</a>',
    text_body="https://acme.example/a",
    tag="autumn",
    message_stream="broadcast",
    track_opens=True,
    track_links="HtmlAndText",
)
RATES: dict[str, Any] = {
    "opens": 0.5,
    "clicks": 0.2,
    "bounces": 0.05,
    "complaints": 0.02,
    "unsubscribes": 0.05,
    "seed": 1,
}
COLUMNS = [*OUTCOME_DTYPES]
ROWS = 300


def people(rows: int = ROWS) -> pd.DataFrame:
    """A frame whose index says nothing about positions."""
    frame = pd.DataFrame({"email": [f"p{n}@example.com" for n in range(rows)]})
    return frame.assign(plan=["free", "pro", "pro"] * (rows // 3)).set_index(frame.index[::-1] * 7)


def campaign(letter: mf.Letter = LETTER, *, rows: int = ROWS, name: str = "autumn") -> mf.Campaign:
    """A campaign over them."""
    return people(rows).mail.compose(letter, name=name)


def sent(
    sandbox: mf.Sandbox, folder: Path, letter: mf.Letter = LETTER, *, rows: int = ROWS
) -> pd.DataFrame:
    """The results of a campaign with a ledger."""
    ledger = str(folder / "ledger.sqlite")
    return campaign(letter, rows=rows).send(sandbox.server, ledger=ledger, progress=False)


def truth(sandbox: mf.Sandbox, results: pd.DataFrame) -> pd.DataFrame:
    """The columns of outcomes as the sandbox knows them, made from its events one by one.

    Postmark lists the first open of a recipient; no list says when a message was delivered, or
    because of which message a recipient unsubscribed.
    """
    times: dict[tuple[str, str], list[pd.Timestamp]] = {}
    events = sandbox.events()
    for message_id, kind, at in zip(
        *map(events.get, ("MessageID", "RecordType", "At")), strict=True
    ):
        times.setdefault((message_id, kind), []).append(at)
    types = sandbox.bounces().set_index("MessageID")["Type"]
    streams = sandbox.messages().set_index("MessageID")["MessageStream"]
    left = {stream: _unsubscribed(sandbox, stream) for stream in streams.unique()}
    rows = []
    for message_id, address in zip(results["MessageID"], results["email"], strict=True):
        row: dict[str, Any] = dict.fromkeys(COLUMNS)
        opens, clicks = (times.get((message_id, kind), []) for kind in ("Open", "Click"))
        row["opens"], row["clicks"] = min(len(opens), 1), len(clicks)
        row["opened_at"], row["clicked_at"] = (min(one, default=None) for one in (opens, clicks))
        row["bounce_type"] = types.get(message_id)
        row["unsubscribed_at"] = left[streams[message_id]].get(address)
        row["outcome"] = _word(row)
        rows.append(row)
    return pd.DataFrame(rows, index=results.index)


def _unsubscribed(sandbox: mf.Sandbox, stream: str) -> dict[str, pd.Timestamp]:
    """When each address unsubscribed from a stream."""
    rows = sandbox.suppressions(stream).query("SuppressionReason == 'ManualSuppression'")
    return dict(zip(rows["EmailAddress"], rows["CreatedAt"], strict=True))


def _word(row: dict[str, Any]) -> str:
    if row["bounce_type"] == "SpamComplaint":
        return "complained"
    for name, word in (("unsubscribed_at", "unsubscribed"), ("clicked_at", "clicked")):
        if row[name] is not None:
            return word
    if row["opened_at"] is not None:
        return "opened"
    return "accepted" if row["bounce_type"] is None else "bounced"


def assert_true(refreshed: pd.DataFrame, sandbox: mf.Sandbox) -> None:
    """Every cell is what the sandbox knows; the detail of a bounce is its reply."""
    wanted = truth(sandbox, refreshed)
    for name in COLUMNS:
        if name == "bounce_detail":
            assert refreshed[name].notna().tolist() == wanted["bounce_type"].notna().tolist()
            continue
        column = refreshed[name].astype(object)
        left = column.where(column.notna(), None).tolist()
        right = wanted[name].astype(object).where(wanted[name].notna(), None).tolist()
        assert left == right, name


class Between(httpx.BaseTransport):
    """Passes requests on to the sandbox, after *see* was called with each and its number.

    Args:
        sandbox: the sandbox.
        see: may raise, or return a reply or another request in place of this one.
    """

    def __init__(self, sandbox: mf.Sandbox, see: Callable[[httpx.Request, int], Any]) -> None:
        self.inner, self.see, self.requests = sandbox.transport(), see, 0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """The reply of *see*, or that of the sandbox."""
        self.requests += 1
        seen = self.see(request, self.requests)
        if isinstance(seen, httpx.Response):
            return seen
        return self.inner.handle_request(request if seen is None else seen)


def through(sandbox: mf.Sandbox, see: Callable[[httpx.Request, int], Any]) -> mf.Postmark:
    """A server that reaches the sandbox through ``Between``."""
    return mf.Postmark(sandbox.token, base_url="http://127.0.0.1", transport=Between(sandbox, see))
