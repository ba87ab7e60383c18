"""The container of ``docs/sandbox.md``: its variables and its command, without Docker."""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from tests.sandbox.receiver import Receiver
from tests.sandbox.sandbox_mail import HEADERS, mail

PAGE = Path(__file__).parents[2] / "docs" / "sandbox.md"
SECRET = {"X-Postmark-Server-Token": "a-secret"}
APP = "127.1"
"""A name that only the resolver knows: it stands for another container, and leads to 127.0.0.1."""
LINK = re.compile(r"https?://[^\s\"<>]+/_sandbox/unsubscribe/[^\s\"<>]+")


def dockerfile():
    """The command of the Dockerfile, and its variables."""
    text = re.search(r"```dockerfile\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)[1]
    variables = dict(
        pair.split("=") for pair in re.search(r"^ENV (.*)$", text, re.MULTILINE)[1].split()
    )
    return json.loads(re.search(r"^CMD (.*)$", text, re.MULTILINE)[1]), variables


def compose():
    """The variables of the service in the Compose file."""
    text = re.search(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)[1]
    return dict(re.findall(r"^ +(MAILFRAME_SANDBOX_\w+): (.*)$", text, re.MULTILINE))


@contextlib.contextmanager
def container(**changes):
    """A client of the running command; the name of its host is that of the container."""
    (python, *command), variables = dockerfile()
    assert python == "python"
    options = {f"MAILFRAME_SANDBOX_{name}": value for name, value in changes.items()}
    environment = os.environ | variables | {"MAILFRAME_SANDBOX_PORT": "0"} | options
    pipe = {"stdout": subprocess.PIPE, "text": True, "encoding": "utf-8"}
    with subprocess.Popen([sys.executable, *command], env=environment, **pipe) as process:
        try:
            welcome = [process.stdout.readline() for _ in range(2)]
            port = re.search(r"http://mail:(\d+);", welcome[0])[1]
            url, headers = f"http://127.0.0.1:{port}", HEADERS | {"Host": f"mail:{port}"}
            with httpx.Client(base_url=url, headers=headers) as http:
                yield http, welcome[1]
        finally:
            process.kill()


def unsubscribe_link(http):
    """The link in a message that is sent now."""
    body = mail(MessageStream="broadcast", TextBody="Hi {{{ pm:unsubscribe_url }}}")
    message_id = http.post("/email", json=body, headers=SECRET).json()["MessageID"]
    message = http.get(f"/_sandbox/messages/{message_id}", headers=SECRET).json()
    return LINK.search(message["TextBody"])[0]


def test_another_container_posts_follows_links_and_gets_webhooks(tmp_path):
    """By the name of the container; a link needs no token, everything else does."""
    file = str(tmp_path / "sandbox.db")
    with (
        Receiver() as receiver,
        container(TOKEN="a-secret", WEBHOOK_HOST=APP, DB=file) as (http, inbox),
    ):
        assert inbox.startswith(f"Inbox: http://mail:{http.base_url.port}/ ")
        for path in ("/server", "/", "/_sandbox/messages", "/_sandbox", "/_sandbox/unsubscribe"):
            assert http.get(path).status_code == 401
        triggers = {"Delivery": {"Enabled": True}}
        for host, status in ((APP, "verified"), ("127.2", "unverified"), ("app", "unverified")):
            hook = {"Url": f"http://{host}:{receiver.port}/{host}", "Triggers": triggers}
            hook |= {"MessageStream": "broadcast"}
            assert http.post("/webhooks", json=hook, headers=SECRET).json()["Status"] == status
        link = unsubscribe_link(http)
        assert link.startswith(f"http://mail:{http.base_url.port}/_sandbox/unsubscribe/")
        path = link.removeprefix(f"http://mail:{http.base_url.port}")
        assert http.get(path).status_code == 200
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        answer = http.post(path, content="List-Unsubscribe=One-Click", headers=form)
        assert answer.status_code == 200
        suppressed = "/message-streams/broadcast/suppressions/dump"
        assert len(http.get(suppressed, headers=SECRET).json()["Suppressions"]) == 1
        assert http.get(f"{path[:-1]}x").status_code == 404
        end = time.monotonic() + 60
        while not receiver.posts and time.monotonic() < end:
            time.sleep(0.01)
    assert {post.path for post in receiver.posts} == {f"/{APP}"}


def test_the_compose_file_lets_a_person_follow_the_links():
    """Its variables are options; the links have the published port, whose host is allowed."""
    variables = {name.removeprefix("MAILFRAME_SANDBOX_"): text for name, text in compose().items()}
    assert set(variables) == {"TOKEN", "WEBHOOK_HOST", "PUBLIC_URL", "DB"}
    del variables["DB"]
    with container(**variables) as (http, inbox):
        assert inbox.startswith(f"Inbox: {variables['PUBLIC_URL']}/ ")
        link = unsubscribe_link(http)
        assert link.startswith(f"{variables['PUBLIC_URL']}/_sandbox/unsubscribe/")
        path = link.removeprefix(variables["PUBLIC_URL"])
        host = {"Host": variables["PUBLIC_URL"].removeprefix("http://")}
        assert http.get(path, headers=host).status_code == 200


@pytest.mark.sampled(3)
@pytest.mark.parametrize(
    ("option", "text"),
    [
        ("--public-url", text)
        for text in (
            "mail",
            "ftp://mail",
            "http://",
            "http://u:p@mail",
            "http://mail/?a",
            "http://m:0",
        )
    ]
    + [("--webhook-host", text) for text in ("http://app", "app:80", "app/hook")],
)
def test_a_wrong_url_or_host_is_named(option, text):
    """The exit code is 2."""
    command = [sys.executable, "-m", "mailframe", "sandbox", "--port", "0", option, text]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, repr(text) in done.stderr) == (2, True)
