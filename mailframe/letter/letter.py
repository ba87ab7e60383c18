"""Letter: the templates and settings of an email. It needs neither a DataFrame nor a server."""

from __future__ import annotations

import dataclasses
import os
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Self

from jinja2 import Template

from mailframe import limits
from mailframe.errors import LetterError, UnknownField
from mailframe.letter.attachment import Attachment, as_attachments, refuse_same_content_id
from mailframe.letter.filter_file import filters_of
from mailframe.letter.folder import read_text
from mailframe.letter.markdown.fields import check_bodies, file_fields
from mailframe.letter.pickling import construct, deep_copy, fields_of, refuse_unpicklable
from mailframe.letter.suggestions import refuse_unknown
from mailframe.letter.template_model import check_template, checked_model, model_parts
from mailframe.letter.template_names import checked_constants, checked_filters
from mailframe.paths import local_path, other_form

if TYPE_CHECKING:
    from pathlib import Path

    from mailframe.letter.attachment import Value

FILES: Final[Mapping[str, str]] = {
    "subject": "subject.txt",
    "html_body": "body.html",
    "text_body": "body.txt",
    "markdown_body": "body.md",
}
"""The fields with a file of their own in a letter's folder; ``letter.toml`` has the others."""
_FOLDERS: Final[Mapping[str, str]] = {
    "folder": "letters/renewal",
    "shared": "letters/_shared",
    "translations": "locale",
}
"""The fields that are folders, each with an example."""
_SETTINGS: Final = ("filters", "constants", *_FOLDERS, "layout")
"""Fields that are about the templates, and not parts of a message."""
_SWITCHES: Final = ("inline_css", "allow_idn_mixed", "allow_empty_subject")
RECIPIENTS: Final = ("to", "cc", "bcc")
"""Fields of the people who get the mail."""
RECIPIENT_FIELDS: Final = (*RECIPIENTS, "reply_to")
"""Fields that can have several recipients, as a list of templates."""
ADDRESS_FIELDS: Final = ("sender", *RECIPIENT_FIELDS)
_HEADER_NAME: Final = re.compile(r"[!-9;-~]+")  # RFC 5322 §3.6.8: printable ASCII without colon


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Letter:
    """The templates and settings of an email, with Postmark's field names in snake case.

    Each string is a Jinja template with the columns of the frame as variables. One template is one
    recipient; several recipients are a list of templates. An optional field that renders to an
    empty text is left out.

    Attributes:
        sender: the ``From`` address; a confirmed sender signature at Postmark.
        to: a recipient or a list of them, as are *cc* and *bcc*; 50 recipients in all.
        subject: the subject, at most 2,000 characters.
        tag: the tag, at most 1,000 characters.
        html_body: HTML; printed values are escaped, unlike in *text_body* and *subject*. 5 MB each.
        text_body: text; the text ``auto`` makes it of the rendered HTML.
        markdown_body: Markdown, of which *html_body* and *text_body* are made; a *text_body* that
            is given is used instead. It needs the extra ``markdown``.
        layout: ``card``, ``plain`` or ``none``, or a template with a block ``content``; default is
            ``card`` for Markdown and ``none`` for HTML.
        template: the alias of a template at Postmark, or its ID as a number, in place of the
            subject and the bodies.
        model: what that template gets: a dict of name to value, with dicts and lists in it. Texts
            are Jinja templates; other values keep their type (``docs/postmark-templates.md``).
        reply_to: an address or a list of them.
        headers: a mapping of name to value; names that have a field of their own are refused.
        track_opens: True or False; None uses the setting of the server.
        track_links: ``None``, ``HtmlAndText``, ``HtmlOnly`` or ``TextOnly`` as text.
        metadata: a mapping of key to value, at most 7 fields (Postmark allows 10, mailframe needs
            three for its ledger).
        attachments: an ``Attachment`` or a list of them.
        message_stream: the ID of the message stream; Postmark's default is ``outbound``.
        language: the language of a row, such as ``{{ language }}`` or ``de``: of ``{% trans %}``,
            and of the filters ``date``, ``number`` and ``money``.
        translations: the folder of gettext catalogs, such as ``locale`` with
            ``de/LC_MESSAGES/messages.po``; relative to *folder*.
        filters: functions of a value by name, for ``{{ seats | plural }}``.
        constants: values by name that are the same in every row, such as a color; text, numbers,
            dates, and lists and dicts of these.
        inline_css: whether to write the rules of ``<style>`` into the tags (the extra ``css``).
        allow_empty_subject: whether to send rows whose subject is empty or missing.
        allow_idn_mixed: whether to send to domains that mix scripts (Latin letters, a Cyrillic a).
        folder: the folder of templates for ``include`` and ``extends``, and of relative attachment
            paths; set by ``load``.
        shared: a second folder of templates, for what several letters share.

    Raises:
        LetterError: a template is bytes or a compiled Template, a header is refused, a metadata key
            is not valid for Postmark, or a filter or constant has no valid name.

    >>> Letter(sender="hello@acme.example", to="{{ email }}", subject="Hi", text_body="…")
    <Letter: sender, to, subject, text_body>
    """

    def __new__(cls, *args: Any, **fields: Any) -> Self:
        """Refuse unknown fields with suggestions, before ``__init__`` does."""
        if args:
            raise UnknownField(
                "the fields of a letter are keyword arguments: mf.Letter(subject=…, text_body=…)"
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
    markdown_body: str | None = None
    layout: str | None = None
    template: Value | int | None = None
    model: Mapping[str, Any] | Value | None = None
    reply_to: Value | Sequence[Value] | None = None
    headers: Mapping[str, Value] | Sequence[Any] | None = None
    track_opens: Value | None = None
    track_links: Value | None = None
    metadata: Mapping[str, Value] | None = None
    attachments: Attachment | Sequence[Attachment] | None = None
    message_stream: Value | None = None
    language: Value | None = None
    translations: str | Path | None = None
    filters: Mapping[str, Callable[..., Any]] | None = None
    constants: Mapping[str, Any] | None = None
    inline_css: bool = False
    allow_idn_mixed: bool = False
    allow_empty_subject: bool = False
    folder: Path | None = None
    shared: Path | None = None

    def __post_init__(self) -> None:
        set_field = object.__setattr__
        for field in RECIPIENT_FIELDS:
            if isinstance(getattr(self, field), list):
                set_field(self, field, tuple(getattr(self, field)))
        set_field(self, "headers", tuple(_checked_headers(self.headers)))
        set_field(self, "metadata", MappingProxyType(dict(_checked_metadata(self.metadata))))
        set_field(self, "attachments", tuple(as_attachments(self.attachments)))
        refuse_same_content_id(self.files())
        set_field(self, "filters", checked_filters(self.filters))
        set_field(self, "constants", checked_constants(self.constants))
        for field, example in _FOLDERS.items():
            path = getattr(self, field)
            if path is not None:
                what = f"{field}="
                path = local_path(path, what=what, example=example, error=LetterError)
                set_field(self, field, path)
        set_field(self, "model", checked_model(self.model))
        check_bodies(self)
        check_template(self)
        for field in _SWITCHES:
            if not isinstance(getattr(self, field), bool):
                raise LetterError(f"{field}={getattr(self, field)!r}; write True or False")
        for field, value in self.parts():
            if isinstance(value, bytes | bytearray | Template):
                raise LetterError(
                    f"{field} is {type(value).__name__}; give the template as text, so that it is "
                    "compiled in the sandbox"
                )

    @classmethod
    def load(cls, folder: str | Path, *, shared: str | Path | None = None) -> Letter:
        """Load a letter from a folder, or from one Markdown file.

        The folder has ``subject.txt``, ``body.html`` and ``body.txt``, or ``body.md``, and
        ``letter.toml`` with all other fields. A file such as ``renewal.md`` has its fields in YAML
        between two lines of ``---`` at its start, and its folder is the letter's.

        Templates can include, extend and import other files of the folder and of the shared
        folder, but no files outside them. A file of the folder comes before one of the shared
        folder with the same name.

        Args:
            folder: a path, absolute or relative to the working directory; of a folder, or of a
                file whose name ends in ``.md``.
            shared: a folder of templates that several letters share.

        Raises:
            LetterError: the folder or a file is missing, not UTF-8, not TOML, or has an unknown
                field.

        >>> Letter.load("sample_data/letters/renewal")
        <Letter 'renewal': sender, to, subject, tag, html_body, text_body, reply_to, headers, …>
        """
        root = local_path(folder, what="Letter.load", example="letters/renewal", error=LetterError)
        if root.suffix == ".md" and not root.is_dir():
            return cls._of_file(root, shared)
        if not root.is_dir():
            hint = other_form(root) or "; a letter is a folder with body.html or body.txt"
            raise LetterError(f"{root}: there is no such folder{hint}")
        fields = _settings(root)
        if shared is not None:
            fields["shared"] = shared
        for field, file_name in FILES.items():
            if os.path.lexists(root / file_name):
                if field in fields:
                    raise LetterError(
                        f"{root}: {field} is in both letter.toml and {file_name}; remove one"
                    )
                text = read_text(root / file_name, root=root)
                fields[field] = text.strip() if field == "subject" else text
        if not {"html_body", "text_body", "markdown_body", "template"} & set(fields):
            raise LetterError(
                f"{root} has neither body.html nor body.txt nor body.md; a letter needs one of "
                "them, or a template in letter.toml"
            )
        try:
            return cls(**fields, folder=root)
        except LetterError as error:
            raise LetterError(f"{root}: {error}") from None

    @classmethod
    def _of_file(cls, path: Path, shared: str | Path | None) -> Letter:
        fields = file_fields(path)
        fields |= {} if shared is None else {"shared": shared}
        settings = [name for name in FIELDS if name not in ("folder", "shared", "markdown_body")]
        refuse_unknown(fields.keys() - {"shared", "markdown_body"}, settings, prefix=f"{path}: ")
        _read_filters(fields, root=path.parent)
        try:
            return cls(**fields, folder=path.parent)
        except LetterError as error:
            raise LetterError(f"{path}: {error}") from None

    def replace(self, **fields: Any) -> Letter:
        """Return a letter with some fields replaced.

        >>> Letter(subject="Hi", text_body="…").replace(subject="Hello").subject
        'Hello'
        """
        return dataclasses.replace(self, **fields)

    def parts(self) -> Iterator[tuple[str, Value]]:
        """Each value with its path, such as ``cc[1]`` or ``attachments[0].name``."""
        for field in TEMPLATE_FIELDS:
            value = getattr(self, field)
            if field in RECIPIENT_FIELDS and isinstance(value, list | tuple):
                yield from ((f"{field}[{i}]", item) for i, item in enumerate(value))
            elif value is not None:
                yield field, value
        yield from model_parts(self.model)
        yield from ((f"headers.{name}", value) for name, value in _header_pairs(self.headers))
        yield from ((f"metadata.{key}", value) for key, value in (self.metadata or {}).items())
        for i, attachment in enumerate(self.files()):
            yield f"attachments[{i}].name", attachment.name
            if attachment.content is not None and not isinstance(attachment.content, bytes):
                yield f"attachments[{i}].content", attachment.content

    def files(self) -> tuple[Attachment, ...]:
        """The attachments, one by one."""
        return tuple(as_attachments(self.attachments))

    def __deepcopy__(self, memo: dict[int, Any]) -> Letter:
        return deep_copy(self, self.parts(), memo)

    def __reduce__(self) -> tuple[Any, ...]:
        filters = [(f"filters.{name}", call) for name, call in (self.filters or {}).items()]
        refuse_unpicklable([*self.parts(), *filters])
        return construct, (type(self), fields_of(self))

    def __copy__(self) -> Letter:
        return self.replace()

    def __repr__(self) -> str:
        roots = {field_of(part) for part, _ in self.parts()}
        roots |= {name for name in _SETTINGS[:2] if getattr(self, name)}
        roots |= {"translations"} if self.translations else set()
        given = [name for name in FIELDS if name in roots]
        shown = ", ".join(given[:8]) + (", …" if len(given) > 8 else "")  # noqa: PLR2004 - one line
        return f"<Letter{f' {self.folder.name!r}' if self.folder else ''}: {shown}>"

    def _repr_html_(self) -> str:
        """The fields that Jupyter shows, as they are written, with the bodies opened by a click."""
        from mailframe.letter.letter_summary import letter_summary  # noqa: PLC0415 - an import cycle

        return letter_summary(self)


FIELDS: Final = tuple(field.name for field in dataclasses.fields(Letter))
TEMPLATE_FIELDS: Final = tuple(
    name
    for name in FIELDS
    if name not in ("headers", "metadata", "attachments", "model", *_SWITCHES, *_SETTINGS)
)
"""Fields with one template, or with one for each recipient."""


def field_of(part: str) -> str:
    """The field of a part of a letter; see ``Letter.parts``.

    >>> field_of("cc[1]"), field_of("metadata.plan"), field_of("subject")
    ('cc', 'metadata', 'subject')
    """
    return part.replace("[", ".").partition(".")[0]


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
            raise LetterError(f"header {name!r} is given twice")
        seen.add(name.lower())
        if limits.is_refused_header(name):
            raise LetterError(
                f"header {name!r} is not allowed: it is a field of the letter, or set by Postmark"
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
                f"metadata key {key!r} must be text of 1 to {limits.MAX_METADATA_KEY_UNITS} "
                "characters (Postmark)"
            )
        if key.lower().startswith(limits.RESERVED_METADATA_PREFIX):
            raise LetterError(
                f"metadata key {key!r}: keys that begin with mf- are reserved for mailframe"
            )
        if key.lower() in seen:
            raise LetterError(
                f"metadata keys {seen[key.lower()]!r} and {key!r} are the same for Postmark, which "
                "ignores case"
            )
        seen[key.lower()] = key
        yield key, value
    if len(seen) > limits.METADATA_FIELDS_FOR_USERS:
        raise LetterError(
            f"metadata has {len(seen)} fields; at most {limits.METADATA_FIELDS_FOR_USERS} are "
            f"possible (Postmark allows {limits.MAX_METADATA_FIELDS}, mailframe needs three)"
        )


def _settings(root: Path) -> dict[str, Any]:
    path = root / "letter.toml"
    if not os.path.lexists(path):
        return {}
    try:
        fields = tomllib.loads(read_text(path, root=root))
    except tomllib.TOMLDecodeError as error:
        raise LetterError(f"{path}: {error}") from None
    given = [name for name in FIELDS if name not in ("folder", "shared")]
    refuse_unknown(fields, given, prefix=f"{path}: ")
    _read_filters(fields, root=root)
    return fields


def _read_filters(fields: dict[str, Any], *, root: Path) -> None:
    if "filters" in fields:
        fields["filters"] = filters_of(fields["filters"], root=root)
