"""Reads the files of attachments, checks their names and sizes, and encodes them for Postmark."""

from __future__ import annotations

import base64
import mimetypes
import re
import stat
import unicodedata
from collections import OrderedDict
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

import orjson

from mailframe import limits
from mailframe.paths import expanded, other_form
from mailframe.problems import Code

if TYPE_CHECKING:
    from collections.abc import Callable

    from mailframe.letter.attachment import Attachment

MAX_NAME_BYTES: Final = 255
"""UTF-8 bytes of a file name: the limit of file systems; Postmark does not publish one."""
MAX_CACHED_BYTES: Final = 64_000_000
"""Of encoded files, which are cached for other rows with the same file."""
DEFAULT_TYPE: Final = "application/octet-stream"
# Without the list of this machine, so that a letter has the same content types everywhere.
_TYPES: Final = mimetypes.MimeTypes(filenames=())
# Types that Python 3.11 does not have.
for _type, _extension in (
    ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", ".xlsx"),
    ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", ".docx"),
    ("application/vnd.openxmlformats-officedocument.presentationml.presentation", ".pptx"),
    ("text/calendar", ".ics"),
    ("text/markdown", ".md"),
    ("image/webp", ".webp"),
):
    _TYPES.add_type(_type, _extension)
_CRLF_EXTENSIONS: Final = (".ics", ".vcf", ".eml")
"""Formats whose lines end with CR and LF (RFC 5545, 6350, 5322)."""
_FOLDED_EXTENSIONS: Final = (".ics", ".vcf")
"""Formats whose long lines go on in the next line, after a space."""
_FOLDED_BYTES: Final = 75
"""UTF-8 bytes of a line without its end (RFC 5545, 3.1; RFC 6350, 3.2)."""
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
    """A content id without ``cid:`` and in lower case, to compare it.

    >>> plain_content_id("cid:Logo.png")
    'logo.png'
    """
    return content_id.removeprefix("cid:").lower()


class AttachmentFault(ValueError):
    """A file that cannot be attached to the message of a row.

    Attributes:
        code: the code of the problem.
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
        name: the name of the file, without a folder.
        content_id: the ``cid:…`` of an inline image, else None.
        json: the JSON object in UTF-8, with the content in base64.
    """

    name: str
    content_id: str | None
    json: bytes

    @classmethod
    def of(
        cls,
        name: str,
        content: bytes,
        settings: Attachment,
        *,
        encode: Callable[[bytes], bytes] = base64.b64encode,
    ) -> EncodedAttachment:
        """Check the name and encode the content.

        Args:
            name: the name of the file.
            content: the bytes of the file.
            settings: the attachment with the content type and the content id.
            encode: the function that encodes the content in base64.

        Raises:
            AttachmentFault: the name has a folder, a control or direction character or a forbidden
                extension, or the content is too large.

        >>> from mailframe.letter.attachment import Attachment
        >>> terms = Attachment("terms.txt")
        >>> EncodedAttachment.of("terms.txt", b"Pay in 30 days", terms).json
        b'{"Name":"terms.txt","Content":"UGF5IGluIDMwIGRheXM=","ContentType":"text/plain"}'
        """
        check_name(name)
        check_size(name, len(content))
        fields = {
            "Name": name,
            "Content": encode(content).decode(),
            "ContentType": settings.content_type or type_of(name),
        }
        if settings.content_id is not None:
            fields["ContentID"] = settings.content_id
        return cls(name, settings.content_id, orjson.dumps(fields))

    @property
    def named_content(self) -> tuple[bytes, bytes]:
        """The name and the base64 content; the type depends on the version of Python."""
        fields = orjson.loads(self.json)
        return fields["Name"].encode("utf-8", "surrogatepass"), fields["Content"].encode()


def type_of(name: str) -> str:
    """The content type for the extension of a file name.

    >>> type_of("list.csv"), type_of("list.csv.gz"), type_of("list.other")
    ('text/csv', 'application/gzip', 'application/octet-stream')
    """
    kind, compression = _TYPES.guess_type(f"./{name}")  # without ./ it can be read as a data: URL
    return _COMPRESSED.get(compression, DEFAULT_TYPE) if compression else kind or DEFAULT_TYPE


def text_content(name: str, text: str) -> bytes:
    r"""A text as the content of a file: UTF-8; calendars and cards with the lines they need.

    Their lines end with CR and LF, and lines of more than 75 bytes are folded.

    Raises:
        AttachmentFault: the text has half a surrogate pair.

    >>> text_content("a.ics", "BEGIN\nEND"), text_content("a.txt", "a\nb")
    (b'BEGIN\r\nEND\r\n', b'a\nb')
    """
    try:
        if not name.lower().endswith(_CRLF_EXTENSIONS):
            return text.encode()
        lines = [line.encode() for line in re.split(r"\r\n|\r|\n", text.rstrip())]
    except UnicodeEncodeError:
        raise AttachmentFault(
            Code.UNENCODABLE_TEXT, f"{name!r}: a lone surrogate is not UTF-8", value=text
        ) from None
    if name.lower().endswith(_FOLDED_EXTENSIONS):
        lines = list(map(_folded, lines))
    return b"".join([line + b"\r\n" for line in lines])


def _folded(line: bytes) -> bytes:
    """A line of a calendar or a card; no character of UTF-8 is divided."""
    parts, start, room = [], 0, _FOLDED_BYTES
    while len(line) - start > room:
        end = start + room
        while line[end] & 0xC0 == 0x80:  # noqa: PLR2004 - not the first byte of a character
            end -= 1
        parts.append(line[start:end])
        start, room = end, _FOLDED_BYTES - 1  # after a space
    return b"\r\n ".join([*parts, line[start:]])


def check_name(name: str) -> None:
    """Refuse a file name that Postmark or mail clients refuse, or that can mislead a reader.

    Raises:
        AttachmentFault: with the rule.
    """
    if not name.strip(". "):
        raise AttachmentFault(
            Code.ATTACHMENT_NAME, f"the name of an attachment is empty: {name!r}", value=name
        )
    unsafe = _UNSAFE_NAME.search(name)
    if unsafe:
        raise AttachmentFault(
            Code.ATTACHMENT_NAME,
            f"{name[:60]!a} contains {unsafe.group()!a}; a name is one line without a folder",
            value=name,
        )
    if len(name.encode()) > MAX_NAME_BYTES:
        raise AttachmentFault(
            Code.ATTACHMENT_NAME,
            f"{name[:40]!r}… has more than {MAX_NAME_BYTES} bytes; shorten it",
            value=name,
        )
    # As Windows reads the name: without invisible characters and trailing dots and spaces.
    visible = _INVISIBLE.sub("", unicodedata.normalize("NFKC", name)).rstrip(". \xa0")
    _, dot, extension = visible.lower().rpartition(".")
    extension = extension.strip()
    if dot and extension in limits.REFUSED_EXTENSIONS:
        is_postmark = extension in limits.POSTMARK_REFUSED_EXTENSIONS
        raise AttachmentFault(
            Code.ATTACHMENT_FORBIDDEN,
            f"{name!r}: {'Postmark refuses' if is_postmark else 'most mail clients refuse'} "
            f".{extension} files (ErrorCode 411); send a link or a zip file",
            value=name,
        )


def check_size(name: str, size: int) -> None:
    """Refuse a file whose content alone is too large for a message.

    Args:
        name: the name of the file.
        size: the size of its content in bytes, before base64.

    Raises:
        AttachmentFault: with both sizes.
    """
    encoded = (size + 2) // 3 * 4
    if encoded > limits.MAX_MESSAGE_BYTES:
        raise AttachmentFault(
            Code.MESSAGE_TOO_LARGE,
            f"{name!r} has {size:,} bytes, {encoded:,} in base64; "
            f"a message can have {limits.MAX_MESSAGE_BYTES:,} (Postmark); send a link",
            value=name,
        )


class FileReader:
    """Reads and encodes the files of one campaign; what several rows share is encoded once.

    Args:
        folder: the folder for relative paths; None for the working directory.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder or Path()
        self._kept: OrderedDict[tuple[str, str | None, str | None], EncodedAttachment] = (
            OrderedDict()
        )
        self._kept_bytes = 0
        self._encode = cache(base64.b64encode)

    def encoded(self, attachment: Attachment, name: str) -> EncodedAttachment:
        """An attachment as it is posted: its own content, or the content of the file *name*.

        Args:
            attachment: the attachment of the letter.
            name: the name of the file, or its path, for this row.

        Raises:
            AttachmentFault: the file does not exist, is not a regular file, is not readable, or
                cannot be sent.
        """
        if isinstance(attachment.content, bytes):
            return EncodedAttachment.of(name, attachment.content, attachment, encode=self._encode)
        key = (name, attachment.content_type, attachment.content_id)
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        encoded = self._kept[key] = self._read(name, attachment)
        self._kept_bytes += len(encoded.json)
        while self._kept_bytes > MAX_CACHED_BYTES and len(self._kept) > 1:
            self._kept_bytes -= len(self._kept.popitem(last=False)[1].json)
        return encoded

    def _read(self, path: str, attachment: Attachment) -> EncodedAttachment:
        file = self._folder / expanded(path)
        try:
            status = file.stat()
            if not stat.S_ISREG(status.st_mode):
                kind = "a folder" if stat.S_ISDIR(status.st_mode) else "not a regular file"
                raise AttachmentFault(
                    Code.ATTACHMENT_UNREADABLE, f"{path!r} is {kind}; correct the path", value=path
                )
            check_name(file.name)
            check_size(file.name, status.st_size)
            content = file.read_bytes()
        except OSError as error:
            hint = other_form(file) or "; correct the path, or drop the row"
            detail = f"{path!r}: {error.strerror}{hint}"
            raise AttachmentFault(Code.ATTACHMENT_UNREADABLE, detail, value=path) from None
        except ValueError as error:
            if isinstance(error, AttachmentFault):
                raise
            detail = f"{path!r} is not a valid path: {error}; correct it"
            raise AttachmentFault(Code.ATTACHMENT_UNREADABLE, detail, value=path) from None
        return EncodedAttachment.of(file.name, content, attachment)
