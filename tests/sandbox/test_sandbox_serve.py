"""The sandbox on the command line."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from dataclasses import replace

import httpx
import pytest

from mailframe.errors import SandboxError
from mailframe.sandbox import LocalPostmark, serve
from mailframe.sandbox.inbox.client_settings import SETTINGS
from mailframe.sandbox.serve import line, shown_path, welcome
from mailframe.sandbox.state.requests import RequestRecord
from tests.sandbox.sandbox_mail import HEADERS, mail

LINES = 13 + len(SETTINGS)
"""What is printed at the start."""


def test_it_serves_until_ctrl_c_and_prints_no_address_and_no_token():
    """A real process prints its help and one line per request, and ends with code 0."""
    command = [sys.executable, "-u", "-m", "mailframe", "sandbox", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            welcome = "".join(process.stdout.readline() for _ in range(LINES))
            url = re.search(r'base_url="(http://127\.0\.0\.1:\d+)"', welcome).group(1)
            headers = HEADERS | {"X-Postmark-Server-Token": "my-secret"}
            with httpx.Client(transport=httpx.HTTPTransport(verify=False), headers=headers) as http:
                http.post(url + "/email/batch", json=[mail(), mail(To="abc")])
                http.get(url + "/someone@example.com/stats")
        finally:
            process.send_signal(signal.SIGINT)
        try:
            rest, _ = process.communicate(timeout=300)
        finally:
            process.kill()  # does nothing if it has ended
    assert "mf.Postmark(" in welcome
    assert rest == (
        "POST /email/batch  2 messages, 1 accepted  200\nGET /{…}/stats  404\nsandbox closed\n"
    )
    assert process.returncode == 0


def test_a_request_without_an_answer_says_so():
    """With the fault that caused it, if there was one."""
    record = RequestRecord(3, "POST", "/email", messages=1)
    assert line(record) == "POST /email  1 message, 0 accepted  no answer"
    shown = line(replace(record, fault="close_lost"))
    assert shown == "POST /email  1 message, 0 accepted  no answer, fault close_lost"


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/templates/welcome/push", "/templates/welcome/push"),
        ("/favicon.ico", "/favicon.ico"),
        ("/_sandbox/nothing", "/_sandbox/nothing"),
        ("/api/v2/oauth2//", "/api/v2/oauth2//"),
        ("/someone@example.com", "/{…}"),
        ("/bounces/692560173/raw", "/bounces/{…}/raw"),
        ("/orders/8e1b2c7a-2f2e-4f57-9d1a-1f2a3b4c5d6e", "/orders/{…}"),
        ("/login/My-Secret", "/login/{…}"),
        ("/Ärger/a b/\x1b[31m/" + "x" * 60, "/{…}/{…}/{…}/{…}"),
        ("/a" * 12, "/a/a/a/a/a/a/a/…"),
        ("*", "{…}"),
    ],
)
def test_the_path_of_a_404_is_shown_without_what_may_be_private(path, shown):
    """A word is shown; an address, a number, a token or an escape is not."""
    assert shown_path(path, hidden=["my-secret"]) == shown
    record = RequestRecord(None, "GET", path, http_status=404)
    assert line(record, hidden=["my-secret"]) == f"GET {shown}  404"


def test_the_help_has_a_line_for_each_client_and_no_token_that_a_person_chose():
    """For other machines it has the name by which they call it."""
    with LocalPostmark(tokens=["my-secret"]) as sandbox:
        text = welcome(sandbox, has_tokens=True, name="mail")
        port = sandbox.port
    assert "my-secret" not in text
    assert all(text.count(f"\n  {client} ") == 1 for client in SETTINGS)
    assert text.count("YOUR-TOKEN") >= 9
    assert f'host: "mail", port: {port}' in text


def test_it_serves_only_this_machine():
    """Without a name and a token, no option opens it to other machines."""
    with pytest.raises(SandboxError, match="is not loopback"):
        serve(host="0.0.0.0", port=0)


@pytest.mark.parametrize("host", ["127.0.0.2", "LOCALHOST", "localhost."])
def test_the_command_accepts_every_name_of_this_machine(host):
    """``python -m mailframe sandbox --host …`` has its inbox at the printed address."""
    command = [sys.executable, "-u", "-m", "mailframe", "sandbox", "--port", "0", "--host", host]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            url = re.search(r"http://[\w.]+:\d+", process.stdout.readline()).group()
            assert httpx.get(f"{url}/", timeout=300).status_code == 200
        finally:
            process.kill()
