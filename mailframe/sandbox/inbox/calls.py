"""The pages of the requests: what a client asked for, and what it was answered."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from mailframe.pages.text import one_line, visible
from mailframe.sandbox.inbox.addresses import POSITION, address
from mailframe.sandbox.inbox.long_text import LongText
from mailframe.sandbox.inbox.site import missing
from mailframe.sandbox.state.clock import timestamp
from mailframe.sandbox.state.paging import Span

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mailframe.sandbox.inbox.site import Site
    from mailframe.sandbox.state.exchanges import Exchange
    from mailframe.sandbox.state.requests import RequestRecord
    from mailframe.sandbox.state.store import Store
    from mailframe.sandbox.wire.exchange import Reply

PAGE: Final = 100
_ERROR: Final = 400


@dataclass(frozen=True, slots=True)
class ShownCall:
    """One request as a page shows it; see ``RequestRecord``.

    Attributes:
        number: its ID.
        record: what is kept of it.
        query: the part of its address after the ``?``.
        error: the text of the answer that refuses it.
    """

    number: int
    record: RequestRecord
    query: str = ""
    error: str = ""

    @property
    def method(self) -> str:
        """The method."""
        return self.record.method

    @property
    def path(self) -> str:
        """The path, with the query if it is kept."""
        return f"{self.record.path}?{self.query}" if self.query else self.record.path

    @property
    def status(self) -> int | None:
        """The HTTP status; None without a complete answer."""
        return self.record.http_status

    @property
    def status_kind(self) -> str:
        """How the status is colored."""
        if self.status is None:
            return "bad"
        if self.status >= _ERROR:
            return "bad"
        return "good" if self.messages == self.accepted else "warn"

    @property
    def error_code(self) -> int | None:
        """The ErrorCode of a refused request."""
        return self.record.error_code

    @property
    def messages(self) -> int:
        """How many messages it had."""
        return self.record.messages

    @property
    def accepted(self) -> int:
        """How many of them were accepted."""
        return self.record.accepted

    @property
    def bytes(self) -> int:
        """The length of its body."""
        return self.record.bytes

    @property
    def milliseconds(self) -> str:
        """How long its answer took."""
        return f"{self.record.took_ms:,.1f}"

    @property
    def fault(self) -> str | None:
        """The fault that hit it."""
        return self.record.fault

    @property
    def received_at(self) -> str:
        """When it arrived."""
        return timestamp(self.record.received_ns)


def list_page(values: Mapping[str, str], store: Store, site: Site) -> Reply:
    """The requests, newest first; with ``errors``, only refused and hit ones.

    With ``number``, those that sent messages under that number; it starts again at each start.
    """
    only_errors, number = "errors" in values, values.get("number", "")
    numbered = int(number) if POSITION.fullmatch(number) else None
    before, after = (
        int(values[name]) if POSITION.fullmatch(values.get(name, "")) else None
        for name in ("before", "after")
    )
    page = store.requests.page(Span(PAGE, before, after), only_errors=only_errors, number=numbered)
    flag = {"errors": only_errors, "number": numbered}
    return site.page(
        "requests",
        title="Requests",
        current="Requests",
        is_all=not only_errors and numbered is None,
        about=f"{store.requests.count():,} kept, newest first",
        filters=[
            ("All", "/inbox/requests", not only_errors and numbered is None),
            ("With an error or a fault", "/inbox/requests?errors", only_errors),
            *([(f"Number {numbered}", "", True)] if numbered is not None else []),
        ],
        calls=[
            ShownCall(request, record, error=_error(request, record, store))
            for request, record in page.items
        ],
        newer=address("/inbox/requests", {**flag, "after": page.newer}) if page.newer else "",
        older=address("/inbox/requests", {**flag, "before": page.older}) if page.older else "",
    )


def _error(request: int, record: RequestRecord, store: Store) -> str:
    """The text of an answer that refuses a request; empty if there is none."""
    exchange = store.exchanges.get(request) if record.error_code is not None else None
    try:
        answer = json.loads(exchange.answer) if exchange and exchange.answer else None
    except (ValueError, RecursionError):
        return ""
    return one_line(str(answer.get("Message") or "")) if isinstance(answer, dict) else ""


def page(number: str, store: Store, site: Site) -> Reply:
    """One request with its headers and bodies."""
    record = store.requests.get(int(number)) if POSITION.fullmatch(number) else None
    if record is None:
        return missing(site, "No such request")
    request = int(number)
    exchange = store.exchanges.get(request)
    newer = store.requests.page(Span(1, after=request)).items
    older = store.requests.page(Span(1, before=request)).items
    return site.page(
        "request",
        title=f"{record.method} {visible(record.path)[:80]}",
        current="Requests",
        call=ShownCall(request, record, exchange.query if exchange else ""),
        newer=f"/inbox/requests/{newer[0][0]}" if newer else "",
        older=f"/inbox/requests/{older[0][0]}" if older else "",
        **_sides(exchange),
    )


def _sides(exchange: Exchange | None) -> dict[str, Any]:
    if exchange is None:
        return dict.fromkeys(("request_headers", "request_body", "answer_headers", "answer_body"))
    return {
        "request_headers": exchange.headers,
        "request_body": _body(exchange.body, exchange.body_bytes, is_cut=exchange.is_body_cut),
        "answer_headers": exchange.answer_headers,
        "answer_body": _body(
            exchange.answer or b"", exchange.reply_bytes, is_cut=exchange.is_answer_cut
        ),
    }


def _body(body: bytes, length: int, *, is_cut: bool) -> LongText | None:
    """A body to read; whole JSON is indented."""
    if not body:
        return None
    text = body.decode("utf-8", "replace")
    if is_cut:
        return LongText(text, length, is_cut=True)
    try:
        text = json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return LongText.of(text)
    return LongText.of(text)
