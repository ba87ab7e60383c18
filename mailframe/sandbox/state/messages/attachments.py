"""The bytes of attachments; equal ones of several messages, such as a logo, are kept once."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self

from mailframe.sandbox.state.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterable


_IMAGE: Final = re.compile(r"image/[a-z0-9.+-]+", re.ASCII)
_SPACE: Final = re.compile(r"\s")


@dataclass(frozen=True, slots=True)
class StoredAttachment:
    """One attachment.

    Attributes:
        name: the name of the file, as posted.
        content_type: the content type as posted.
        size: the size in bytes, not encoded.
        content_id: the content ID as posted, without its ``cid:``; empty if it is not inline.
        digest: the SHA-256 of its bytes, by which they are kept.
    """

    name: str
    content_type: str
    size: int
    content_id: str
    digest: str

    @classmethod
    def of(cls, entry: dict[str, Any]) -> Self:
        """The attachment of an *entry* that ``AttachmentTable.add`` has returned."""
        return cls(
            entry["Name"],
            entry["ContentType"],
            entry["Size"],
            (entry.get("ContentID") or "").removeprefix("cid:"),
            entry["Digest"],
        )

    @property
    def image_type(self) -> str:
        """The content type of an inline image; empty for any other file."""
        kind = self.content_type.partition(";")[0].strip().lower()
        return kind if self.content_id and _IMAGE.fullmatch(kind) else ""


class AttachmentTable(Table):
    """The bytes of attachments by their SHA-256."""

    SCHEMA = """
    create table if not exists attachments (
        digest text primary key,
        last integer not null,
        content blob not null
    ) without rowid;
    create index if not exists attachments_by_last on attachments (last);
    """
    CLEARED = ("attachments",)

    def add(self, entry: dict[str, Any], *, read: dict[str, tuple[str, int]]) -> dict[str, Any]:
        """Keep the bytes of a posted *entry*; returns it with ``Digest`` and ``Size`` for them.

        Args:
            entry: the attachment, whose content is base64.
            read: digest and size of the contents of this request that were read before.
        """
        text = entry["Content"]
        if text not in read:
            read[text] = self._keep(base64.b64decode(_SPACE.sub("", text)))
        digest, size = read[text]
        kept = {name: value for name, value in entry.items() if name != "Content"}
        return kept | {"Digest": digest, "Size": size}

    def use(self, digests: Iterable[str], *, position: int) -> None:
        """Keep the bytes as long as the message at *position*.

        A change of a row writes its bytes again, so this is called once for a request.
        """
        self._database.run_many(
            "update attachments set last = ? where digest = ?",
            [(position, digest) for digest in digests],
        )

    def _keep(self, content: bytes) -> tuple[str, int]:
        digest = hashlib.sha256(content).hexdigest()
        self._database.run(
            "insert into attachments values (?, 0, ?) on conflict do nothing", digest, content
        )
        return digest, len(content)

    def content(self, file: StoredAttachment) -> bytes:
        """The bytes of *file*."""
        content: bytes = self._database.value(
            "select content from attachments where digest = ?", file.digest
        )
        return content

    def image_url(self, file: StoredAttachment) -> str:
        """The ``data:`` URL of an inline image; empty for any other file."""
        if not file.image_type:
            return ""
        return f"data:{file.image_type};base64,{base64.b64encode(self.content(file)).decode()}"

    def remove(self, digest: str) -> None:
        """Remove the bytes with that digest, which no message has any more."""
        self._database.run("delete from attachments where digest = ?", digest)

    def remove_before(self, position: int) -> None:
        """Remove those whose last message has a lower position."""
        self._database.run("delete from attachments where last < ?", position)
