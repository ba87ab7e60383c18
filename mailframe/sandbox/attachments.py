"""What is kept of an attachment: its name, kind and size, and of an inline image the bytes, to show it. Pure."""

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
class Attached:
    """One attachment.

    Attributes:
        name: of the file, as posted.
        content_type: as posted.
        size: bytes, not encoded.
        content_id: as posted, without its ``cid:``; empty for a file that is no part of the HTML.
        image: a ``data:`` address for an image with a content ID; empty for any other, whose bytes are not kept.
    """

    name: str
    content_type: str
    size: int
    content_id: str = ""
    image: str = ""


_KEPT: Final[WeakValueDictionary[tuple[str | int, ...], Attached]] = WeakValueDictionary()
"""A logo comes with each of 12,000 messages and is kept once, as long as one of them is."""


def read(entries: Iterable[dict[str, Any]]) -> tuple[Attached, ...]:
    """The attachments of a checked message, in its order.

    >>> read([{"Name": "a.png", "ContentType": "image/png", "ContentID": "cid:logo", "Content": "aGk="}])[0].image
    'data:image/png;base64,aGk='
    >>> read([{"Name": "a.pdf", "ContentType": "application/pdf", "Content": "aGk="}])
    (Attached(name='a.pdf', content_type='application/pdf', size=2, content_id='', image=''),)
    """
    return tuple(_kept(_attached(entry)) for entry in entries)


def _kept(file: Attached) -> Attached:
    fields = (
        file.name,
        file.content_type,
        file.size,
        file.content_id,
        file.image,
    )  # the file itself would stay
    return _KEPT.setdefault(fields, file)


def _attached(entry: dict[str, Any]) -> Attached:
    content = _SPACE.sub("", entry["Content"])
    content_id = (entry.get("ContentID") or "").removeprefix("cid:")
    kind = entry["ContentType"].partition(";")[0].strip().lower()
    is_image = bool(content_id) and _IMAGE.fullmatch(kind) is not None
    image = f"data:{kind};base64,{content}" if is_image else ""
    return Attached(
        entry["Name"], entry["ContentType"], len(base64.b64decode(content)), content_id, image
    )
