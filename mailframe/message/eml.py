"""A message as a file that mail programs open (RFC 5322, MIME); it is never what is posted.

Its bytes depend on the message alone: there is no date unless one is given, no random identifier,
and the boundaries between the parts are digests. Headers are written here and not by Python's email
package, whose line breaks differ between versions of Python.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import re
from binascii import b2a_qp
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from mailframe.errors import MailframeError
from mailframe.limits import is_refused_header
from mailframe.message.addresses import read_mailbox

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

_LINE: Final = 76
"""Characters of a line of base64, and of a line with an encoded word (RFC 2045, RFC 2047)."""
_MAX_LINE: Final = 900
"""Characters of a line of plain text in a header; 998 are possible (RFC 5322, 2.1.1)."""
_WORD_BYTES: Final = 42
"""Bytes of UTF-8 in one encoded word, which has 75 characters at most."""
_PLAIN: Final = re.compile(r"[!-~]+(?: [!-~]+)*")
"""A value that needs no encoding: printable ASCII with single spaces between words."""
_ATOMS: Final = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?: [A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_HEADER_NAME: Final = re.compile(r"[!-9;-~]{1,200}")
_TYPE: Final = re.compile(r"[\w!#$&^.+-]+/[\w!#$&^.+-]+", re.ASCII)
_PARAMETERS: Final = re.compile(
    r"(?: *; *[\w!#$&^.+-]+=(?:[\w!#$&^.+-]+|\"[ !#-\[\]-~]*\")){1,9}", re.ASCII
)
"""Of a type, such as ``; method=REQUEST`` (RFC 2045, 5.1)."""
_CONTENT_ID: Final = re.compile(r"[!-;=?-~]+")

_POSTMARK_HEADERS: Final = (
    ("Tag", "X-PM-Tag"),
    ("MessageStream", "X-PM-Message-Stream"),
    ("TrackOpens", "X-PM-TrackOpens"),
    ("TrackLinks", "X-PM-TrackLinks"),
)
"""Fields that a mail program does not know, as Postmark's headers for SMTP."""


def eml(payload: Mapping[str, Any], *, date: dt.datetime | None = None) -> bytes:
    """The file of a message.

    Args:
        payload: the message as Postmark's fields.
        date: the time of the header ``Date``, with a time zone; None for no such header.

    Raises:
        MailframeError: *date* has no time zone, the name of a header is not valid, or the message
            has a template at Postmark.
    """
    if "TemplateModel" in payload:
        raise MailframeError(
            "Postmark renders this mail with a template, so there is none to write here; "
            "campaign.preview(server=server) shows it, and campaign.send_test sends it to you"
        )
    lines = list(_headers(payload, date))
    kind, body = _body(payload)
    return "\r\n".join([*lines, "MIME-Version: 1.0", *kind, "", body]).encode()


# --- headers --------------------------------------------------------------------------------------


def _headers(payload: Mapping[str, Any], date: dt.datetime | None) -> Iterator[str]:
    if date is not None:
        yield f"Date: {_date(date)}"
    yield from (
        f"{name}: {_mailboxes(text)}"
        for field, name in (("From", "From"), ("ReplyTo", "Reply-To"), ("To", "To"), ("Cc", "Cc"))
        if (text := payload.get(field))
    )
    if not payload.get("To") and not payload.get("Cc"):
        yield "To: undisclosed-recipients:;"
    yield _header("Subject", payload.get("Subject") or "")
    for pair in payload.get("Headers") or ():
        if not is_refused_header(pair["Name"]):  # of fields, and of the parts of the file
            yield _header(pair["Name"], pair["Value"])
    for field, name in _POSTMARK_HEADERS:
        value = payload.get(field)
        if value is not None:
            yield _header(name, str(value).lower() if isinstance(value, bool) else value)
    for key, value in (payload.get("Metadata") or {}).items():
        yield _header(f"X-PM-Metadata-{quote(key, safe=_SAFE_IN_NAMES)}", value)


_SAFE_IN_NAMES: Final = "!#$&'*+^`|~"


def _date(date: Any) -> str:
    if not isinstance(date, dt.datetime):
        raise MailframeError(
            f"date={date!r} is no time; write datetime.datetime(2026, 11, 22, tzinfo=datetime.UTC)"
        )
    if date.tzinfo is None:
        raise MailframeError(
            f"date={date!r} has no time zone; write date.replace(tzinfo=datetime.UTC)"
        )
    return format_datetime(date)


def _header(name: str, value: str) -> str:
    if not _HEADER_NAME.fullmatch(name):
        raise MailframeError(f"{name[:60]!r} is not the name of a header (RFC 5322)")
    start = f"{name}: "
    if not value:
        return start.rstrip()
    is_plain = _PLAIN.fullmatch(value) and "=?" not in value
    if is_plain and max(map(len, value.split(" "))) <= _MAX_LINE - len(start):
        return _folded(start, value.split(" "))
    return start + "\r\n ".join(_encoded_words(value, first=_LINE - len(start)))


def _folded(start: str, words: Iterable[str]) -> str:
    """A line of words, with line ends between them if it is too long."""
    lines = [start.rstrip(" ")]
    for word in words:
        if len(lines[-1]) + len(word) >= _MAX_LINE:
            lines.append("")
        lines[-1] += f" {word}"
    return "\r\n".join(lines)


def _encoded_words(text: str, *, first: int) -> list[str]:
    """The encoded words of a text (RFC 2047); none cuts a character.

    Args:
        text: the text.
        first: the characters that the first word can have.
    """
    words: list[str] = []
    piece = b""
    most = max(1, (first - len("=?utf-8?b??=")) // 4 * 3)
    for character in text:
        data = character.encode("utf-8", "replace")
        if piece and len(piece) + len(data) > min(most, _WORD_BYTES):
            words.append(_encoded_word(piece))
            piece, most = b"", _WORD_BYTES
        piece += data
    return [*words, _encoded_word(piece)]


def _encoded_word(data: bytes) -> str:
    return f"=?utf-8?b?{base64.b64encode(data).decode()}?="


def _mailboxes(text: str) -> str:
    return ",\r\n ".join(map(_mailbox, _split(text)))


def _split(text: str) -> list[str]:
    """The mailboxes of a list as it is posted."""
    return [match[0].strip() for match in _ONE_MAILBOX.finditer(text) if match[0].strip()]


_ONE_MAILBOX: Final = re.compile(r'(?:"(?:[^"\\]|\\.)*+"|[^,"]|")++')


def _mailbox(text: str) -> str:
    box = read_mailbox(text)
    if not box.name:
        return box.address
    if _ATOMS.fullmatch(box.name) and "=?" not in box.name:
        return f"{box.name} <{box.address}>"
    if _PLAIN.fullmatch(box.name) and "=?" not in box.name:
        escaped = box.name.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}" <{box.address}>'
    words = "\r\n ".join(_encoded_words(box.name, first=_LINE - len("Reply-To: ")))
    return f"{words}\r\n <{box.address}>"


# --- parts ----------------------------------------------------------------------------------------

_Part = tuple[list[str], str]
"""The header lines of a part, and its body."""


def _body(payload: Mapping[str, Any]) -> _Part:
    """The text and the HTML, in them the inline images, then the attached files."""
    files = payload.get("Attachments") or ()
    texts = [
        _text(payload[field], kind)
        for field, kind in (("TextBody", "plain"), ("HtmlBody", "html"))
        if payload.get(field)
    ]
    inline = [one for one in files if one.get("ContentID") and payload.get("HtmlBody")]
    attached = [one for one in files if not any(one is other for other in inline)]
    body = _multipart("alternative", texts or [_text("", "plain")])
    body = _multipart("related", [body, *map(_file, inline)])
    return _multipart("mixed", [body, *map(_file, attached)])


def _multipart(kind: str, parts: Sequence[_Part]) -> _Part:
    """Several parts as one; a single part stays as it is."""
    if len(parts) == 1:
        return parts[0]
    bodies = ["\r\n".join([*headers, "", body]) for headers, body in parts]
    digest = hashlib.sha256("\r\n".join(bodies).encode()).hexdigest()[:32]
    boundary = f"=_{kind}-{digest}"  # neither base64 nor quoted-printable writes =_
    header = [f"Content-Type: multipart/{kind};"]
    if kind == "related":
        header.append(
            f'\ttype="{parts[0][0][0].removeprefix("Content-Type: ").partition(";")[0]}";'
        )
    written = [f"--{boundary}\r\n{body}\r\n" for body in bodies]
    return [*header, f'\tboundary="{boundary}"'], "".join([*written, f"--{boundary}--\r\n"])


def _text(text: str, kind: str) -> _Part:
    lines = "\r\n".join(re.split("\r\n|\r|\n", text))
    body = b2a_qp(lines.encode("utf-8", "replace")).decode()
    headers = [
        f'Content-Type: text/{kind}; charset="utf-8"',
        "Content-Transfer-Encoding: quoted-printable",
    ]
    return headers, "\r\n".join(re.split("\r\n|\r|\n", body))


def _file(attachment: Mapping[str, str]) -> _Part:
    kind, semicolon, parameters = (attachment.get("ContentType") or "").partition(";")
    kind, parameters = kind.strip(), f"{semicolon}{parameters}".strip()
    name, content_id = attachment["Name"], attachment.get("ContentID") or ""
    is_message = kind.lower().startswith(("multipart/", "message/"))  # have no base64 (RFC 2046)
    if not _TYPE.fullmatch(kind) or is_message:
        kind = _UNKNOWN
    elif len(parameters) <= _LINE and _PARAMETERS.fullmatch(parameters):
        kind += parameters
    headers = [
        f"Content-Type: {kind}",
        "Content-Transfer-Encoding: base64",
        f"Content-Disposition: {'inline' if content_id else 'attachment'};\r\n\t{_named(name)}",
    ]
    plain_id = content_id.removeprefix("cid:")
    if _CONTENT_ID.fullmatch(plain_id):
        headers.append(f"Content-ID: <{plain_id}>")
    content = "".join(attachment["Content"].split())
    lines = [content[start : start + _LINE] for start in range(0, len(content), _LINE)]
    return headers, "\r\n".join(lines)


_UNKNOWN: Final = "application/octet-stream"


def _named(name: str) -> str:
    """The parameter of a file name (RFC 2183, RFC 2231)."""
    if _PLAIN.fullmatch(name) and len(name) <= _LINE and "=?" not in name:  # some would decode it
        escaped = name.replace("\\", "\\\\").replace('"', '\\"')
        return f'filename="{escaped}"'
    return f"filename*=utf-8''{quote(name.encode('utf-8', 'replace'), safe='')}"
