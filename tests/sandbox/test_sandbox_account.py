"""Domains, sender signatures and data removals of the account (codes 500 to 523, 1300, 1301)."""

from __future__ import annotations

import pytest

from mailframe.errors import SandboxError
from mailframe.sandbox import LocalPostmark
from tests.sandbox.sandbox_calls import Calls
from tests.sandbox.sandbox_mail import mail

RECORDS = {  # recorded by postmarker
    "SPFVerified",
    "SPFHost",
    "SPFTextValue",
    "DKIMVerified",
    "WeakDKIM",
    "DKIMHost",
    "DKIMTextValue",
    "DKIMPendingHost",
    "DKIMPendingTextValue",
    "DKIMRevokedHost",
    "DKIMRevokedTextValue",
    "SafeToRemoveRevokedKeyFromDNS",
    "DKIMUpdateStatus",
    "ReturnPathDomain",
    "ReturnPathDomainVerified",
    "ReturnPathDomainCNAMEValue",
}
TRACKING = {"CustomTrackingDomain", "CustomTrackingDomainCNAMEValue", "CustomTrackingVerified"}
NEW = {"FromEmail": "ann@acme.test", "Name": "Ann"}
PAGE = {"count": 50, "offset": 0}


@pytest.fixture
def calls(sandbox) -> Calls:
    """Calls of one sandbox."""
    return Calls(sandbox)


@pytest.fixture
def strict():
    """Calls of a sandbox with a list of senders."""
    with LocalPostmark(in_process=True, senders=["acme.example", "Bob@Other.example"]) as sandbox:
        yield Calls(sandbox)


def test_a_new_domain_has_the_recorded_keys(calls):
    """With a key that waits to be verified."""
    domain = calls.ok("POST", "/domains", {"Name": "acme.test", "ReturnPathDomain": None})
    assert set(domain) == {"Name", "ID"} | RECORDS | TRACKING
    assert domain["DKIMPendingHost"].endswith("pm._domainkey.acme.test")
    assert domain["DKIMPendingTextValue"].startswith("k=rsa; p=")
    assert (domain["DKIMVerified"], domain["DKIMUpdateStatus"]) == (False, "Pending")
    assert domain["ReturnPathDomainCNAMEValue"] == "pm.mtasv.net"
    assert calls.ok("GET", f"/domains/{domain['ID']}") == domain
    listed = calls.ok("GET", "/domains", **PAGE)
    assert listed["TotalCount"] == 1
    assert listed["Domains"] == [
        {
            "Name": "acme.test",
            "SPFVerified": False,
            "DKIMVerified": False,
            "WeakDKIM": False,
            "ReturnPathDomainVerified": False,
            "CustomTrackingVerified": False,
            "ID": domain["ID"],
        }
    ]


def test_a_key_is_verified_then_renewed(calls):
    """While one waits, a second is refused with 505 (recorded; live suite of the gem)."""
    first = calls.ok("POST", "/domains", {"Name": "acme.test"})
    path = f"/domains/{first['ID']}"
    status, answer = calls("POST", f"{path}/rotateDKIM")
    assert (status, answer["ErrorCode"]) == (422, 505)
    assert answer["Message"] == "This DKIM is already being renewed."
    verified = calls.ok("PUT", f"{path}/verifyDkim")
    assert verified["DKIMVerified"] is True
    assert (verified["DKIMHost"], verified["DKIMPendingHost"]) == (first["DKIMPendingHost"], "")
    assert calls.ok("PUT", f"{path}/verifyDKIM") == verified
    renewed = calls.ok("POST", f"{path}/rotatedkim")
    assert (renewed["DKIMHost"], renewed["DKIMUpdateStatus"]) == (verified["DKIMHost"], "Pending")
    assert renewed["DKIMPendingTextValue"] != verified["DKIMTextValue"]
    again = calls.ok("PUT", f"{path}/verifydkim")
    assert again["DKIMRevokedTextValue"] == verified["DKIMTextValue"]
    assert again["SafeToRemoveRevokedKeyFromDNS"] is True


def test_return_path_and_tracking_domain_are_changed_and_verified(calls):
    """Null clears the return path (S: dotnet); what is not sent stays."""
    body = {"name": "acme.test", "returnPathDomain": "return.acme.test"}
    domain = calls.ok("POST", "/domains/", body)
    path = f"/domains/{domain['ID']}"
    assert calls.ok("PUT", f"{path}/verifyReturnPath")["ReturnPathDomainVerified"] is True
    domain = calls.ok("PUT", path, {"CustomTrackingDomain": "click.acme.test"})
    assert domain["ReturnPathDomainVerified"] is True
    assert domain["CustomTrackingDomainCNAMEValue"]
    assert calls.ok("PUT", f"{path}/verifyCustomTracking")["CustomTrackingVerified"] is True
    domain = calls.ok("PUT", path, {"ReturnPathDomain": None, "CustomTrackingDomain": ""})
    assert [domain[name] for name in sorted(TRACKING)] == ["", "", False]
    assert (domain["ReturnPathDomain"], domain["ReturnPathDomainVerified"]) == ("", False)
    assert calls.ok("PUT", f"{path}/verifyreturnpath")["ReturnPathDomainVerified"] is False
    assert calls.ok("POST", f"{path}/verifyspf") == {
        "SPFHost": "acme.test",
        "SPFVerified": True,
        "SPFTextValue": "v=spf1 a mx include:spf.mtasv.net ~all",
    }
    assert calls.ok("DELETE", path) == {"ErrorCode": 0, "Message": "Domain acme.test removed."}
    assert calls.code("GET", path) == 510


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, 514),
        ({"Name": ""}, 514),
        ({"Name": 7}, 403),
        ({"Name": "a" * 256}, 515),
        ({"Name": "thisisntadomain"}, 516),
        ({"Name": "größe.test"}, 516),
        ({"Name": "-a.test"}, 516),
        ({"Name": "Gmail.com"}, 503),
        ({"Name": "ACME.test"}, 512),
        ({"Name": "b.test", "ReturnPathDomain": "return.acme.test"}, 522),
        ({"Name": "b.test", "CustomTrackingDomain": "b.test"}, 522),
        ({"Name": "b.test", "ReturnPathDomain": 7}, 403),
    ],
)
def test_a_wrong_domain_is_refused(calls, body, code):
    """With its code; nothing is created."""
    calls.ok("POST", "/domains", {"Name": "acme.test"})
    assert calls.code("POST", "/domains", body) == code
    assert calls.ok("GET", "/domains", **PAGE)["TotalCount"] == 1


def test_a_new_signature_has_the_recorded_keys(calls):
    """It waits to be confirmed."""
    body = NEW | {"ReplyToEmail": "reply@acme.test", "ConfirmationPersonalNote": "Hello"}
    sender = calls.ok("POST", "/senders/", body)
    own = {"Domain", "EmailAddress", "ReplyToEmailAddress", "Name", "Confirmed", "ID"}
    assert set(sender) == own | {"ConfirmationPersonalNote"} | RECORDS | TRACKING
    assert (sender["Confirmed"], sender["ReplyToEmailAddress"]) == (False, "reply@acme.test")
    assert calls.ok("GET", f"/senders/{sender['ID']}") == sender
    listed = calls.ok("GET", "/senders", **PAGE)
    assert (listed["TotalCount"], set(listed["SenderSignatures"][0])) == (1, own)


def test_a_signature_is_changed_confirmed_and_removed(calls):
    """Null changes nothing; the texts are the recorded ones."""
    sender = calls.ok("POST", "/senders", NEW | {"ReplyToEmail": "r@acme.test"})
    path = f"/senders/{sender['ID']}"
    changes = {"name": "Anna", "replyToEmail": None, "confirmationPersonalNote": "Hi"}
    changed = calls.ok("PUT", path, changes)
    assert changed == sender | {"Name": "Anna", "ConfirmationPersonalNote": "Hi"}
    changed = calls.ok("PUT", path, {"ReturnPathDomain": "pm.acme.test"})
    assert (changed["Name"], changed["ReturnPathDomain"]) == ("Anna", "pm.acme.test")
    assert calls.ok("POST", f"{path}/resend")["Message"] == (
        "Confirmation email for Sender Signature ann@acme.test was re-sent."
    )
    assert calls.ok("POST", f"{path}/verifySpf") == changed | {"SPFVerified": True}
    assert calls.code("POST", f"{path}/requestNewDkim") == 505
    assert calls.ok("POST", f"/_sandbox{path}/confirm")["Confirmed"] is True
    assert calls.code("POST", f"{path}/resend") == 506
    assert calls.ok("DELETE", path)["Message"] == "Signature ann@acme.test removed."
    assert calls.code("GET", path) == 501


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        (None, 502),
        ({"FromEmail": None}, 520),
        ({"FromEmail": "ann"}, 522),
        ({"FromEmail": "Ann <b@acme.test>"}, 522),
        ({"FromEmail": "b@example.com"}, 503),
        ({"FromEmail": "ANN@acme.test"}, 504),
        ({"FromEmail": f"b@{'a' * 250}.test"}, 521),
        ({"Name": None}, 520),
        ({"FromEmail": "b@acme.test", "ReplyToEmail": "nobody"}, 522),
        ({"FromEmail": "b@acme.test", "ConfirmationPersonalNote": "n" * 401}, 521),
        ({"FromEmail": "b@acme.test", "ReturnPathDomain": "pm.other.test"}, 522),
        ({"FromEmail": "b@acme.test", "Name": 7}, 403),
    ],
)
def test_a_wrong_signature_is_refused(calls, changes, code):
    """With its code; nothing is created."""
    calls.ok("POST", "/senders", NEW)
    body = None if changes is None else {"FromEmail": "b@acme.test"} | NEW | changes
    assert calls.code("POST", "/senders", body) == code
    assert calls.code("PUT", "/senders/1", {"Name": None}) == 502
    assert calls.ok("GET", "/senders", **PAGE)["TotalCount"] == 1


def test_the_senders_of_the_options_are_signatures_and_domains(strict):
    """Confirmed; a removed one can no longer send."""
    (domain,) = strict.ok("GET", "/domains", **PAGE)["Domains"]
    (sender,) = strict.ok("GET", "/senders", **PAGE)["SenderSignatures"]
    assert (domain["Name"], domain["DKIMVerified"]) == ("acme.example", True)
    assert (sender["EmailAddress"], sender["Confirmed"]) == ("bob@other.example", True)
    message = mail(From="Bob@other.example")
    strict.ok("POST", "/email", message)
    strict.ok("DELETE", f"/senders/{sender['ID']}")
    assert strict.code("POST", "/email", message) == 400


def test_a_signature_can_send_when_it_is_confirmed(strict):
    """Before that it is 401; without a list of senders, everyone can send."""
    strict.ok("POST", "/senders", NEW)
    status, answer = strict("POST", "/email", mail(From="Ann <ann@ACME.test>"))
    assert (status, answer["ErrorCode"]) == (422, 401)
    assert strict.code("POST", "/email", mail(From="other@acme.test")) == 400
    strict.sandbox.confirm_sender("ANN@acme.test")
    strict.ok("POST", "/email", mail(From="ann@acme.test"))
    with pytest.raises(SandboxError, match="no sender signature"):
        strict.sandbox.confirm_sender("nobody@acme.test")
    with LocalPostmark(in_process=True) as sandbox:
        Calls(sandbox).ok("POST", "/senders", NEW)
        Calls(sandbox).ok("POST", "/email", mail(From="ann@acme.test"))


def test_a_domain_can_send_when_its_key_is_verified(strict):
    """With every address."""
    number = strict.ok("POST", "/domains", {"Name": "New.test"})["ID"]
    assert strict.code("POST", "/email", mail(From="a@new.test")) == 400
    strict.ok("PUT", f"/domains/{number}/verifydkim")
    strict.ok("POST", "/email", mail(From="a@new.test"))


def test_senders_survive_a_restart_and_a_reset(tmp_path):
    """The options are added once."""
    path = tmp_path / "sandbox.db"
    with LocalPostmark(in_process=True, db=path, senders=["a@acme.test"]) as sandbox:
        Calls(sandbox).ok("POST", "/domains", {"Name": "acme.test"})
    with LocalPostmark(in_process=True, db=path, senders=["a@acme.test", "b.test"]) as sandbox:
        calls = Calls(sandbox)
        assert calls.ok("GET", "/domains", **PAGE)["TotalCount"] == 2
        assert calls.ok("GET", "/senders", **PAGE)["TotalCount"] == 1
        sandbox.reset()
        assert calls.ok("GET", "/domains", **PAGE)["TotalCount"] == 1


def test_a_data_removal_is_done_after_a_minute(calls):
    """Of the clock of the sandbox; nothing is removed."""
    body = {"RequestedBy": "a@b.test", "RequestedFor": "c@d.test", "NotifyWhenCompleted": False}
    removal = calls.ok("POST", "/data-removals", body)
    assert removal == {"ID": 1, "Status": "Pending"}
    assert calls.ok("GET", "/data-removals/1") == removal
    calls.sandbox._store.clock.advance(60_000_000_000)
    assert calls.ok("GET", "/data-removals/1")["Status"] == "Done"
    assert calls.code("GET", "/data-removals/2") == 1301


@pytest.mark.parametrize("changes", [None, {"RequestedFor": "nobody"}, {"RequestedBy": None}])
def test_a_wrong_data_removal_is_refused(calls, changes):
    """1300."""
    body = {"RequestedBy": "a@b.test", "RequestedFor": "c@d.test"}
    assert calls.code("POST", "/data-removals", None if changes is None else body | changes) == 1300
