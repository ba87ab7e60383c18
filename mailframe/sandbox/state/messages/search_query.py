"""What a search of messages asks for. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    Filter = Callable[[dict[str, Any]], bool]
    """Whether the head of a message, as ``StoredMessage.head``, is one of the matches."""

DEFAULT_STREAM: Final = "outbound"  # D: a search without a stream searches this one only
MAX_NS: Final = 2**63 - 1


@dataclass(frozen=True, slots=True)
class SearchQuery:
    """The parameters of one search.

    Attributes:
        count: the number of messages on the page, 1 to 500.
        offset: the number of messages before the page.
        stream: the id of the stream that is searched.
        metadata: the key in lower case, and the value; None for any.
        filters: the further conditions for the head of a message.
        contained: texts that each match has in its head, ignoring case.
        since_ns: the first time of acceptance, in nanoseconds since 1970.
        until_ns: the last one.
        is_queued: whether the messages wait to be sent; None is any.
    """

    count: int
    offset: int
    stream: str = DEFAULT_STREAM
    metadata: tuple[str, str] | None = None
    filters: tuple[Filter, ...] = ()
    contained: tuple[str, ...] = ()
    since_ns: int = 0
    until_ns: int = MAX_NS
    is_queued: bool | None = None

    @property
    def needs_heads(self) -> bool:
        """Whether the head of a message must be read to know whether it matches."""
        return self.metadata is not None or bool(self.filters)

    def matches(self, head: dict[str, Any]) -> bool:
        """Whether a message with this *head*, whose stream and time match, is a match."""
        if self.metadata is not None:
            key, value = self.metadata
            fields = head.get("Metadata") or {}
            if not any(name.lower() == key and text == value for name, text in fields.items()):
                return False
        return all(is_match(head) for is_match in self.filters)
