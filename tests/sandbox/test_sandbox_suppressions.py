"""The suppressions of a stream over HTTP: dump, create, delete; codes 1404 to 1411."""

from __future__ import annotations

import pytest

from tests.sandbox.sandbox_calls import Calls
from tests.sandbox.sandbox_mail import mail

PATH = "/message-streams/outbound/suppressions"
NO_AUTHORITY = "You do not have the required authority to change this suppression."
DAY_NS = 86_400_000_000_000


@pytest.fixture
def calls(sandbox) -> Calls:
    """Calls of one sandbox."""
    return Calls(sandbox)


def body(*addresses):
    """The body of a change."""
    return {"Suppressions": [{"EmailAddress": address} for address in addresses]}


def dumped(calls, **query):
    """The addresses of a dump."""
    return [one["EmailAddress"] for one in calls.ok("GET", f"{PATH}/dump", **query)["Suppressions"]]


def test_a_created_suppression_is_inactive_until_it_is_deleted(calls):
    """On its stream only; the address is echoed as it was sent and kept in lower case."""
    answer = calls.ok("POST", PATH, body("Gone@Example.com"))
    item = {"EmailAddress": "Gone@Example.com", "Status": "Suppressed", "Message": None}
    assert answer == {"Suppressions": [item]}
    (entry,) = calls.ok("GET", f"{PATH}/dump")["Suppressions"]
    assert entry.pop("CreatedAt").endswith("Z")
    assert entry == {
        "EmailAddress": "gone@example.com",
        "SuppressionReason": "ManualSuppression",
        "Origin": "Customer",
    }
    assert calls.code("POST", "/email", mail(To="gone@example.com")) == 406
    calls.ok("POST", "/email", mail(To="gone@example.com", MessageStream="broadcast"))
    answer = calls.ok("POST", f"{PATH}/delete", body("gone@example.COM"))
    assert answer["Suppressions"][0]["Status"] == "Deleted"
    assert dumped(calls) == []
    calls.ok("POST", "/email", mail(To="gone@example.com"))


def test_each_address_has_its_status_in_order(calls):
    """A wrong address fails, one that is listed twice is suppressed once, one more is deleted."""
    calls.ok("POST", PATH, body("a@example.com"))
    wrong = ["invalid-email", "Ann <ann@example.com>", "a@example.com,b@example.com", "", "a@b"]
    answer = calls.ok("POST", PATH, body("a@example.com", *wrong, "a@example.com"))
    statuses = [one["Status"] for one in answer["Suppressions"]]
    assert statuses == ["Suppressed", *["Failed"] * 5, "Suppressed"]
    messages = {one["Message"] for one in answer["Suppressions"][1:6]}
    assert messages == {"An invalid email address was provided."}
    assert dumped(calls) == ["a@example.com"]
    answer = calls.ok("POST", f"{PATH}/delete", body("never@example.com", "wrong"))
    assert [one["Status"] for one in answer["Suppressions"]] == ["Deleted", "Failed"]


def test_a_complaint_and_an_unsubscribe_cannot_be_changed(calls):
    """Postmark's pages for the complaint, the source of postmark-php for the unsubscribe."""
    calls.sandbox.suppress("spam@example.com", reason="SpamComplaint")
    store = calls.sandbox._store
    store.suppressions.add(
        store.first_server,
        "outbound",
        "left@example.com",
        reason="ManualSuppression",
        origin="Recipient",
    )
    answer = calls.ok("POST", f"{PATH}/delete", body("spam@example.com", "left@example.com"))
    assert {(one["Status"], one["Message"]) for one in answer["Suppressions"]} == {
        ("Failed", NO_AUTHORITY)
    }
    answer = calls.ok("POST", PATH, body("spam@example.com", "left@example.com"))
    assert [one["Status"] for one in answer["Suppressions"]] == ["Failed", "Suppressed"]
    assert len(dumped(calls)) == 2


def test_deleting_a_hard_bounce_reactivates_the_address(calls):
    """As Postmark's page says."""
    address = "hardbounce@bounce-testing.postmarkapp.com"
    calls.ok("POST", "/email", mail(To=address))
    assert dumped(calls, SuppressionReason="HardBounce", Origin="recipient") == [address]
    calls.ok("POST", f"{PATH}/delete", body(address))
    calls.ok("POST", "/email", mail(To=address))


def test_a_dump_is_filtered(calls):
    """Names of parameters and choices ignore case; count and offset are ignored (S: gem)."""
    calls.ok("POST", PATH, body("mine@example.com", "mine+tag@example.com"))
    calls.sandbox.suppress("hard@example.com")
    for query, addresses in (
        ({"emailAddress": "MINE@example.com"}, ["mine@example.com"]),
        ({"EmailAddress": "mine+tag@example.com"}, ["mine+tag@example.com"]),
        ({"emailaddress": "invalid"}, []),
        ({"origin": "Admin"}, []),
        ({"Origin": "customer", "suppressionReason": "ManualSuppression"}, 2),
        ({"SuppressionReason": "HardBounce"}, ["hard@example.com"]),
        ({"SuppressionReason": "HardBounce", "Origin": "Customer"}, []),
        ({"offset": 0, "count": 1}, 3),
        ({"SuppressionReason": "", "EmailAddress": ""}, 3),
    ):
        matches = dumped(calls, **query)
        assert (len(matches) if isinstance(addresses, int) else matches) == addresses


def test_a_dump_is_filtered_by_days(calls):
    """Both days are included."""
    clock = calls.sandbox._store.clock
    calls.ok("POST", PATH, body("first@example.com"))
    (entry,) = calls.ok("GET", f"{PATH}/dump")["Suppressions"]
    clock.advance(3 * DAY_NS)
    calls.ok("POST", PATH, body("second@example.com"))
    day = entry["CreatedAt"][:10]
    early = f"{int(day[:4]) - 1}{day[4:8]}01"
    assert dumped(calls, fromdate=early) == ["first@example.com", "second@example.com"]
    assert dumped(calls, todate=f"{day}T23:59:59") == ["first@example.com"]
    assert dumped(calls, todate=early) == []


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"SuppressionReason": "Bored"}, 1404),
        ({"Origin": "Nobody"}, 1405),
        ({"fromdate": "yesterday"}, 900),
        ({"todate": "2026-13-01"}, 900),
    ],
)
def test_a_wrong_filter_is_refused(calls, query, code):
    """With its code."""
    assert calls.code("GET", f"{PATH}/dump", **query) == code


@pytest.mark.parametrize("path", ["", "/delete"])
@pytest.mark.parametrize(
    ("sent", "code"),
    [
        ({}, 1409),
        (None, 1409),
        ({"Suppressions": None}, 1409),
        ({"Suppressions": "a@example.com"}, 1409),
        ({"Suppressions": ["a@example.com"]}, 1409),
        ({"Suppressions": [{"Email": "a@example.com"}]}, 1411),
        ({"Suppressions": [{"EmailAddress": 7}]}, 403),
        ([], 403),
        (body(*[f"p{number}@example.com" for number in range(51)]), 1410),
    ],
)
def test_a_wrong_body_is_refused(calls, path, sent, code):
    """With its code; nothing is suppressed."""
    assert calls.code("POST", PATH + path, sent) == code
    assert dumped(calls) == []


def test_fifty_addresses_are_accepted(calls):
    """And the keys ignore case."""
    sent = [{"emailaddress": f"p{number}@example.com"} for number in range(50)]
    assert len(calls.ok("POST", PATH, {"suppressions": sent})["Suppressions"]) == 50
    assert len(dumped(calls)) == 50


@pytest.mark.parametrize(("method", "path"), [("GET", "/dump"), ("POST", ""), ("POST", "/delete")])
def test_an_unknown_stream_is_1226(calls, method, path):
    """Before the body is read."""
    assert calls.code(method, f"/message-streams/no-such/suppressions{path}") == 1226
