"""What is stored of an attachment: name, type, size, and the bytes of an inline image. Pure."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakValueDictionary

if TYPE_CHECKING:
    from collections.abc import Iterable

_IMAGE: Final = re.compile(r"image/[a-z0-9.+-]+", re.ASCII)
_SPACE: Final = re.compile(r"\s")


@dataclass(frozen=True, slots=True, weakref_slot=True)
class StoredAttachment:
    """One attachment.

    Attributes:
        name: the name of the file, as posted.
        content_type: the content type as posted.
        size: the size in bytes, not encoded.
        content_id: the content ID as posted, without its ``cid:``; empty if it is not inline.
        image: the ``data:`` URL of an image with a content ID; empty for any other file.
    """

    name: str
    content_type: str
    size: int
    content_id: str = ""
    image: str = ""


_KEPT: Final[WeakValueDictionary[tuple[str | int, ...], StoredAttachment]] = WeakValueDictionary()
"""By their fields; equal attachments of several messages, such as a logo, are stored once."""


def parse(entries: Iterable[dict[str, Any]]) -> tuple[StoredAttachment, ...]:
    """The attachments of a checked message, in its order.

    >>> entry = {"Name": "a.png", "ContentType": "image/png", "Content": "aGk="}
    >>> parse([entry | {"ContentID": "cid:logo"}])[0].image
    'data:image/png;base64,aGk='
    >>> parse([entry])[0]
    StoredAttachment(name='a.png', content_type='image/png', size=2, content_id='', image='')
    """
    return tuple(_shared(_stored_attachment(entry)) for entry in entries)


def _shared(file: StoredAttachment) -> StoredAttachment:
    # The key is not the file itself, which would then never be freed.
    fields = (file.name, file.content_type, file.size, file.content_id, file.image)
    return _KEPT.setdefault(fields, file)


def _stored_attachment(entry: dict[str, Any]) -> StoredAttachment:
    content = _SPACE.sub("", entry["Content"])
    content_id = (entry.get("ContentID") or "").removeprefix("cid:")
    kind = entry["ContentType"].partition(";")[0].strip().lower()
    is_image = bool(content_id) and _IMAGE.fullmatch(kind) is not None
    image = f"data:{kind};base64,{content}" if is_image else ""
    return StoredAttachment(
        entry["Name"], entry["ContentType"], len(base64.b64decode(content)), content_id, image
    )
