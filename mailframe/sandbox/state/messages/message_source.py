"""The source of a message, as Postmark would hand it to a mail server. Pure.

Its order of headers and the quoted-printable bodies were observed (postmark-java#30); an attachment
is in it with its bytes, unlike at Postmark, so that a program can read the whole message back.
"""

from __future__ import annotations

import base64
import binascii
import re
from email.message import Message
from email.policy import compat32
from email.utils import formataddr, formatdate
from itertools import chain, zip_longest
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from mailframe.sandbox.checks import mailboxes
from mailframe.sandbox.checks.message_checks import REFUSED_HEADERS
from mailframe.sandbox.state.messages.stored_message import delivered_content

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from mailframe.sandbox.state.messages.attachments import StoredAttachment
    from mailframe.sandbox.state.messages.stored_message import DeliveredContent, StoredMessage

LINE_END: Final = "\r\n"
MESSAGE_ID_DOMAIN: Final = "mtasv.net"  # O: the domain of Postmark's own Message-ID
# These are written from the message, so that a posted one is not in it twice.
WRITTEN: Final = REFUSED_HEADERS | {
    "mime-version",
    "content-transfer-encoding",
    "content-disposition",
    "x-pm-message-id",
}
_POLICY: Final = compat32.clone(linesep=LINE_END)
_PLACE: Final = "\0"
"""Stands for a payload; no header has it, since what is not printable is encoded."""
_MAX_LINE: Final = 78
_BYTES_OF_A_WORD: Final = 36  # of UTF-8 in one encoded word, whose line stays short behind a name
_CLEAR: Final = re.compile(r"(?!.*=\?)[!-~](?:[ -~]*[!-~])?", re.ASCII)
_NOT_IN_NAME: Final = re.compile(r"[^!-9;-~]", re.ASCII)
_WORD: Final = r"[A-Za-z0-9!#$&^_.+\-]+"
_CONTENT_TYPE: Final = re.compile(
    rf'(?!multipart/|message/){_WORD}/{_WORD}(?: ?; ?{_WORD}=(?:{_WORD}|"[ !#-\[\]-~]*"))*',
    re.ASCII | re.IGNORECASE,
)
_CONTENT_ID_SAFE: Final = "!#$&'*+-/=?^_`{|}~@.:"  # RFC 2392: other characters are escaped
_ADDRESS_HEADERS: Final = {"From": "From", "To": "To", "Cc": "Cc", "Reply-To": "ReplyTo"}


def message_source(message: StoredMessage, contents: Sequence[bytes]) -> str:
    """The source of *message* in ASCII, with CRLF at the end of each line.

    Args:
        message: the message with its contents.
        contents: the bytes of each of its attachments.
    """
    return source_maker(message, contents)()


def source_maker(message: StoredMessage, contents: Sequence[bytes]) -> Callable[[], str]:
    """What makes the source of *message*, which takes long if it is large, without the state.

    Args as of ``message_source``.
    """
    delivered = delivered_content(message)

    def source() -> str:
        lines = [_folded(f"{name}: {value}") for name, value in _headers(message, delivered)]
        files = list(zip(message.attachments, contents, strict=True))
        root = _root(delivered, files, boundary=f"=_{message.message_id}")
        return "".join(line + LINE_END for line in lines) + _as_text(root)

    return source


def _as_text(root: Message) -> str:
    """The parts in one text, with CRLF at the end of each line.

    The module ``email`` splits a payload into its lines in one call, which no other thread can
    interrupt; so the payloads are put into its text afterwards.
    """
    payloads: list[str] = []
    for part in root.walk():
        if not part.is_multipart():
            payloads.append(str(part.get_payload()).replace("\n", LINE_END))
            part.set_payload(_PLACE)
    pieces = root.as_string(policy=_POLICY).split(_PLACE)
    return "".join(chain(*zip_longest(pieces, payloads, fillvalue="")))


def _headers(message: StoredMessage, delivered: DeliveredContent) -> Iterator[tuple[str, str]]:
    """Name and value of each header but those of the first part; Bcc is not one of them."""
    posted = [(_header_name(name), value) for name, value in delivered.headers]
    for name, field in _ADDRESS_HEADERS.items():
        recipients = mailboxes.parse(name, message.head.get(field))
        if recipients:
            yield name, f",{LINE_END} ".join(_mailbox(recipient) for recipient in recipients)
    if message.head.get("Subject"):
        yield "Subject", _text(message.head["Subject"])
    yield "Date", formatdate(message.accepted_ns / 1e9).replace("-0000", "+0000")
    if not any(name.lower() == "message-id" for name, _ in posted):
        yield "Message-ID", f"<{message.message_id}@{MESSAGE_ID_DOMAIN}>"
    for name, value in posted:
        if name.lower() not in WRITTEN:
            yield name, _text(value)
    yield "X-PM-Message-Id", message.message_id
    yield "MIME-Version", "1.0"


def _root(
    delivered: DeliveredContent, files: list[tuple[StoredAttachment, bytes]], *, boundary: str
) -> Message:
    """The bodies, in ``related`` with the inline files, in ``mixed`` with the other files.

    No line of quoted-printable or base64 has the ``=_`` of *boundary*.
    """
    bodies = (("plain", delivered.text_body), ("html", delivered.html_body))
    parts = [_text_part(subtype, body) for subtype, body in bodies if body]
    parts = parts or [_text_part("plain", "")]  # a template can render to nothing
    inline: list[Message] = []
    others: list[Message] = []
    for file, content in files:
        is_inline = file.content_id and delivered.html_body
        (inline if is_inline else others).append(_file_part(file, content))
    root = _multipart("alternative", parts, boundary)
    root = _multipart("related", [root, *inline], boundary)
    return _multipart("mixed", [root, *others], boundary)


def _multipart(subtype: str, parts: list[Message], boundary: str) -> Message:
    """*parts* as one part; one part is itself."""
    if len(parts) == 1:
        return parts[0]
    whole = Message()
    whole.add_header("Content-Type", f"multipart/{subtype}", boundary=f"{boundary}_{subtype}")
    for part in parts:
        whole.attach(part)
    return whole


def _text_part(subtype: str, body: str) -> Message:
    part = Message()
    part.add_header("Content-Type", f"text/{subtype}", charset="UTF-8")
    part.add_header("Content-Transfer-Encoding", "quoted-printable")
    data = re.sub(r"\r\n?", "\n", body).encode()
    part.set_payload(binascii.b2a_qp(data, istext=True).decode("ascii"))
    return part


def _file_part(file: StoredAttachment, content: bytes) -> Message:
    part = Message()
    is_valid = _CONTENT_TYPE.fullmatch(file.content_type) is not None
    part.add_header("Content-Type", file.content_type if is_valid else "application/octet-stream")
    part.add_header("Content-Transfer-Encoding", "base64")
    # A name that is not clear is written as RFC 2231 says, with each byte of it escaped.
    name = file.name if _CLEAR.fullmatch(file.name) else ("utf-8", "", file.name)
    disposition = "inline" if file.content_id else "attachment"
    part.add_header("Content-Disposition", disposition, filename=name)
    if file.content_id:
        part.add_header("Content-ID", f"<{quote(file.content_id, safe=_CONTENT_ID_SAFE)}>")
    part.set_payload(base64.encodebytes(content).decode("ascii"))
    return part


def _mailbox(recipient: mailboxes.Recipient) -> str:
    if not recipient.name or _CLEAR.fullmatch(recipient.name):
        return formataddr(recipient)
    return f"{_text(recipient.name)} <{recipient.address}>"


def _header_name(name: str) -> str:
    """*name* as a line of the source can have it; Postmark takes ``Powered by`` (O)."""
    return _NOT_IN_NAME.sub("-", name.strip())


def _text(value: str) -> str:
    """*value* in clear if it is printable ASCII, else in the encoded words of RFC 2047."""
    if not value or _CLEAR.fullmatch(value):
        return value
    return f"{LINE_END} ".join(_encoded_words(value))


def _encoded_words(value: str) -> Iterator[str]:
    """Words in base64; a character is never divided between two."""
    start, size = 0, 0
    for position, character in enumerate(value):
        length = len(character.encode())
        if size + length > _BYTES_OF_A_WORD:
            yield _encoded_word(value[start:position])
            start, size = position, 0
        size += length
    yield _encoded_word(value[start:])


def _encoded_word(text: str) -> str:
    return f"=?utf-8?b?{base64.b64encode(text.encode()).decode('ascii')}?="


def _folded(line: str) -> str:
    """*line* with a line end before a space where it would be too long."""
    if len(line) <= _MAX_LINE or LINE_END in line:
        return line
    name, value = line.split(" ", 1)
    words = re.split(r"(?<=[^ ])(?= [^ ])", value)
    lines = [f"{name} {words[0]}"]
    for word in words[1:]:
        if len(lines[-1]) + len(word) > _MAX_LINE:
            lines.append(word)
        else:
            lines[-1] += word
    return LINE_END.join(lines)
