"""Files as Postmark takes them: read once, base64 once, and then the same bytes for every message that shares them."""

from __future__ import annotations

import base64
import mimetypes
import re
import stat
import unicodedata
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import orjson

from mailframe import limits
from mailframe.paths import expanded, other_form
from mailframe.problems import Code

MAX_NAME_BYTES: Final = 255
"""UTF-8 bytes of a file name: what file systems take; Postmark publishes no limit."""
MAX_KEPT_BYTES: Final = 64_000_000
"""Of encoded files that are kept for the next row that wants the same one."""
DEFAULT_TYPE: Final = "application/octet-stream"
_TYPES: Final = mimetypes.MimeTypes(
    filenames=()
)  # not the machine's own list: the same letter, the same type
for _type, _extension in (
    ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", ".xlsx"),
    ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", ".docx"),
    ("application/vnd.openxmlformats-officedocument.presentationml.presentation", ".pptx"),
    ("text/calendar", ".ics"),
    ("text/markdown", ".md"),
    ("image/webp", ".webp"),
):  # what data teams attach and Python 3.11 does not know
    _TYPES.add_type(_type, _extension)
_COMPRESSED: Final = {
    "gzip": "application/gzip",
    "bzip2": "application/x-bzip2",
    "xz": "application/x-xz",
}
_INVISIBLE: Final = re.compile("[\u00ad\u200b-\u200f\u2060\ufeff]")
_UNSAFE_NAME: Final = re.compile(
    "[\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff/\\\\]"
)


def plain_content_id(content_id: str) -> str:
    """A content id without the ``cid:`` before it, in lower case: for comparing.

    >>> plain_content_id("cid:Logo.png")
    'logo.png'
    """
    return content_id.removeprefix("cid:").lower()


class AttachmentFault(ValueError):
    """A file that cannot be attached to this row's message.

    Attributes:
        code: of the problem.
        value: the path or the name of the file.
    """

    def __init__(self, code: Code, detail: str, *, value: object) -> None:
        super().__init__(detail)
        self.code = code
        self.value = value


@dataclass(frozen=True, slots=True)
class EncodedAttachment:
    """One attachment as it is posted.

    Attributes:
        name: of the file, without any folder.
        content_id: ``cid:…`` of an inline image, else None.
        json: the JSON object in UTF-8, its content in base64.
    """

    name: str
    content_id: str | None
    json: bytes

    @classmethod
    def of(
        cls,
        name: str,
        content: bytes,
        *,
        content_type: str | None = None,
        content_id: str | None = None,
    ) -> EncodedAttachment:
        """The file's name checked and its content encoded.

        Raises:
            AttachmentFault: the name holds a folder, a control or direction character or a forbidden ending,
                or the content is too large for any message.

        >>> EncodedAttachment.of("terms.txt", b"Pay in 30 days").json
        b'{"Name":"terms.txt","Content":"UGF5IGluIDMwIGRheXM=","ContentType":"text/plain"}'
        """
        check_name(name)
        check_size(name, len(content))
        return cls.encoded(
            name, base64.b64encode(content), content_type=content_type, content_id=content_id
        )

    @classmethod
    def encoded(
        cls, name: str, base64_content: bytes, *, content_type: str | None, content_id: str | None
    ) -> EncodedAttachment:
        """The same, of a content in base64 that several rows share under names of their own.

        Raises:
            AttachmentFault: the name holds a folder, a control or direction character or a forbidden ending.
        """
        check_name(name)
        fields = {
            "Name": name,
            "Content": base64_content.decode(),
            "ContentType": content_type or type_of(name),
        }
        if content_id is not None:
            fields["ContentID"] = content_id
        return cls(name, content_id, orjson.dumps(fields))

    @property
    def named_content(self) -> tuple[bytes, bytes]:
        """The name and the content in base64, without the type: that is taken from the name, and tables differ."""
        fields = orjson.loads(self.json)
        return fields["Name"].encode("utf-8", "surrogatepass"), fields["Content"].encode()


def type_of(name: str) -> str:
    """The content type that a file name's extension stands for; the content is never looked at.

    >>> type_of("list.csv"), type_of("list.csv.gz"), type_of("list.unheard")
    ('text/csv', 'application/gzip', 'application/octet-stream')
    """
    kind, packed = _TYPES.guess_type(
        f"./{name}"
    )  # without the ./ a name may be read as a data: URL
    return _COMPRESSED.get(packed, DEFAULT_TYPE) if packed else kind or DEFAULT_TYPE


def check_name(name: str) -> None:
    """Refuse a file name that Postmark or a mailbox would refuse, or that could deceive a reader.

    Raises:
        AttachmentFault: with the rule.
    """
    if not name.strip(". "):
        raise AttachmentFault(
            Code.ATTACHMENT_NAME, f"an attachment's name is {name!r}; give it one", value=name
        )
    unsafe = _UNSAFE_NAME.search(name)
    if unsafe:
        raise AttachmentFault(
            Code.ATTACHMENT_NAME,
            f"{name[:60]!a} holds {unsafe.group()!a}; a name is one line without a folder",
            value=name,
        )
    if len(name.encode()) > MAX_NAME_BYTES:
        raise AttachmentFault(
            Code.ATTACHMENT_NAME,
            f"{name[:40]!r}… has more than {MAX_NAME_BYTES} bytes; shorten it",
            value=name,
        )
    seen = _INVISIBLE.sub("", unicodedata.normalize("NFKC", name)).rstrip(
        ". \xa0"
    )  # as Windows reads it
    _, dot, extension = seen.lower().rpartition(".")
    if dot and extension.strip() in limits.REFUSED_EXTENSIONS:
        extension = extension.strip()
        whose = "Postmark" if extension in limits.POSTMARK_REFUSED_EXTENSIONS else "most mailboxes"
        raise AttachmentFault(
            Code.ATTACHMENT_FORBIDDEN,
            f"{name!r}: {whose} takes no .{extension} files (ErrorCode 411); send a link or a zip",
            value=name,
        )


def check_size(name: str, size: int) -> None:
    """Refuse a file whose content alone would pass what one message may have.

    Args:
        name: of the file.
        size: of its content in bytes, before base64.

    Raises:
        AttachmentFault: with both sizes.
    """
    encoded = (size + 2) // 3 * 4
    if encoded > limits.MAX_MESSAGE_BYTES:
        raise AttachmentFault(
            Code.MESSAGE_TOO_LARGE,
            f"{name!r} has {size:,} bytes, {encoded:,} in base64; "
            f"a message takes {limits.MAX_MESSAGE_BYTES:,} (Postmark); send a link",
            value=name,
        )


class FileReader:
    """Reads the files of one campaign; a file or content that several rows share is read and encoded once.

    Args:
        folder: where relative paths begin; None for the working directory.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder or Path()
        self._kept: OrderedDict[tuple[str, str | None, str | None], EncodedAttachment] = (
            OrderedDict()
        )
        self._kept_bytes = 0
        self._encoded: dict[int, bytes] = {}

    def read(
        self, path: str, *, content_type: str | None, content_id: str | None
    ) -> EncodedAttachment:
        """The file as it is posted; relative paths begin at the letter's folder, else the working directory.

        Raises:
            AttachmentFault: there is no such file, it is no regular file, or it may not be read or sent.
        """
        key = (path, content_type, content_id)
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        piece = self._read(path, content_type=content_type, content_id=content_id)
        self._kept[key] = piece
        self._kept_bytes += len(piece.json)
        while self._kept_bytes > MAX_KEPT_BYTES and len(self._kept) > 1:
            self._kept_bytes -= len(self._kept.popitem(last=False)[1].json)
        return piece

    def shared(
        self, name: str, content: bytes, *, content_type: str | None, content_id: str | None
    ) -> EncodedAttachment:
        """A content that all rows share, under the name that it has in this row.

        Args:
            name: of the file.
            content: of the letter itself, so that it lives as long as the letter.
            content_type: see ``EncodedAttachment``.
            content_id: see ``EncodedAttachment``.

        Raises:
            AttachmentFault: see ``EncodedAttachment.of``.
        """
        check_size(name, len(content))
        if id(content) not in self._encoded:
            self._encoded[id(content)] = base64.b64encode(content)
        return EncodedAttachment.encoded(
            name, self._encoded[id(content)], content_type=content_type, content_id=content_id
        )

    def _read(
        self, path: str, *, content_type: str | None, content_id: str | None
    ) -> EncodedAttachment:
        file = self._folder / expanded(path)
        try:
            status = file.stat()
            if not stat.S_ISREG(status.st_mode):
                kind = "a folder" if stat.S_ISDIR(status.st_mode) else "no regular file"
                raise AttachmentFault(
                    Code.ATTACHMENT_UNREADABLE, f"{path!r} is {kind}; correct the path", value=path
                )
            check_name(file.name)
            check_size(file.name, status.st_size)
            content = file.read_bytes()
        except OSError as error:
            detail = f"{path!r}: {error.strerror}{other_form(file) or '; correct the path, or drop the row'}"
            raise AttachmentFault(Code.ATTACHMENT_UNREADABLE, detail, value=path) from None
        except ValueError as error:
            if isinstance(error, AttachmentFault):
                raise
            detail = f"{path!r} is not a valid path: {error}; correct it"
            raise AttachmentFault(Code.ATTACHMENT_UNREADABLE, detail, value=path) from None
        return EncodedAttachment.of(
            file.name, content, content_type=content_type, content_id=content_id
        )
