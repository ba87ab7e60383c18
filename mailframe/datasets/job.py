"""What a dataset is made of: a letter, a key and facts, with one identity for all of its parts."""

from __future__ import annotations

import hashlib
import json
import marshal
import types
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from mailframe.datasets.rendering import bound_part
from mailframe.letter.row_functions import RowFunction
from mailframe.message.fingerprint import letter_digest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mailframe.letter.letter import Letter
    from mailframe.message.frame_facts import FrameFacts

FORMAT: Final = 1
"""Version of the files; a mailframe refuses those of a newer one."""
_MARSHAL: Final = 2
"""The version of marshal without references, which two processes write in the same way."""


@dataclass(frozen=True, slots=True)
class Job:
    """What is the same for all parts.

    Attributes:
        letter: the templates.
        key: the columns of the key; empty for the address.
        facts: the facts of the whole source.
        identity: a digest of letter, key and facts, which every part has.
        letter_digest: see ``letter_digest``.
        has_many_recipients: whether a message may have several recipients in To.
        has_copies: whether a message may have other recipients than the first one in To.
    """

    letter: Letter
    key: tuple[str, ...]
    facts: FrameFacts
    identity: str
    letter_digest: str
    has_many_recipients: bool
    has_copies: bool

    @classmethod
    def of(cls, letter: Letter, key: tuple[str, ...], facts: FrameFacts) -> Job:
        """The job, after the letter was checked against the columns.

        Raises:
            LetterError, FrameError: as ``compose``.
        """
        bound = bound_part(letter, facts.empty_frame(), key, facts)
        digest = letter_digest(bound).hex()
        parts = [str(FORMAT), digest, *_codes(letter), json.dumps(key), facts.to_json()]
        identity = hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()
        return cls(letter, key, facts, identity, digest, "to[1]" in bound.sources, bound.has_copies)

    def note(self) -> dict[str, Any]:
        """What a campaign over the messages needs of it, for JSON."""
        columns = self.facts.columns
        return {
            "format": FORMAT,
            "job": self.identity,
            "letter": self.letter_digest,
            "has_many_recipients": self.has_many_recipients,
            "has_copies": self.has_copies,
            "key": list(self.key),
            "key_dtypes": [list(columns[column].dtypes) for column in self.key],
            "rows": self.facts.rows,
        }


def _codes(letter: Letter) -> Iterator[str]:
    """What the functions of a letter do, of which its digest has only the names."""
    values = [*letter.parts(), *(letter.filters or {}).items()]
    for name, value in values:
        function: Any = value._function if isinstance(value, RowFunction) else value  # noqa: SLF001
        code = getattr(function, "__code__", None)
        if isinstance(code, types.CodeType):
            yield f"{name}:{hashlib.sha256(marshal.dumps(code, _MARSHAL)).hexdigest()}"
        elif callable(function):
            yield f"{name}:{type(function).__qualname__}:{function!r}"


def input_digest(frame: pd.DataFrame) -> str:
    """A digest of the cells of a partition, to tell whether a part was made from them."""
    digest = hashlib.sha256()
    for name in frame.columns:
        digest.update(str(name).encode("utf-8", "surrogatepass") + b"\0")
        digest.update(_cells_digest(frame[name]))
    return digest.hexdigest()


def _cells_digest(series: pd.Series[Any]) -> bytes:
    try:
        return pd.util.hash_pandas_object(series, index=False).to_numpy().tobytes()
    except (TypeError, ValueError):  # lists
        texts = [repr(cell) for cell in series.tolist()]
        return "\0".join(texts).encode("utf-8", "surrogatepass")
