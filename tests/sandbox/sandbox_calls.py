"""Calls of any endpoint by the tests of the sandbox."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.sandbox.sandbox_mail import client

if TYPE_CHECKING:
    from mailframe.sandbox import LocalPostmark

Answer = tuple[int, Any]


class Calls:
    """The methods of HTTP; each returns status and JSON.

    Args:
        sandbox: the sandbox.
        token: the server token; None is the sandbox's own.
    """

    def __init__(self, sandbox: LocalPostmark, *, token: str | None = None) -> None:
        self.sandbox = sandbox
        self._headers = {
            "X-Postmark-Server-Token": token or sandbox.token,
            "X-Postmark-Account-Token": "account",
        }

    def __call__(self, method: str, path: str, body: Any = None, **query: Any) -> Answer:
        """Status and JSON of one request."""
        with client(self.sandbox) as http:
            response = http.request(
                method, path, json=body, params=query or None, headers=self._headers
            )
        return response.status_code, response.json()

    def ok(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
        """The JSON of a request that must succeed."""
        status, answer = self(method, path, body, **query)
        assert status == 200, answer
        return answer

    def code(self, method: str, path: str, body: Any = None, **query: Any) -> int:
        """The ErrorCode of a request that must be refused with 422."""
        status, answer = self(method, path, body, **query)
        assert (status, sorted(answer)) == (422, ["ErrorCode", "Message"])
        return answer["ErrorCode"]
