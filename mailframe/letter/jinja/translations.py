"""Translations of a letter: gettext catalogs, and the functions that ``{% trans %}`` calls.

A folder of catalogs has the layout of gettext: ``locale/de/LC_MESSAGES/messages.po``. Catalogs in
text form (``.po``) are read with Babel; compiled ones (``.mo``) need nothing else.
"""

from __future__ import annotations

import gettext
import re
import threading
from dataclasses import dataclass, field
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final

from jinja2.utils import pass_context
from markupsafe import Markup, escape

from mailframe.errors import LetterError, MissingExtra
from mailframe.letter.jinja.printing import as_printed, whole

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
    from pathlib import Path

    from jinja2.runtime import Context

SOURCE_LANGUAGE: Final = "en"
"""A language without a catalog whose rows get the texts as the templates have them."""
FUNCTIONS: Final = ("gettext", "ngettext", "pgettext", "npgettext")
OF_TEMPLATE: Final[Mapping[str, str]] = {name: f"_{name}_of_template" for name in (*FUNCTIONS, "_")}
"""The functions for texts that a template has, which can hold markup, by their public names."""
PLACEHOLDER: Final = re.compile(r"%\((\w+)\)s")
"""The place of a value in a text that is translated."""
_VALUE: Final = re.compile(r"%%|%\((\w+)\)s")
_CONTEXT_END: Final = "\x04"
_COUNTRY: Final = re.compile(r"[A-Za-z]{2}")


@dataclass(frozen=True, slots=True)
class Catalogs:
    """The catalogs of a letter.

    Attributes:
        by_language: the catalog of each language, such as ``de`` or ``pt_BR``.
        digests: bytes that differ when a text of a catalog differs, by language.
        of_text: all translations of each text, in any language.
    """

    by_language: Mapping[str, gettext.NullTranslations] = field(default_factory=dict)
    digests: Mapping[str, bytes] = field(default_factory=dict)
    of_text: Mapping[str, Collection[str]] = field(default_factory=dict)

    @classmethod
    def read(cls, folder: Path) -> Catalogs:
        """The catalogs of a folder.

        Raises:
            LetterError: the folder has no catalog, a catalog cannot be read, or a translation has
                a placeholder that its text does not have.
            MissingExtra: a catalog is in text form, and Babel is not installed.
        """
        if not folder.is_dir():
            raise LetterError(f"translations: there is no folder {folder}")
        catalogs: dict[str, gettext.NullTranslations] = {}
        digests: dict[str, bytes] = {}
        of_text: dict[str, list[str]] = {}
        for messages in sorted(folder.glob("*/LC_MESSAGES")):
            language = _normalized(messages.parent.name)
            files = [_catalog(path, language) for path in _catalog_files(messages)]
            for catalog in files:
                _check_placeholders(catalog, messages)
                for text, translation in _texts(catalog):
                    of_text.setdefault(text, []).append(translation)
            catalogs[language] = _joined(files)
            digests[language] = b"".join(map(_hashed, files))
        if not any(digests.values()):
            raise LetterError(
                f"translations: {folder} has no catalog; write one such as "
                f"{folder / 'de' / 'LC_MESSAGES' / 'messages.po'}"
            )
        return cls(catalogs, digests, of_text)

    def of(self, language: str) -> gettext.NullTranslations:
        """The catalog of a language: ``de`` for ``de-AT`` if there is none for Austria.

        Raises:
            UnknownLanguage: there is no catalog, and it is not the language of the templates.
        """
        tag = _normalized(language)
        while tag:
            if tag in self.by_language:
                return self.by_language[tag]
            if tag == SOURCE_LANGUAGE:
                break
            tag = tag.rpartition("_")[0]
        if language and self.by_language and not tag:
            raise UnknownLanguage(language, self.by_language)
        return _AS_WRITTEN

    def has(self, language: str) -> bool:
        """Whether ``of`` has an answer for a language."""
        try:
            self.of(language)
        except UnknownLanguage:
            return False
        return True


class UnknownLanguage(ValueError):
    """The language of a row has no catalog."""

    def __init__(self, language: str, existing: Iterable[str]) -> None:
        languages = ", ".join(sorted({*existing, SOURCE_LANGUAGE}))
        super().__init__(
            f"there is no catalog for the language {language[:40]!r}; the catalogs are {languages}"
        )


class Translations:
    """The catalogs of a letter, and the language of the row that each thread renders.

    Args:
        catalogs: the catalogs of the letter.

    Attributes:
        catalogs: the same.
        constant: the language of all rows, if it is the same; empty for that of the templates.
        functions: the functions of templates, by name.
    """

    def __init__(self, catalogs: Catalogs | None = None) -> None:
        self.catalogs = catalogs or Catalogs()
        self.constant = ""
        self._of_thread = threading.local()
        self.functions: dict[str, Callable[..., str]] = {}
        for name in FUNCTIONS:
            self.functions[name] = self._function(name, is_of_template=False)
            self.functions[OF_TEMPLATE[name]] = self._function(name, is_of_template=True)
        self.functions["_"] = self.functions["gettext"]
        self.functions[OF_TEMPLATE["_"]] = self.functions[OF_TEMPLATE["gettext"]]

    @property
    def language(self) -> str:
        """The language of the row that this thread renders."""
        return getattr(self._of_thread, "language", self.constant)

    def start(self, language: str) -> None:
        """Begin a row with this language in this thread."""
        self._of_thread.language = language

    def _function(self, name: str, *, is_of_template: bool) -> Callable[..., str]:
        @pass_context
        def translated(context: Context, *args: Any, **variables: Any) -> str:
            as_markup = is_of_template and context.eval_ctx.autoescape
            charge = context.environment.budget.charge  # type: ignore[attr-defined]  # a LetterEnvironment
            has_values = is_of_template or bool(variables)
            given: list[Any] = list(map(str, args))
            if name.startswith("n"):
                variables.setdefault("num", args[-1])
                given[-1] = whole(args[-1])
            if name == "gettext" and given == [""]:
                return ""  # gettext has the header of the catalog under the empty text
            text: str = getattr(self.catalogs.of(self.language), name)(*given)
            charge(len(text))
            if has_values or text not in given:  # a cell without a translation is no pattern
                text = _filled(text, variables, as_markup=bool(as_markup), charge=charge)
            return Markup(text) if as_markup else text  # noqa: S704 - values are escaped

        return translated


def _filled(
    text: str, variables: Mapping[str, Any], *, as_markup: bool, charge: Callable[[int], None]
) -> str:
    """The text with its values, as ``{{ … }}`` prints them; each is charged before it is added."""

    def value(match: re.Match[str]) -> str:
        name = match[1]
        if name is None:
            return "%"
        if name not in variables:
            raise LookupError(f"a translation has %({name})s, which the template does not give")
        printed = as_printed(variables[name])
        value = str(escape(printed) if as_markup else printed)
        charge(len(value))
        return value

    return _VALUE.sub(value, text)


# --- files ----------------------------------------------------------------------------------------


def _normalized(language: str) -> str:
    first, *others = re.split(r"[_-]", language.strip())
    others = [other.upper() if _COUNTRY.fullmatch(other) else other for other in others]
    return "_".join([first.lower(), *others])


def _catalog_files(folder: Path) -> Iterator[Path]:
    """One file for each domain; the text form is preferred, because it cannot be out of date."""
    by_domain = {path.stem: path for path in sorted(folder.glob("*.mo"))}
    by_domain |= {path.stem: path for path in sorted(folder.glob("*.po"))}
    return (by_domain[domain] for domain in sorted(by_domain))


def _compiled(path: Path, language: str) -> bytes:
    """A catalog as the bytes of a ``.mo`` file."""
    if path.suffix == ".mo":
        return path.read_bytes()
    try:
        from babel.messages import mofile, pofile  # noqa: PLC0415 - Babel is an extra
    except ImportError:
        raise MissingExtra(f"the catalog {path.name} in text form", "locale") from None
    buffer = BytesIO()
    try:
        with path.open("rb") as file:
            catalog = pofile.read_po(file, locale=language, abort_invalid=True)
        catalog.locale = catalog.locale or SOURCE_LANGUAGE  # without one, Babel drops plural forms
        mofile.write_mo(buffer, catalog)
    except (pofile.PoFileError, ValueError) as error:
        raise LetterError(f"{path}: {error}") from None
    return buffer.getvalue()


def _catalog(path: Path, language: str) -> gettext.GNUTranslations:
    try:
        return gettext.GNUTranslations(BytesIO(_compiled(path, language)))
    except (OSError, ValueError) as error:
        raise LetterError(f"{path.parent}: a catalog cannot be read ({error})") from None


def _joined(files: list[gettext.GNUTranslations]) -> gettext.NullTranslations:
    """The catalogs of one language as one; the first that has a text is used."""
    for other in files[1:]:
        files[0].add_fallback(other)
    return files[0] if files else _AS_WRITTEN


def _entries(catalog: gettext.GNUTranslations) -> Mapping[Any, str]:
    """The translations, by their text or by the text and the number of the plural form."""
    return catalog._catalog  # type: ignore[attr-defined,no-any-return]  # noqa: SLF001 - there is no public list


def _hashed(catalog: gettext.GNUTranslations) -> bytes:
    """What tells whether a catalog is the same: not its header, which has times and versions."""
    entries = sorted(repr(item) for item in _entries(catalog).items() if item[0])
    forms = catalog.info().get("plural-forms", "")
    return repr((forms, entries)).encode("utf-8", "surrogatepass")


def _texts(catalog: gettext.GNUTranslations) -> Iterator[tuple[str, str]]:
    """Each text, without its context, with a translation."""
    for key, translation in _entries(catalog).items():
        message = key[0] if isinstance(key, tuple) else key
        if message:
            yield message.rpartition(_CONTEXT_END)[2], translation


def _check_placeholders(catalog: gettext.GNUTranslations, folder: Path) -> None:
    """Refuse a translation with a placeholder that its text does not have."""
    counted = {
        key[0].rpartition(_CONTEXT_END)[2] for key in _entries(catalog) if type(key) is tuple
    }
    for message, translation in _texts(catalog):
        extra = set(PLACEHOLDER.findall(translation)) - set(PLACEHOLDER.findall(message))
        if extra - {"num"} and message not in counted:
            names = ", ".join(f"%({name})s" for name in sorted(extra))
            raise LetterError(
                f"{folder}: the translation {translation[:60]!r} has {names}, which its text "
                f"{message[:60]!r} does not have"
            )


_AS_WRITTEN: Final = gettext.NullTranslations()
