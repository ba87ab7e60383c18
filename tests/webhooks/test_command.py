"""``mailframe webhooks``: which options and passwords are refused, before anything is written."""

from __future__ import annotations

import socket

import pytest

from mailframe.webhooks.credentials import VARIABLE
from tests.command.commands import in_process

PASSWORD = "s3cret-of-acme"


@pytest.fixture(autouse=True)
def _no_password(monkeypatch):
    """The person who runs the tests may have one."""
    monkeypatch.delenv(VARIABLE, raising=False)


WRONG = {
    "no file": ([], {}, "--out"),
    "a password and none": (["--no-auth"], {VARIABLE: f"acme:{PASSWORD}"}, "exclude each other"),
    "a file and none": (["--no-auth", "--auth-file", "auth"], {}, "exclude each other"),
    "open to all": (["--no-auth", "--host", "0.0.0.0"], {}, "everyone who reaches this machine"),
    "open to a name": (["--no-auth", "--host", "acme.example"], {}, "everyone"),
    "a compressed file": (["--out", "events.jsonl.gz"], {}, "the receiver compresses nothing"),
    "no port": (["--port", "65536"], {}, "65536 is not a port"),
    "no URL": (["--public-url", "hooks.acme.example"], {}, "is not a URL such as"),
    "half a URL": (["--public-url", "https://["], {}, "is not a URL such as"),
    "a password in the URL": (["--public-url", f"https://a:{PASSWORD}@b"], {}, "no user and"),
}


@pytest.mark.parametrize("case", WRONG)
def test_options_that_do_not_fit_are_2(tmp_path, monkeypatch, case):
    """And the password is not printed."""
    options, variables, text = WRONG[case]
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    out = [] if case == "no file" else ["--out", "events.jsonl"]
    done = in_process("webhooks", *out, *options, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert text in done.stderr
    assert PASSWORD not in done.stderr
    assert list(tmp_path.iterdir()) == []


REFUSED = {
    "none": (None, "there is no password"),
    "empty": (b"", "there is no password"),
    "no colon": (PASSWORD.encode(), "is not user:password"),
    "no user": (f":{PASSWORD}".encode(), "is not user:password"),
    "no password": (b"acme:", "is not user:password"),
    "two lines": (f"acme:{PASSWORD}\nb:{PASSWORD}\n".encode(), "is not user:password"),
    "not UTF-8": (b"acme:s3cret\xff", "is not user:password"),
    "too long": (b"acme:" + b"x" * 4092, "is not user:password"),
}


@pytest.mark.parametrize("place", ["file", "variable"])
@pytest.mark.parametrize("case", REFUSED)
def test_without_a_password_it_does_not_start(tmp_path, monkeypatch, case, place):
    """From a file and from the environment; nothing is written or printed of it."""
    content, text = REFUSED[case]
    options = []
    if content is not None and place == "file":
        (tmp_path / "auth").write_bytes(content)
        options = ["--auth-file", "auth"]
        text = "is not user:password" if case == "empty" else text
    elif content is not None:
        monkeypatch.setenv(VARIABLE, content.decode(errors="surrogateescape"))
    done = in_process("webhooks", "--out", "events.jsonl", *options, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (3, "")
    assert text in done.stderr
    assert "s3cret" not in done.stderr
    assert not (tmp_path / "events.jsonl").exists()


def test_a_file_or_address_that_cannot_be_used_is_3(tmp_path, monkeypatch):
    """A missing file of the password, another file as --out, a port in use, a foreign address."""
    monkeypatch.setenv(VARIABLE, f"acme:{PASSWORD}\n")
    (tmp_path / "people.csv").write_text("id,email\n")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        cases = {
            ("--out", "e.jsonl", "--auth-file", "none"): "auth-file none: it cannot be read",
            ("--out", "people.csv"): "its first line is not an event",
            ("--out", "none/e.jsonl"): "--out none/e.jsonl: it cannot be opened",
            ("--out", "e.jsonl", "--port", port): "nothing can listen on 127.0.0.1",
            ("--out", "e.jsonl", "--host", "203.0.113.1"): "nothing can listen on 203.0.113.1",
            ("--out", "e.jsonl", "--host", "a" * 70): "nothing can listen on aaa",
        }
        for options, text in cases.items():
            done = in_process("webhooks", *options, cwd=tmp_path)
            assert (done.returncode, done.stdout) == (3, "")
            assert text in done.stderr
            assert PASSWORD not in done.stderr
