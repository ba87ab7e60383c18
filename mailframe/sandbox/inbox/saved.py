"""Parts and attachments as files: nothing of them runs on the origin of the inbox."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from mailframe.sandbox.inbox.message import VIEWED, text_of
from mailframe.sandbox.inbox.site import FILE_HEADERS, PLAIN_TYPE
from mailframe.sandbox.wire.exchange import Reply

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mailframe.sandbox.state.messages.stored_message import StoredMessage
    from mailframe.sandbox.state.store import Store

_SAVED: Final = "application/octet-stream"
_ENDINGS: Final = {"source": "html", "text": "txt", "raw": "eml", "json": "json"}
_NOT_IN_NAMES: Final = re.compile(
    r'[\x00-\x1f\x7f-\x9f"\\/:*?<>|\u200b-\u200f\u2028-\u202e\u2066-\u2069]'
)
_MAX_NAME: Final = 120


def part(
    message: StoredMessage, name: str, values: Mapping[str, str], store: Store
) -> Reply | None:
    """A text of the message: to read as plain text, or with ``save`` as a file."""
    if name not in _ENDINGS:
        return None
    reply = Reply(200, b"", PLAIN_TYPE, FILE_HEADERS)
    if "save" in values:
        reply = _file(b"", f"{message.message_id}.{_ENDINGS[name]}")
    text = text_of(message, name, store)
    return replace(reply, later=lambda: text().encode("utf-8", "replace"))


def attachment(
    message: StoredMessage, place: str, values: Mapping[str, str], store: Store
) -> Reply | None:
    """An attachment as a file; with ``view``, images and plain text are shown."""
    files = message.attachments
    if not re.fullmatch(r"\d{1,4}", place, re.ASCII) or int(place) >= len(files):
        return None
    file = files[int(place)]
    content = store.attachments.content(file)
    kind = file.content_type.partition(";")[0].strip().lower()
    if "view" in values and (kind in VIEWED or kind == "text/plain"):
        return Reply(200, content, PLAIN_TYPE if kind == "text/plain" else kind, FILE_HEADERS)
    return _file(content, file.name)


def _file(content: bytes, name: str) -> Reply:
    disposition = ("Content-Disposition", f"attachment; {_file_name(name)}")
    return Reply(200, content, _SAVED, (disposition, *FILE_HEADERS))


def _file_name(name: str) -> str:
    """The name of a file for a header (RFC 6266), without what a system could misread.

    >>> print(_file_name('../a"b.pdf'))
    filename="_a_b.pdf"; filename*=UTF-8''_a_b.pdf
    """
    name = _NOT_IN_NAMES.sub("_", name).strip(" .")[-_MAX_NAME:] or "attachment"
    plain = name.encode("ascii", "replace").decode().replace("?", "_").replace("%", "_")
    return f"filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='', errors='replace')}"
