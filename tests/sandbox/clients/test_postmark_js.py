"""postmark.js, by node: each of its calls gets the answer that it reads."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

import mailframe as mf
from tests.sandbox.api_docs import endpoints_of
from tests.sandbox.clients.seeded import ACCOUNT_TOKEN, BOUNCING, RECIPIENT, seeded

VERSION = "5.1.0"
SCRIPT = Path(__file__).with_name("postmark_js_calls.js")
DOCS = Path(__file__).parents[3] / "docs" / "sandbox-clients.md"
EXAMPLES = re.findall(
    r"^```javascript\n(.*?)^```\n(?:\n```text\n(.*?)^```)?",
    DOCS.read_text(encoding="utf-8"),
    re.MULTILINE | re.DOTALL,
)
NO_MESSAGE = ["ApiInputError", 422, 701]
RENEWED = ["ApiInputError", 422, 505, "This DKIM is already being renewed."]
EXPECTED = {  # call → what its answer shows
    "sendEmail": "OK",
    "sendEmailBatch": [0, 300],
    "sendEmailWithTemplate": "OK",
    "sendEmailBatchWithTemplates": ["OK"],
    "sendEmail to an inactive address": ["InactiveRecipientsError", [BOUNCING]],
    "sendEmail with a wrong token": [
        "InvalidAPIKeyError",
        401,
        10,
        "Request does not contain a valid Server token.",
    ],
    "sendBulkEmail": "Accepted",
    "getBulkEmailStatus": 1,
    "getDeliveryStatistics": "All",
    "getBounces": 1,
    "getBounce": "HardBounce",
    "getBounceDump": True,
    "activateBounce": "OK",
    "createTemplate": "Standard",
    "getTemplates": True,
    "getTemplate": "{{name}}",
    "editTemplate": "New",
    "deleteTemplate": 0,
    "validateTemplate": "Hi Ann",
    "getServer": "Sandbox",
    "editServer": "purple",
    "getOutboundMessages": True,
    "getOutboundMessageDetails": "Hi Ann",
    "getOutboundMessageDump": True,
    "getMessageOpens": RECIPIENT,
    "getMessageOpensForSingleMessage": 1,
    "getMessageClicks": "https://acme.example/offer",
    "getMessageClicksForSingleMessage": 1,
    "getInboundMessages": "A question",
    "getInboundMessageDetails": "Hi Acme",
    "bypassBlockedInboundMessage": [
        *NO_MESSAGE,
        "This message was not found or cannot be bypassed.",
    ],
    "retryInboundHookForMessage": [*NO_MESSAGE, "This message was not found or cannot be retried."],
    "getOutboundOverview": 1,
    "getSentCounts": 1,
    "getBounceCounts": True,
    "getSpamComplaintsCounts": [],
    "getTrackedEmailCounts": 1,
    "getEmailOpenCounts": 1,
    "getEmailOpenPlatformUsage": 1,
    "getEmailOpenClientUsage": 1,
    "getEmailOpenReadTimes": True,
    "getClickCounts": 1,
    "getClickBrowserUsage": 1,
    "getClickPlatformUsage": 1,
    "getClickLocation": 1,
    "createInboundRuleTrigger": True,
    "getInboundRuleTriggers": True,
    "deleteInboundRuleTrigger": 0,
    "createWebhook": "outbound",
    "getWebhooks": True,
    "getWebhook": "http://127.0.0.1:9/hook",
    "editWebhook": True,
    "deleteWebhook": 0,
    "createMessageStream": "Broadcasts",
    "getMessageStreams": True,
    "getMessageStream": "Transactional",
    "editMessageStream": "Weekly",
    "archiveMessageStream": True,
    "unarchiveMessageStream": None,
    "createSuppressions": "Suppressed",
    "getSuppressions": "HardBounce",
    "deleteSuppressions": "Deleted",
    "account.createServer": 1,
    "account.getServers": True,
    "account.getServer": True,
    "account.editServer": "red",
    "account.deleteServer": 0,
    "account.createDomain": "Pending",
    "account.getDomains": True,
    "account.getDomain": False,
    "account.editDomain": "",
    "account.deleteDomain": 0,
    "account.verifyDomainDKIM": False,
    "account.verifyDomainReturnPath": False,
    "account.verifyDomainSPF": True,
    "account.rotateDomainDKIM": RENEWED,
    "account.createSenderSignature": False,
    "account.getSenderSignatures": True,
    "account.getSenderSignature": "Ann",
    "account.editSenderSignature": "Bob",
    "account.deleteSenderSignature": 0,
    "account.resendSenderSignatureConfirmation": 0,
    "account.verifySenderSignatureSPF": True,
    "account.requestNewDKIMForSenderSignature": RENEWED,
    "account.pushTemplates": [
        "ApiInputError",
        422,
        601,
        "The source and destination servers were not found.",
    ],
    "account.requestDataRemoval": "Pending",
    "account.getDataRemovalStatus": "Pending",
}


@pytest.fixture(scope="module")
def packages(pytestconfig: pytest.Config) -> Path:
    """The folder with postmark.js, which is installed once into pytest's cache.

    It has no dependencies. The test is skipped on a machine without node or without a registry.
    """
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("node and npm are not installed")
    folder = pytestconfig.cache.mkdir("postmark.js") / VERSION
    if not folder.is_dir():
        _install(folder)
    return folder


def _install(folder: Path) -> None:
    """Put the package into *folder*, which appears at once: several workers install it."""
    with tempfile.TemporaryDirectory(dir=folder.parent) as temporary:
        options = ["--prefix", temporary, "--ignore-scripts", "--no-audit", "--no-fund"]
        command = [shutil.which("npm"), "install", "--no-save", "--no-package-lock", *options]
        ran = subprocess.run(
            [*command, f"postmark@{VERSION}"], capture_output=True, text=True, check=False
        )
        if ran.returncode:
            pytest.skip(f"npm cannot install postmark: {ran.stderr[-300:]}")
        with suppress(OSError):  # another worker was first
            Path(temporary, "node_modules").rename(folder)


def _node(script: Path, *args: str, packages: Path) -> str:
    """What *script* printed."""
    ran = subprocess.run(
        [shutil.which("node"), script, *args],
        env=os.environ | {"NODE_PATH": str(packages)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


@pytest.fixture(scope="module")
def answers(packages: Path) -> dict[str, Any]:
    """The calls that the client has, and what each answer shows: one run of node for all."""
    with seeded() as seed:
        ids = {
            "message_id": seed.message_id,
            "bounce_id": seed.bounce_id,
            "other_bounce_id": seed.bounce(),
            "inbound_id": seed.inbound_id,
        }
        args = [seed.sandbox.url, seed.sandbox.token, ACCOUNT_TOKEN, json.dumps(ids)]
        printed = _node(SCRIPT, *args, packages=packages)
        return json.loads(printed) | {"endpoints": seed.endpoints()}


@pytest.mark.parametrize("name", EXPECTED)
def test_a_call_gets_the_answer_that_it_reads(answers: dict[str, Any], name: str):
    """Its arguments arrive, and its promise resolves or rejects as with Postmark."""
    assert answers["results"][name] == EXPECTED[name]


def test_each_call_of_the_client_is_in_the_table(answers: dict[str, Any]):
    """A new version with another call fails here."""
    assert set(answers["calls"]) == {name.partition(" ")[0] for name in EXPECTED}


def test_the_docs_name_the_endpoints_that_the_client_calls(answers: dict[str, Any]):
    """No more and no fewer."""
    assert answers["endpoints"] == endpoints_of("postmark.js")


@pytest.mark.parametrize(("code", "output"), EXAMPLES)
def test_an_example_of_the_documentation_runs(packages: Path, tmp_path: Path, code, output):
    """A script or a test by node; it prints what the page shows, and fails as a test does."""
    (tmp_path / "node_modules").symlink_to(packages, target_is_directory=True)
    script = tmp_path / "example.mjs"
    with mf.Sandbox() as sandbox:
        script.write_text(code.replace("127.0.0.1:8025", f"127.0.0.1:{sandbox.port}"))
        printed = _node(script, packages=packages)
        assert len(sandbox.messages()) == 1
    assert output in ("", printed)
