"""``/email/bulk``: one message to many recipients, the status of each request, and their list."""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from mailframe.sandbox.api.answers import EndpointResult, error_reply
from mailframe.sandbox.api.credentials import MAX_BATCH_BYTES, server_of
from mailframe.sandbox.api.intake import Intake
from mailframe.sandbox.api.templated_sending import ReadTemplate, TemplatedIntake
from mailframe.sandbox.checks import (
    bulk_requests,
    mailboxes,
    message_checks,
    request_json,
    template_fields,
    templated_messages,
    texts,
    texts_templates,
)
from mailframe.sandbox.checks.account import StreamType
from mailframe.sandbox.checks.field_types import MAX_COUNT, WHOLE_NUMBER
from mailframe.sandbox.checks.template_fields import INVALID
from mailframe.sandbox.checks.texts import CheckFailed
from mailframe.sandbox.state.messages.bulk_requests import as_item, status
from mailframe.sandbox.templating.template import Budget, RenderingFailed
from mailframe.sandbox.wire.exchange import Reply, as_json

if TYPE_CHECKING:
    from mailframe.sandbox.api.answers import Routes
    from mailframe.sandbox.checks.bulk_requests import BulkMessage, BulkRequest
    from mailframe.sandbox.state.store import Store
    from mailframe.sandbox.wire.exchange import Request

MANY_ERRORS, NOT_FOUND, BAD_KEY, NOT_ENABLED = 11, 12, 13, 14
INACTIVE, NO_STREAM, NOT_SENDING = 406, 1226, 1236
DEFAULT_COUNT: Final = 20  # D
_ANYONE: Final = "anyone@example.com"
"""Checked in place of an address whose error was reported already, or that is checked later."""
_ANYTHING: Final = {"TextBody": "anything"}
"""The same for the bodies."""


@dataclass
class BulkIntake(TemplatedIntake):
    """Takes the messages of one bulk request; what they share is checked once.

    Attributes:
        errors: the errors of the request; with one, nothing is accepted.
    """

    errors: bulk_requests.Errors = field(default_factory=bulk_requests.Errors)

    def take_all(self, bulk: BulkRequest) -> None:
        """Check the request, and accept each message that is not suppressed and can be rendered.

        Raises:
            CheckFailed: 422 / 1226 or 1236 for its stream; ``errors`` has the others.
        """
        self.budget = Budget.of(len(bulk.messages))
        bulk.shared["MessageStream"] = self._stream(bulk.shared)
        source = self._source(bulk)
        self._check_shared(bulk.shared, source)
        if not bulk.messages:
            self.errors.add(CheckFailed(message_checks.VALIDATION, texts.NO_RECIPIENTS))
        for message in bulk.messages:
            try:
                template_fields.check_model(message.model)
                self._take_one(bulk, message, source)
            except CheckFailed as error:
                if error.error_code != INACTIVE:
                    self.errors.add(error)

    def _stream(self, shared: dict[str, Any]) -> str:
        """The stream of the request; without one, the first broadcast stream of the server (D).

        Raises:
            CheckFailed: 422 / 1226 for an unknown one (D), 1236 for one of another type (A).
        """
        kinds = self.store.streams.kinds(self.server)
        broadcasts = [name for name, kind in kinds.items() if kind is StreamType.BROADCAST]
        stream = shared.get("MessageStream") or next(iter(broadcasts), None)
        if stream is None or stream not in kinds:
            raise CheckFailed(NO_STREAM, texts.NO_SUCH_STREAM)
        if stream not in broadcasts:
            raise CheckFailed(NOT_SENDING, texts.NO_SENDING_STREAM)
        return str(stream)

    def _source(self, bulk: BulkRequest) -> ReadTemplate | None:
        """The template that the request names, or its own subject and bodies as one."""
        number, alias = (bulk.template.get(name) for name in ("TemplateId", "TemplateAlias"))
        if number is None and not alias:
            return self._own_source(bulk.shared)
        try:
            templated_messages.check_no_contents(bulk.shared)
            return self.template(number, alias)
        except CheckFailed as error:
            self.errors.add(error)
            return None

    def _own_source(self, shared: dict[str, Any]) -> ReadTemplate:
        names = templated_messages.CONTENTS
        contents = {name: shared[name] for name in names if shared.get(name)}
        parts = self.store.renderer.template(contents)
        for name in contents:
            for error in parts.errors(name):
                text = texts_templates.NOT_PARSED.format(
                    field=name, line=error.line, position=error.position, text=error.text
                )
                self.errors.add(CheckFailed(INVALID, text), name=name)
        return ReadTemplate(None, contents, parts)

    def _check_shared(self, shared: dict[str, Any], source: ReadTemplate | None) -> None:
        """Check From by itself, so that its error hides none of the others."""
        try:
            mailboxes.parse_sender(shared.get("From"))
        except CheckFailed as error:
            self.errors.add(error, name="From")
            shared["From"] = _ANYONE
        contents = _ANYTHING if source is None else source.contents
        try:
            message_checks.check_offline(shared | contents | {"To": _ANYONE}, account=self._account)
        except CheckFailed as error:
            self.errors.add(error)

    def _take_one(
        self, bulk: BulkRequest, message: BulkMessage, source: ReadTemplate | None
    ) -> None:
        fields = _with_shared(bulk.shared, message.fields)
        Intake.take(self, fields | _ANYTHING, inactive_text=texts.ALL_INACTIVE_ITEM)
        if self.errors or source is None:
            return
        kept = self.accepted[-1].message
        kept |= {name: value for name, value in bulk.shared.items() if name not in kept}
        kept |= source.names | {"TemplateModel": message.model}
        for name in templated_messages.CONTENTS:
            kept.pop(name, None)
        try:
            kept |= self.rendered(
                source, message.model, inlines=bulk.template.get("InlineCss", True)
            )
        except RenderingFailed:
            self.accepted.pop()

    def _check_item_size(self, message: dict[str, Any]) -> None:
        """Nothing: what makes messages large is shared, and was checked once."""


def _with_shared(shared: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    """The fields of one message; its metadata and headers win over shared ones (D), by name."""
    fields = {name: shared[name] for name in ("From", "MessageStream") if name in shared} | own
    metadata, headers = shared.get("Metadata") or {}, shared.get("Headers") or []
    if metadata:
        names = {name.lower() for name in own.get("Metadata") or {}}
        others = {name: value for name, value in metadata.items() if name.lower() not in names}
        fields["Metadata"] = others | (own.get("Metadata") or {})
    if headers:
        names = {_header_name(one) for one in own.get("Headers") or []}
        kept = [one for one in headers if _header_name(one) not in names]
        fields["Headers"] = kept + (own.get("Headers") or [])
    return fields


def _header_name(header: dict[str, Any]) -> str:
    return (header.get("Name") or "").lower()


def send(request: Request, store: Store) -> EndpointResult:
    """``POST /email/bulk``: one error refuses all messages; suppressed ones only fail."""
    intake = BulkIntake(request, store, MAX_BATCH_BYTES)
    _check_enabled(store)
    bulk = bulk_requests.read(request_json.parse(request.body))
    total, subject = len(bulk.messages), bulk.shared.get("Subject")
    intake.take_all(bulk)
    if intake.errors:
        return EndpointResult(_refusal(intake.errors), messages=total)
    identifier = store.new_message_id(0)
    result = intake.result(
        as_json(
            status(
                identifier,
                submitted_ns=intake.accepted_ns,
                subject=subject,
                total=total,
                released=None,
            )
        ),
        messages=total,
    )
    if intake.is_test:
        return result

    def keep(released: int) -> None:
        store.bulk_requests.add(
            result.server,
            identifier,
            submitted_ns=result.accepted_ns,
            subject=subject,
            total=total,
            released=released,
        )

    return replace(result, keep=keep)


def _refusal(errors: bulk_requests.Errors) -> Reply:
    """The one error with its own code, or all with code 11 (D)."""
    if errors.only is not None:
        return error_reply(errors.only)
    error = CheckFailed(MANY_ERRORS, texts.MANY_ERRORS)
    body = as_json(error.as_item() | {"Errors": errors.by_field()}).body
    return replace(error_reply(error), body=body)


def show_status(request: Request, store: Store) -> Reply:
    """``GET /email/bulk/{id}``."""
    server = server_of(request, store)
    _check_enabled(store)
    row = store.bulk_requests.get(server, request.params["id"])
    if row is None:
        raise CheckFailed(NOT_FOUND, texts.NO_BULK_REQUEST, http_status=404)
    return as_json(as_item(row))


def show_requests(request: Request, store: Store) -> Reply:
    """``GET /email/bulk``: the newest first; the last page has no key for a next one (D)."""
    server = server_of(request, store)
    _check_enabled(store)
    count = request.values.get("count", "") or str(DEFAULT_COUNT)
    if not WHOLE_NUMBER.fullmatch(count) or not 1 <= int(count) <= MAX_COUNT:
        raise template_fields.wrong_type("count")
    key = request.values.get("paginationkey", "")
    before = _number_of(server, key) if key else None
    rows = store.bulk_requests.page(server, count=int(count) + 1, before=before)
    page = rows[: int(count)]
    answer: dict[str, Any] = {"Requests": [as_item(row) for row in page]}
    if len(rows) > len(page):
        answer["PaginationKey"] = _key_of(server, page[-1]["number"])
    return as_json(answer)


def _check_enabled(store: Store) -> None:
    """14 for an account without the Bulk API."""
    if not store.account.bulk:
        raise CheckFailed(NOT_ENABLED, texts.BULK_NOT_ENABLED)


def _key_of(server: int, number: int) -> str:
    """The key of the page after the request with that number; no other server can use it."""
    digest = hashlib.sha256(f"{server}/{number}".encode()).hexdigest()[:16]
    return base64.urlsafe_b64encode(f"{number}/{digest}".encode()).decode()


def _number_of(server: int, key: str) -> int:
    """The number in a key.

    Raises:
        CheckFailed: 422 / 13 for a key that was altered.
    """
    try:
        number = base64.urlsafe_b64decode(key.encode()).decode().partition("/")[0]
        if WHOLE_NUMBER.fullmatch(number) and _key_of(server, int(number)) == key:
            return int(number)
    except (binascii.Error, ValueError):
        pass
    raise CheckFailed(BAD_KEY, texts.BAD_KEY)


ROUTES: Final[Routes] = {
    "/email/bulk": {"POST": send, "GET": show_requests},
    "/email/bulk/{id}": {"GET": show_status},
}
