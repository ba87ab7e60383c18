"""Campaigns of the tests of what becomes of messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.sandbox.sandbox_mail import client, mail

if TYPE_CHECKING:
    from mailframe.sandbox import LocalPostmark

HTML = (
    '<p>Hi</p><a href="https://acme.example/a">A</a>'
    '<a href="https://acme.example/b?x=1&amp;y=2">B</a><a href="#top">C</a>'
    '<a href="mailto:ann@example.com">D</a><a href="{{{ pm:unsubscribe }}}">E</a>'
)
TRACKED = {"TrackOpens": True, "TrackLinks": "HtmlAndText"}


def campaign(
    sandbox: LocalPostmark, count: int = 100, *, batch: int = 500, first: int = 0, **fields: Any
) -> list[str]:
    """Send *count* messages in batches; returns their MessageIDs."""
    fields = {"HtmlBody": HTML, "Tag": "autumn", **TRACKED} | fields
    messages = [
        mail(**{"To": f"user{number}@example.com"} | fields)
        for number in range(first, first + count)
    ]
    with client(sandbox) as http:
        return [
            item["MessageID"]
            for start in range(0, count, batch)
            for item in http.post("/email/batch", json=messages[start : start + batch]).json()
        ]


def outcome(sandbox: LocalPostmark) -> list[tuple[str, str, str]]:
    """Kind, recipient and link of each event, without IDs and times, in alphabetical order."""
    events = sandbox.events()
    links = [details.get("OriginalLink", "") for details in events["Details"]]
    return sorted(zip(events["RecordType"], events["Recipient"], links, strict=True))
