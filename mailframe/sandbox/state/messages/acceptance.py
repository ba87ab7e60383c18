"""A message between its checks and its storage."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mailframe.sandbox.checks.account import StreamType


@dataclass(slots=True)
class Acceptance:
    """A message that a request brings, before it is stored.

    Attributes:
        message_id: its MessageID.
        stream: the ID of its stream.
        kind: the type of its stream.
        message: the message as posted, with metadata as text; storing takes it apart.
    """

    message_id: str
    stream: str
    kind: StreamType
    message: dict[str, Any]
