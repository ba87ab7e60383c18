"""Letter: the templates and settings of one kind of mail. Knows nothing of frames or servers."""

from __future__ import annotations

import dataclasses
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Self, TypeAlias

from jinja2 import Template

from mailframe import limits
from mailframe.errors import LetterError, UnknownField
from mailframe.letter.folder import read_text
from mailframe.letter.pickling import deep_copy, fields_of, made, refuse_unpicklable
from mailframe.letter.suggestions import refuse_unknown
from mailframe.paths import local_path, other_form

if TYPE_CHECKING:
    import pandas as pd

    Value: TypeAlias = str | Callable[[pd.DataFrame], pd.Series[Any]] | pd.Series[Any] | object
    """A string is a template; a callable gets the frame and returns a Series; a Series or ``pd.col`` varies by
    row; anything else is a constant."""

FILES: Final[Mapping[str, str]] = {
    "subject": "subject.txt",
    "html_body": "body.html",
    "text_body": "body.txt",
}
"""The parts of a letter's folder that have a file of their own; ``letter.toml`` holds the rest."""
_SWITCHES: Final = ("allow_idn_mixed", "allow_empty_subject")
RECIPIENT_FIELDS: Final = ("to", "cc", "bcc", "reply_to")
"""Fields that may hold several mailboxes, as a list of templates."""
_HEADER_NAME: Final = re.compile(r"[!-9;-~]+")  # RFC 5322 §3.6.8: printable ASCII but the colon
_CONTENT_TYPE: Final = re.compile(
    r"[\w!#$&^.+-]+/[\w!#$&^.+-]+(?:\s*;\s*[\w!#$&^.+-]+=[^\x00-\x1f\x7f]+)*", re.ASCII
)
_CONTENT_ID: Final = re.compile(
    r"(?:cid:)?(<)?(?:cid:)?([^\s<>\"'\x00-\x1f\x7f-\x9f]+)(?(1)>)", re.IGNORECASE
)


@dataclass(frozen=True, slots=True, eq=False)
class Attachment:
    """A file that hangs on each message, or on the message of each row.

    Attributes:
        name: without *content*, the path of the file to read; with it, the file's name. A template, a Series,
            ``pd.col`` or a callable makes it vary by row.
        content: bytes for all rows, or a column of bytes (a Series, ``pd.col`` or a callable).
        content_type: such as ``application/pdf``; by default what the name's extension says, else
            ``application/octet-stream``. The content is never looked at.
        content_id: of an inline image, ``logo.png`` for ``<img src="cid:logo.png">``; no two of a letter have
            the same one.
        optional: a row without a path or bytes goes without this file, as does a row whose HTML does not show
            this inline image; otherwise that is a problem of the row.

    >>> Attachment("invoices/{{ id }}.pdf")
    Attachment('invoices/{{ id }}.pdf')
    """

    def __new__(cls, *args: Any, **fields: Any) -> Self:  # noqa: ARG004 - of ``__init__``
        """Refuse unknown names in words before ``__init__`` does it in its own."""
        refuse_unknown(
            fields, [field.name for field in dataclasses.fields(cls)], of="an attachment"
        )
        return object.__new__(cls)

    name: Value
    content: Value | None = None
    content_type: str | None = dataclasses.field(default=None, kw_only=True)
    content_id: str | None = dataclasses.field(default=None, kw_only=True)
    optional: bool = dataclasses.field(default=False, kw_only=True)

    def __post_init__(self) -> None:
        if isinstance(self.content, str):
            raise LetterError("an attachment's content is bytes; write text.encode() for text")
        if self.content_type is not None and not _fits(_CONTENT_TYPE, self.content_type):
            raise LetterError(
                f"content_type {self.content_type!r}: a MIME type such as application/pdf"
            )
        if self.content_id is not None:
            object.__setattr__(self, "content_id", _checked_content_id(self.content_id))
        if isinstance(self.name, Path):
            object.__setattr__(self, "name", str(self.name))
        if isinstance(self.content, bytearray):
            object.__setattr__(self, "content", bytes(self.content))

    def __copy__(self) -> Attachment:
        return dataclasses.replace(self)

    def __deepcopy__(self, memo: dict[int, Any]) -> Attachment:
        return deep_copy(self, (("name", self.name), ("content", self.content)), memo)

    def __reduce__(self) -> tuple[Any, ...]:
        refuse_unpicklable((("name", self.name), ("content", self.content)))
        return made, (type(self), fields_of(self))

    def __repr__(self) -> str:
        return (
            f"Attachment({self.name!r})"
            if isinstance(self.name, str)
            else "Attachment(<varies by row>)"
        )


def _checked_content_id(content_id: object) -> str:
    """The content id as Postmark takes it, without the brackets that it has in a header."""
    found = _CONTENT_ID.fullmatch(content_id) if isinstance(content_id, str) else None
    if found is None:
        raise LetterError(f"content_id {content_id!r}: one word such as logo.png")
    return f"cid:{found[2]}"


def _fits(pattern: re.Pattern[str], text: object) -> bool:
    return isinstance(text, str) and pattern.fullmatch(text) is not None


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Letter:
    """The templates and settings of one kind of mail, in Postmark's field names in snake case.

    Each string is a Jinja template over the columns of the frame. One template makes exactly one mailbox;
    several recipients are a list of templates. An optional field that renders to nothing is left out.

    Attributes:
        sender: ``From``; a confirmed sender signature at Postmark.
        to: the recipient, or a list of them; *cc* and *bcc* likewise, 50 mailboxes together.
        subject: at most 2,000 characters.
        tag: at most 1,000 characters.
        html_body: escapes what it prints; *text_body* and *subject* do not. 5 MB each.
        reply_to: one mailbox or a list.
        headers: name to value; those that have a field of their own are refused.
        track_opens: True or False; None leaves it to the server's setting.
        track_links: ``None``, ``HtmlAndText``, ``HtmlOnly`` or ``TextOnly`` as text.
        metadata: key to value, at most 7 fields (Postmark has 10; mailframe keeps three for its ledger).
        attachments: an ``Attachment`` or a list of them.
        message_stream: Postmark's default is ``outbound``.
        allow_empty_subject: send also rows whose subject is empty or missing.
        allow_idn_mixed: send also to domains that mix scripts, such as Latin letters with a Cyrillic a.
        folder: where ``include`` and ``extends`` look, and relative attachment paths begin; set by ``load``.

    Raises:
        LetterError: a template that is bytes or a foreign Template, a refused header, a metadata key that
            Postmark would not take.

    >>> Letter(sender="hello@acme.example", to="{{ email }}", subject="Hi {{ name }}", text_body="…")
    <Letter: sender, to, subject, text_body>
    """

    def __new__(cls, *args: Any, **fields: Any) -> Self:
        """Refuse unknown names in words before ``__init__`` does it in its own."""
        if args:
            raise UnknownField(
                "a letter's fields are given by name: mf.Letter(subject=…, text_body=…)"
            )
        refuse_unknown(fields, FIELDS)
        return object.__new__(cls)

    sender: Value | None = None
    to: Value | Sequence[Value] | None = None
    cc: Value | Sequence[Value] | None = None
    bcc: Value | Sequence[Value] | None = None
    subject: Value | None = None
    tag: Value | None = None
    html_body: Value | None = None
    text_body: Value | None = None
    reply_to: Value | Sequence[Value] | None = None
    headers: Mapping[str, Value] | Sequence[Any] | None = None
    track_opens: Value | None = None
    track_links: Value | None = None
    metadata: Mapping[str, Value] | None = None
    attachments: Attachment | Sequence[Attachment] | None = None
    message_stream: Value | None = None
    allow_idn_mixed: bool = False
    allow_empty_subject: bool = False
    folder: Path | None = None

    def __post_init__(self) -> None:
        set_field = object.__setattr__
        for field in RECIPIENT_FIELDS:
            if isinstance(getattr(self, field), list):
                set_field(self, field, tuple(getattr(self, field)))
        set_field(self, "headers", tuple(_checked_headers(self.headers)))
        set_field(self, "metadata", MappingProxyType(dict(_checked_metadata(self.metadata))))
        set_field(self, "attachments", tuple(_attachment_list(self.attachments)))
        _refuse_same_content_id(self.attachments)
        if self.folder is not None:
            set_field(
                self,
                "folder",
                local_path(
                    self.folder, what="folder=", example="letters/renewal", error=LetterError
                ),
            )
        for field in _SWITCHES:
            if not isinstance(getattr(self, field), bool):
                raise LetterError(f"{field}={getattr(self, field)!r}; write True or False")
        for field, value in self.parts():
            if isinstance(value, bytes | bytearray | Template):
                kind = type(value).__name__
                raise LetterError(
                    f"{field} is {kind}; give the template as text, so that it is compiled in the sandbox"
                )

    @classmethod
    def load(cls, folder: str | Path) -> Letter:
        """The letter of a folder: ``subject.txt``, ``body.html``, ``body.txt`` and ``letter.toml`` for the rest.

        Templates may include and extend others of the folder, and nothing outside it.

        Args:
            folder: relative to the working directory, or absolute.

        Raises:
            LetterError: the folder or a file is missing, not UTF-8, not TOML, or names an unknown field.

        >>> Letter.load("sample_data/letters/renewal")
        <Letter 'renewal': sender, to, subject, tag, html_body, text_body, reply_to, headers, …>
        """
        root = local_path(folder, what="Letter.load", example="letters/renewal", error=LetterError)
        if not root.is_dir():
            hint = other_form(root) or "; a letter is a folder with body.html or body.txt"
            raise LetterError(f"{root}: there is no such folder{hint}")
        fields = _settings(root)
        for field, file_name in FILES.items():
            if (root / file_name).is_symlink() or (root / file_name).exists():
                if field in fields:
                    raise LetterError(
                        f"{root}: {field} stands both in letter.toml and in {file_name}; keep one"
                    )
                text = read_text(root / file_name, root=root)
                fields[field] = text.strip() if field == "subject" else text
        if not {"html_body", "text_body"} & set(fields):
            raise LetterError(
                f"{root}: neither body.html nor body.txt is there; a letter needs one of them"
            )
        try:
            return cls(**fields, folder=root)
        except LetterError as error:
            raise LetterError(f"{root}: {error}") from None

    def replace(self, **fields: Any) -> Letter:
        """A letter with some fields changed.

        >>> Letter(subject="Hi", text_body="…").replace(subject="Hello").subject
        'Hello'
        """
        refuse_unknown(fields, FIELDS)
        return dataclasses.replace(self, **fields)

    def parts(self) -> Iterator[tuple[str, Value]]:
        """Each value of the letter with its path, such as ``cc[1]``, ``metadata.plan`` or ``attachments[0].name``."""
        for field in _PLAIN_FIELDS:
            value = getattr(self, field)
            if field in RECIPIENT_FIELDS and isinstance(value, list | tuple):
                yield from ((f"{field}[{i}]", item) for i, item in enumerate(value))
            elif value is not None:
                yield field, value
        yield from ((f"headers.{name}", value) for name, value in _header_pairs(self.headers))
        yield from ((f"metadata.{key}", value) for key, value in (self.metadata or {}).items())
        for i, attachment in enumerate(self.files()):
            yield f"attachments[{i}].name", attachment.name
            if attachment.content is not None and not isinstance(
                attachment.content, bytes | bytearray
            ):
                yield f"attachments[{i}].content", attachment.content

    def files(self) -> tuple[Attachment, ...]:
        """The attachments, one by one."""
        return tuple(_attachment_list(self.attachments))

    def __deepcopy__(self, memo: dict[int, Any]) -> Letter:
        return deep_copy(self, self.parts(), memo)

    def __reduce__(self) -> tuple[Any, ...]:
        refuse_unpicklable(self.parts())
        return made, (type(self), fields_of(self))

    def __copy__(self) -> Letter:
        return self.replace()

    def __repr__(self) -> str:
        roots = {part.replace("[", ".").partition(".")[0] for part, _ in self.parts()}
        given = [name for name in FIELDS if name in roots]
        shown = ", ".join(given[:8]) + (", …" if len(given) > 8 else "")  # noqa: PLR2004 - one line
        return f"<Letter{f' {self.folder.name!r}' if self.folder else ''}: {shown}>"


FIELDS: Final = tuple(field.name for field in dataclasses.fields(Letter))
_PLAIN_FIELDS: Final = tuple(
    name
    for name in FIELDS
    if name not in ("headers", "metadata", "attachments", *_SWITCHES, "folder")
)


def _header_pairs(headers: Any) -> Iterator[tuple[Any, Value]]:
    if isinstance(headers, Mapping):
        yield from headers.items()
    elif isinstance(headers, list | tuple):
        yield from (_pair(item) for item in headers)
    elif headers is not None:
        raise LetterError(f"headers is a {type(headers).__name__}; give a dict of name to value")


def _checked_headers(headers: Any) -> Iterator[tuple[str, Value]]:
    seen: set[str] = set()
    for name, value in _header_pairs(headers):
        if not isinstance(name, str) or not _HEADER_NAME.fullmatch(name):
            raise LetterError(
                f"header name {name!r}: only printable ASCII without colon and space (RFC 5322)"
            )
        if name.lower() in seen:
            raise LetterError(f"header {name!r} stands twice; give each name once")
        seen.add(name.lower())
        if limits.is_refused_header(name):
            raise LetterError(
                f"header {name!r} belongs to the mail system; it has a field of its own or none at all"
            )
        yield name, value


def _pair(item: Any) -> tuple[Any, Value]:
    if isinstance(item, Mapping) and {"Name", "Value"} <= set(item):
        return item["Name"], item["Value"]
    if isinstance(item, Sequence) and not isinstance(item, str) and len(item) == 2:  # noqa: PLR2004 - a pair
        return item[0], item[1]
    raise LetterError(f"headers: {item!r} is neither (name, value) nor {{'Name': …, 'Value': …}}")


def _checked_metadata(metadata: Any) -> Iterator[tuple[str, Value]]:
    if metadata is not None and not isinstance(metadata, Mapping):
        raise LetterError(f"metadata is a {type(metadata).__name__}; give a dict of key to value")
    seen: dict[str, str] = {}
    for key, value in (metadata or {}).items():
        fits = isinstance(key, str) and key.strip() and key.isprintable()
        if not fits or limits.utf16_units(key) > limits.MAX_METADATA_KEY_UNITS:
            raise LetterError(
                f"metadata key {key!r}: text of 1 to {limits.MAX_METADATA_KEY_UNITS} characters (Postmark)"
            )
        if key.lower().startswith(limits.RESERVED_METADATA_PREFIX):
            raise LetterError(f"metadata key {key!r}: keys that begin with mf- are mailframe's own")
        if key.lower() in seen:
            raise LetterError(
                f"metadata keys {seen[key.lower()]!r} and {key!r} are one to Postmark, which ignores case"
            )
        seen[key.lower()] = key
        yield key, value
    if len(seen) > limits.METADATA_FIELDS_FOR_USERS:
        raise LetterError(
            f"metadata has {len(seen)} fields; {limits.METADATA_FIELDS_FOR_USERS} are possible "
            f"(Postmark takes {limits.MAX_METADATA_FIELDS}, mailframe keeps three)"
        )


def _attachment_list(attachments: Any) -> Iterator[Attachment]:
    several = (
        [attachments] if isinstance(attachments, str | Path | Attachment) else attachments or ()
    )
    if not isinstance(several, list | tuple):
        raise LetterError(
            f"attachments is a {type(several).__name__}; give an mf.Attachment or a list of them"
        )
    for item in several:
        if isinstance(item, Attachment):
            yield item
        elif isinstance(item, str | Path):
            yield Attachment(str(item))
        elif isinstance(item, Mapping):
            yield _attachment_of_table(item)
        else:
            raise LetterError(f"attachments: {type(item).__name__} is no mf.Attachment and no path")


def _refuse_same_content_id(attachments: Any) -> None:
    seen: set[str] = set()
    for content_id in (
        attachment.content_id for attachment in attachments if attachment.content_id
    ):
        if content_id.lower() in seen:
            raise LetterError(
                f"two attachments have the content_id {content_id.removeprefix('cid:')!r}; give each its own"
            )
        seen.add(content_id.lower())


def _attachment_of_table(table: Mapping[str, Any]) -> Attachment:
    unknown = set(table) - {"path", "content_type", "content_id", "optional"}
    if unknown or not isinstance(table.get("path"), str):
        raise LetterError(
            f"an attachment of letter.toml has path, content_type, content_id, optional; not {dict(table)!r}"
        )
    return Attachment(
        table["path"], **{key: value for key, value in table.items() if key != "path"}
    )


def _settings(root: Path) -> dict[str, Any]:
    path = root / "letter.toml"
    if not path.is_symlink() and not path.exists():
        return {}
    try:
        fields = tomllib.loads(read_text(path, root=root))
    except tomllib.TOMLDecodeError as error:
        raise LetterError(f"{path}: {error}") from None
    refuse_unknown(fields, [name for name in FIELDS if name != "folder"], shown=f"{path}: ")
    return fields
