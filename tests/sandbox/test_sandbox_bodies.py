"""Bodies, headers and programs: what arrives as the same message, and what is refused."""

from __future__ import annotations

import gzip
import http.client
import json
import shutil
import subprocess
import urllib.error
import urllib.request
import zlib
from typing import TYPE_CHECKING

import pytest
import requests

from mailframe.sandbox import LocalPostmark
from tests.sandbox.raw_http import connect, email, head, read_answer
from tests.sandbox.sandbox_mail import HEADERS, mail

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MESSAGE = mail()
BODY = json.dumps(MESSAGE).encode()
TOKEN = "X-Postmark-Server-Token: t"
JSON_BODY = "Content-Type: application/json"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[LocalPostmark]:
    """A sandbox on a socket."""
    with LocalPostmark() as sandbox:
        yield sandbox


def answer_to(sandbox: LocalPostmark, body: bytes, **headers: str) -> tuple[int, int, str]:
    """Status, ErrorCode and Message."""
    with connect(sandbox) as connection:
        connection.sendall(head(length=len(body), **headers) + body)
        status, _, answer = read_answer(connection)
    return status, json.loads(answer)["ErrorCode"], json.loads(answer)["Message"]


def with_field(text: str) -> bytes:
    """The message with one more field, written as it is."""
    return BODY[:-1] + b"," + text.encode() + b"}"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (BODY, 0),
        (b" \r\n\t" + BODY + b"\n", 0),
        (b"\xef\xbb\xbf" + BODY, 0),  # a byte order mark, as .NET writes it
        (json.dumps(MESSAGE, indent=4).replace("/", "\\/").encode(), 0),  # .NET, PHP
        (with_field('"Subject":"\\u00e9\\ud83d\\ude00"'), 0),  # .NET, PHP: escapes
        (with_field('"Subject":"é"'), 0),
        (with_field('"X":1.5e300,"Y":-0,"Z":18446744073709551615'), 0),  # unknown fields
        (with_field('"To":"bob@example.com"'), 0),  # the last of equal keys counts
        (with_field('"TO":"bob@example.com"'), 0),
        (b"", 402),
        (b"  ", 402),
        (BODY[:-1], 402),
        (BODY + BODY, 402),
        (BODY[:-1] + b",}", 402),
        (b"/* no comment */" + BODY, 402),
        (BODY.replace(b'"', b"'"), 402),
        (with_field('"X":NaN'), 402),
        (with_field('"X":-Infinity'), 402),
        (with_field('"X":01'), 402),
        (with_field('"Subject":"a\x01b"'), 402),
        (with_field('"Subject":"\\ud83d"'), 402),  # half of a pair
        (json.dumps(MESSAGE).encode("utf-16"), 402),  # D: UTF-8
        (json.dumps(MESSAGE).encode("utf-16-le"), 402),
        (json.dumps(mail(Subject="é"), ensure_ascii=False).encode("latin-1"), 402),
        (gzip.compress(BODY, mtime=0), 402),  # A: nobody says that Postmark unpacks bodies
        (zlib.compress(BODY), 402),
        (b"null", 403),
        (b"7", 403),
        (b'"text"', 403),
        (b"[" + BODY + b"]", 403),
        (with_field('"Subject":7'), 403),
        (with_field('"TrackOpens":"true"'), 403),
    ],
)
def test_a_body_is_one_json_object_in_utf_8(sandbox: LocalPostmark, body: bytes, code: int):
    """402 for what is no JSON, 403 for other JSON; D for both codes."""
    status, answered, text = answer_to(sandbox, body)
    assert (status, answered) == (200 if code == 0 else 422, code)
    if code == 402:
        assert text == "Invalid JSON."


@pytest.mark.parametrize(
    ("content_type", "is_taken"),
    [
        ("application/json", True),
        ("Application/JSON;charset=UTF-8", True),
        ("application/json; charset=utf-8", True),
        ("text/json", False),
        ("application/vnd.api+json", False),
        ("application/x-www-form-urlencoded", False),  # what curl -d and wget send by default
        ("text/plain;charset=UTF-8", False),  # what fetch sends for a text
        ("", False),
    ],
)
def test_the_content_type_must_be_json(sandbox: LocalPostmark, content_type: str, is_taken: bool):
    """D: 415 otherwise."""
    status, code, _ = answer_to(sandbox, BODY, Content_Type=content_type)
    assert (status, code) == ((200, 0) if is_taken else (415, 409))


def _chunked(sandbox: LocalPostmark) -> int:
    """As the standard library of Go and a generator of Python send a body of unknown length."""
    connection = http.client.HTTPConnection("127.0.0.1", sandbox.port)
    pieces = (BODY[start : start + 7] for start in range(0, len(BODY), 7))
    connection.request("POST", "/email", pieces, HEADERS | {"x-postmark-server-token": "t"})
    status = connection.getresponse().status
    connection.close()
    return status


def _kept_alive(sandbox: LocalPostmark) -> int:
    """Three requests on one connection, the second with an empty body."""
    with requests.Session() as session:
        session.headers.update({"X-Postmark-Server-Token": "t"})
        url = f"{sandbox.url}/email"
        statuses = [session.post(url, json=MESSAGE).status_code]
        statuses.append(session.post(url, data=b"", headers=HEADERS).status_code)
        statuses.append(session.post(url, json=MESSAGE).status_code)
    assert statuses == [200, 422, 200]
    return statuses[-1]


def _pipelined(sandbox: LocalPostmark) -> int:
    """Three requests before the first answer, with names of headers in lower case."""
    with connect(sandbox) as connection:
        first, _, rest = email().partition(b"\r\n\r\n")
        line, _, names = first.partition(b"\r\n")
        one = line + b"\r\n" + names.lower() + b"\r\n\r\n" + rest
        connection.sendall(one * 3)
        received = b""
        while received.count(b'"Message"') < 3:
            received += connection.recv(65_536)
    return 200 if received.count(b"HTTP/1.1 200 OK\r\n") == 3 else 0


def _urllib(sandbox: LocalPostmark) -> int:
    """It sends no Accept by itself."""
    request = urllib.request.Request(f"{sandbox.url}/email", BODY)  # noqa: S310 - the sandbox
    for line in (TOKEN, JSON_BODY):
        request.add_header(*line.split(": "))
    with pytest.raises(urllib.error.HTTPError, match="415") as refused:
        urllib.request.urlopen(request)  # noqa: S310 - the sandbox
    refused.value.close()
    request.add_header("Accept", "application/json")
    with urllib.request.urlopen(request) as answer:  # noqa: S310
        return int(answer.status)


def _program(*command: str) -> Callable[[LocalPostmark], int]:
    def run(sandbox: LocalPostmark) -> int:
        if shutil.which(command[0]) is None:
            pytest.skip(f"{command[0]} is not installed")
        done = subprocess.run(
            [*command, f"{sandbox.url}/email"], capture_output=True, check=True, timeout=60
        )
        return 200 if json.loads(done.stdout)["Message"] == "OK" else 0

    return run


WAYS = {
    "curl": _program("curl", "-sS", "-H", TOKEN, "-H", JSON_BODY, "-d", BODY.decode()),
    "curl, 100-continue": _program(
        *("curl", "-sS", "-H", TOKEN, "-H", JSON_BODY, "-H", "Expect: 100-continue"),
        *("-d", BODY.decode()),
    ),
    "curl, chunked": _program(
        *("curl", "-sS", "-H", TOKEN, "-H", JSON_BODY, "-H", "Transfer-Encoding: chunked"),
        *("-d", BODY.decode()),
    ),
    "wget": _program(
        *("wget", "-qO-", f"--header={TOKEN}", f"--header={JSON_BODY}"),
        f"--post-data={BODY.decode()}",
    ),
    "urllib": _urllib,
    "requests, kept alive": _kept_alive,
    "http.client, chunked": _chunked,
    "pipelined": _pipelined,
}


@pytest.mark.parametrize("way", WAYS)
def test_a_message_arrives_in_every_way(sandbox: LocalPostmark, way: str):
    """With the fewest headers that the program needs."""
    before = len(sandbox.messages())
    assert WAYS[way](sandbox) == 200
    assert len(sandbox.messages()) > before
