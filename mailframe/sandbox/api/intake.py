"""The messages that one request brings: each is checked, and gets its MessageID."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from mailframe.sandbox.api.answers import EndpointResult
from mailframe.sandbox.api.credentials import MAX_SINGLE_BYTES, check_request, sending_server_of
from mailframe.sandbox.checks import message_checks, texts, usual_messages
from mailframe.sandbox.checks.texts import CheckFailed
from mailframe.sandbox.state.clock import timestamp
from mailframe.sandbox.state.messages.acceptance import Acceptance
from mailframe.sandbox.state.messages.stored_message import INACTIVE, OF_TEMPLATE, TEMPLATE_ERROR
from mailframe.sandbox.wire.exchange import as_json

if TYPE_CHECKING:
    from collections.abc import Sequence
    from collections.abc import Set as AbstractSet

    from mailframe.sandbox.checks.message_checks import CheckedMessage
    from mailframe.sandbox.state.store import Store
    from mailframe.sandbox.wire.exchange import Reply, Request

_NOT_POSTED: Final = (INACTIVE, TEMPLATE_ERROR, *OF_TEMPLATE)
"""What only the sandbox writes into a message; without a template, Postmark ignores a model."""


@dataclass
class Intake:
    """Checks the messages of one request, and collects those that it accepts.

    Nothing is kept before the request has ended: a fault can still let it be lost.

    Args:
        request: the request, whose head and size are checked here.
        store: the state of the sandbox; it is only read.
        max_bytes: the largest body, in bytes.

    Raises:
        CheckFailed: 401, 415 or 413.
    """

    request: Request
    store: Store
    max_bytes: int
    accepted: list[Acceptance] = field(default_factory=list)

    def __post_init__(self) -> None:
        server = sending_server_of(self.request, self.store)
        check_request(self.request, self.max_bytes)
        self.is_test = server is None
        self.server = self.store.first_server if server is None else server
        account, senders = self.store.account, self.store.senders
        if account.senders is not None:  # of the options, and of the API
            account = replace(account, senders=senders.confirmed, unconfirmed=senders.unconfirmed)
        self._account = replace(account, streams=self.store.streams.kinds(self.server))
        self.accepted_ns = self.store.clock.now_ns()
        self._submitted_at = timestamp(self.accepted_ns)
        self._track_opens, self._track_links = self.store.servers.tracking(self.server)
        self._tracks = self._track_opens or self._track_links != "None"
        self._position = self.store.messages.next_position

    def take(self, message: dict[str, Any], *, inactive_text: str) -> dict[str, Any]:
        """Check one message, and accept it; returns its item of the answer.

        Args:
            message: the message, whose JSON types have been checked; it is changed when it is kept.
            inactive_text: the text of 406; a single message and an item of a batch have different
                ones.

        Raises:
            CheckFailed: the message is refused.
        """
        checked = self._checked(message, inactive_text)
        for name in _NOT_POSTED:
            message.pop(name, None)
        if checked.inactive:
            message[INACTIVE] = checked.inactive
        text = texts.TEST_JOB if self.is_test else _success_text(checked)
        (item,) = self.accept([_as_kept(message)], [checked.stream], text=text)
        return item

    def usual(self, value: Any) -> list[str | None]:
        """The stream of each message that can be accepted without more checks.

        Args:
            value: the JSON value of a batch.

        Returns:
            An item for each message, None for one that ``take`` must check; empty if *value* is no
            list, or if each message must be checked.
        """
        is_large = len(self.request.body) > MAX_SINGLE_BYTES
        if not isinstance(value, list) or self.is_test or is_large:
            return []
        streams = usual_messages.usual(value, self._account)
        suppressed = {stream: self._suppressed(stream) for stream in set(streams) if stream}
        if not any(suppressed.values()):
            return streams
        return [
            stream
            if stream and usual_messages.recipient(message) not in suppressed[stream]
            else None
            for message, stream in zip(value, streams, strict=True)
        ]

    def accept(
        self, messages: Sequence[dict[str, Any]], streams: Sequence[str], *, text: str = texts.OK
    ) -> list[dict[str, Any]]:
        """Accept messages that were checked; returns their items of the answer.

        Args:
            messages: the messages, with metadata as text; they are changed when they are kept.
            streams: the ID of the stream of each.
            text: the text of each item.
        """
        ids = self.store.random.message_ids(self._position, len(messages))
        self._position += len(messages)
        kinds, submitted_at = self._account.streams, self._submitted_at
        if self._tracks:
            for message in messages:
                self._track(message)
        self.accepted += [
            Acceptance(message_id, stream, kinds[stream], message)
            for message_id, stream, message in zip(ids, streams, messages, strict=True)
        ]
        items = [
            {
                "To": message.get("To"),
                "SubmittedAt": submitted_at,
                "MessageID": message_id,
                "ErrorCode": 0,
                "Message": text,
            }
            for message_id, message in zip(ids, messages, strict=True)
        ]
        for item in items:
            if not item["To"]:
                del item["To"]
        return items

    def _checked(self, message: dict[str, Any], inactive_text: str) -> CheckedMessage:
        if len(self.request.body) > MAX_SINGLE_BYTES:  # otherwise no message can be too large
            self._check_item_size(message)
        if self.is_test:
            return message_checks.check_offline(message, account=self._account)
        return message_checks.check(
            message,
            account=self._account,
            suppressed=self._suppressed,
            inactive_text=inactive_text,
        )

    def _track(self, message: dict[str, Any]) -> None:
        """Track a message as its server does: opens if that says so, links by default (D)."""
        if self._track_opens:
            message["TrackOpens"] = True
        if self._track_links != "None" and not message.get("TrackLinks"):
            message["TrackLinks"] = self._track_links

    def _suppressed(self, stream: str) -> AbstractSet[str]:
        return self.store.suppressions.addresses(self.server, stream)

    def _check_item_size(self, message: dict[str, Any]) -> None:
        if len(as_json(message).body) > MAX_SINGLE_BYTES:
            message_checks.check_attachments(message.get("Attachments") or [])
            raise CheckFailed(message_checks.VALIDATION, texts.MESSAGE_TOO_LARGE)

    def result(self, reply: Reply, *, messages: int) -> EndpointResult:
        """The result with the *reply*; the test token accepts nothing.

        Args:
            reply: the answer.
            messages: the number of messages in the request.
        """
        if self.is_test:
            return EndpointResult(reply, messages=messages)
        return EndpointResult(reply, self.server, self.accepted, self.accepted_ns, messages)


def _as_kept(message: dict[str, Any]) -> dict[str, Any]:
    """The message with metadata as text."""
    metadata = message.get("Metadata")
    if metadata and not all(isinstance(value, str) for value in metadata.values()):
        message["Metadata"] = {
            key: value if isinstance(value, str) else message_checks.as_text(value)
            for key, value in metadata.items()
        }
    return message


def _success_text(checked: CheckedMessage) -> str:
    if not checked.inactive:
        return texts.OK
    return texts.PARTLY_INACTIVE.format(addresses=", ".join(checked.inactive))
