"""Calls of the tests of templates."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from mailframe.sandbox import LocalPostmark
from tests.sandbox.sandbox_mail import client

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

STANDARD = {"Name": "Welcome", "Subject": "Hi {{name}}", "TextBody": "Hello {{name}}"}
LAYOUT = {
    "Name": "Frame",
    "Alias": "frame",
    "TemplateType": "Layout",
    "HtmlBody": "<b>{{{ @content }}}</b>",
    "TextBody": "-- {{{@content}}} --",
}


class Calls:
    """A client of one sandbox, whose calls return status and body.

    Args:
        sandbox: the sandbox.
        http: its client.
    """

    def __init__(self, sandbox: LocalPostmark, http: httpx.Client) -> None:
        self.sandbox = sandbox
        self.http = http

    def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        """HTTP status and JSON body."""
        answer = self.http.request(method, path, json=body, headers=headers)
        return answer.status_code, answer.json()

    def refusal(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, str]:
        """ErrorCode and Message of a request that is refused with HTTP 422."""
        status, answer = self(method, path, body, **headers)
        assert status == 422
        return answer["ErrorCode"], answer["Message"]

    def create(self, template: dict[str, Any] = STANDARD, **fields: Any) -> dict[str, Any]:
        """Create a template, changed by *fields*; returns the answer."""
        status, answer = self("POST", "/templates", template | fields)
        assert status == 200, answer
        return answer

    def validated(self, **fields: Any) -> dict[str, Any]:
        """The answer to a validation."""
        status, answer = self("POST", "/templates/validate", fields)
        assert status == 200, answer
        return answer


@contextmanager
def calls(**options: Any) -> Iterator[Calls]:
    """Calls of a new sandbox."""
    with LocalPostmark(in_process=True, **options) as sandbox, client(sandbox) as http:
        yield Calls(sandbox, http)
