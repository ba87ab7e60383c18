"""The reply to a question or to a change of the account, as far as there is one."""

from __future__ import annotations

from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from mailframe.pages.text import one_line


@dataclass(frozen=True, slots=True)
class GetResult:
    """The result of a GET, or of a change.

    Attributes:
        status: the HTTP status; None without a status line.
        data: the JSON of the reply; None without one. The reply of ``/server`` contains tokens, so
            it is never shown.
        failure: the class of the error; "" without one.
        retry_after_s: the seconds of ``Retry-After``; None without it.
        message: Postmark's Message without the token; "" without one.
    """

    status: int | None
    data: object = field(repr=False)
    failure: str
    retry_after_s: float | None = None
    message: str = ""

    @property
    def object(self) -> dict[str, Any] | None:
        """The JSON object of a 200; None for anything else."""
        return self.data if self.status == HTTPStatus.OK and isinstance(self.data, dict) else None

    @property
    def reason(self) -> str:
        """What went wrong, as text, with what Postmark says about it."""
        if self.failure:
            return self.failure
        if self.error_code is not None:
            text = one_line(self.message).rstrip(".")
            return f"HTTP {self.status}, ErrorCode {self.error_code}: {text}"
        return f"HTTP {self.status}" + ", but another answer" * (self.status == HTTPStatus.OK)

    @property
    def error_code(self) -> int | None:
        """Postmark's ErrorCode, if it refused the request; None without one."""
        code = self.data.get("ErrorCode") if isinstance(self.data, dict) else None
        return code if type(code) is int and self.status != HTTPStatus.OK else None
