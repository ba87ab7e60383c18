"""The fixture ``postmark_sandbox`` in other people's tests, which run in a process of their own."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
SUITE = """
import httpx
import pytest

URLS = set()


def post(sandbox, address="ann@example.com"):
    mail = {"From": "a@acme.example", "To": address, "TextBody": "Hi"}
    head = {"X-Postmark-Server-Token": sandbox.token, "Accept": "application/json"}
    return httpx.post(f"{sandbox.url}/email", json=mail, headers=head).status_code


@pytest.mark.parametrize("turn", range(6))
def test_each_test_has_an_empty_sandbox_at_the_same_url(postmark_sandbox, turn):
    sandbox = postmark_sandbox
    URLS.add(sandbox.url)
    assert len(URLS) == 1
    assert (len(sandbox.messages()), len(sandbox.suppressions())) == (0, 0)
    assert post(sandbox) == 200
    assert sandbox.messages()["To"].tolist() == ["ann@example.com"]
    sandbox.suppress("bob@example.com")
    sandbox.fault("http_429", times=None)
    sandbox.listen(lambda record: 1 / 0)
    sandbox.pause()


@pytest.mark.postmark_sandbox(tokens=["secret"], suppressions=["ann@example.com"])
def test_a_marked_test_has_other_options(postmark_sandbox):
    assert postmark_sandbox.token == "secret"
    assert (post(postmark_sandbox), post(postmark_sandbox, "bob@example.com")) == (422, 200)


@pytest.mark.parametrize("turn", range(4))
def test_a_test_may_close_it(postmark_sandbox, turn):
    assert post(postmark_sandbox) == 200
    URLS.clear()  # it starts again on another port
    postmark_sandbox.close()
"""


def run(folder, *, suite=SUITE):
    """The output of a run of *suite* with no plugin but ours."""
    (folder / "test_it.py").write_text(suite, encoding="utf-8")
    (folder / "pytest.ini").write_text("[pytest]\naddopts = --strict-markers\n", encoding="utf-8")
    own = ["-p", "pytest_mailframe", "-p", "no:cacheprovider", "-W", "error"]
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *own],
        cwd=folder,
        env=os.environ
        | {
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'mailframe' / 'pytest_plugin'}",
        },
        capture_output=True,
        text=True,
        check=False,
    )


def test_each_test_has_a_sandbox_in_its_initial_state(tmp_path):
    """With warnings as errors."""
    done = run(tmp_path)
    assert "11 passed" in done.stdout, done.stdout + done.stderr


def test_the_plugin_loads_only_pytest(tmp_path):
    """A run that does not use the fixture takes no longer."""
    suite = (
        "import sys\n"
        "def test_nothing_is_loaded():\n"
        "    names = {'mailframe', 'pandas', 'httpx', 'h11', 'jinja2'}\n"
        "    assert not names & set(sys.modules)\n"
    )
    done = run(tmp_path, suite=suite)
    assert "1 passed" in done.stdout, done.stdout + done.stderr


def test_pytest_finds_the_plugin_by_a_name_of_its_own():
    """``-p no:mailframe`` turns it off; the plugin of postmarker is called postmark."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["entry-points"]["pytest11"] == {"mailframe": "pytest_mailframe"}
