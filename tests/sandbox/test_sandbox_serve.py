"""The sandbox on the command line."""

from __future__ import annotations

import re
import signal
import subprocess
import sys

import httpx
import pytest

from mailframe.errors import SandboxError
from mailframe.sandbox import serve
from mailframe.sandbox.serve import line
from mailframe.sandbox.state.requests import RequestRecord
from tests.sandbox.sandbox_mail import HEADERS, mail


def test_it_serves_until_ctrl_c_and_prints_no_address_and_no_token():
    """A real process prints its help and one line per request, and ends with code 0."""
    program = (
        # A process in the background of a shell ignores SIGINT.
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from mailframe.sandbox import serve; serve(host='127.0.0.1', port=0)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            welcome = "".join(iter(process.stdout.readline, "\n")) + "".join(
                iter(process.stdout.readline, "\n")
            )
            url = re.search(r'base_url="(http://127\.0\.0\.1:\d+)"', welcome).group(1)
            headers = HEADERS | {"X-Postmark-Server-Token": "my-secret"}
            with httpx.Client(transport=httpx.HTTPTransport(verify=False), headers=headers) as http:
                http.post(url + "/email/batch", json=[mail(), mail(To="abc")])
                http.get(url + "/someone@example.com")
        finally:
            process.send_signal(signal.SIGINT)
        try:
            rest, _ = process.communicate(timeout=300)
        finally:
            process.kill()  # does nothing if it has ended
    assert "mf.Postmark(" in welcome
    assert rest == (
        "POST /email/batch  2 messages, 1 accepted  200\nGET (other)  404\nsandbox closed\n"
    )
    assert process.returncode == 0


def test_a_request_without_an_answer_says_so():
    """A fault of the connection can cause it."""
    assert (
        line(RequestRecord(3, "POST", "/email", messages=1))
        == "POST /email  1 messages, 0 accepted  no answer"
    )


def test_it_serves_only_this_machine():
    """No option opens it to other machines."""
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
