"""The differences between two texts, word by word. The time is bounded for any two texts."""

from __future__ import annotations

import re
from collections import Counter
from difflib import SequenceMatcher
from itertools import compress, count, groupby
from operator import itemgetter, ne
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

Tokens: TypeAlias = "Sequence[str]"
SegmentKind: TypeAlias = Literal["same", "deleted", "inserted", "replaced"]

MAX_TOKENS: Final = 5_000
"""Lines or words of both texts that are compared, without those that both begin or end with."""
MAX_PAIRS: Final = 20_000
"""Pairs of equal lines or words in them; the time that difflib takes grows with it."""

_WORD: Final = r"\w+(?:[.,:'\u2019@-]\w+)*"
_TEXT: Final = re.compile(rf"\n|[^\S\n]+|{_WORD}|[^\w\s]")
_HTML: Final = re.compile(rf"<[^<>]*>|\n|[^\S\n]+|{_WORD}|[^\w\s]")
_HTML_LINE: Final = re.compile(r"<[^<\n]*\n?|[^<\n]+\n?|\n")
_BLANK: Final = re.compile(r"[^\S\n]+")
_TAG: Final = re.compile(r"<([^\s<>]*+)[^<>]*+>")


class Segment(NamedTuple):
    """A piece of two texts.

    Attributes:
        kind: the kind of change.
        old: the old text; empty if it was inserted.
        new: the new text; empty if it was deleted.
    """

    kind: SegmentKind
    old: str
    new: str

    @classmethod
    def of(cls, old: str, new: str) -> Segment:
        """The segment with its kind."""
        if old == new:
            return cls("same", old, new)
        return cls("inserted" if not old else "replaced" if new else "deleted", old, new)


def word_difference(old: str, new: str, *, html: bool = False) -> list[Segment]:
    """The segments of two texts in order; equal and changed segments alternate.

    Texts with too many lines or words for difflib are compared by position if they have equally
    many, and are otherwise replaced as a whole.

    Args:
        old: the old text.
        new: the new text.
        html: whether a tag is one word. Of a tag with changed attributes, only these are changed.

    >>> [tuple(segment) for segment in word_difference("Hi Ann, bye", "Hello Ann, bye")]
    [('replaced', 'Hi', 'Hello'), ('same', ' Ann, bye', ' Ann, bye')]
    """
    segments: list[Segment] = []
    for before, after in hunks(old, new, html=html):
        if before == after:
            segments.append(Segment.of(before, after))
        else:
            segments += changed_words(before, after, html=html)
    return _joined(segments)


def hunks(old: str, new: str, *, html: bool = False) -> Iterator[tuple[str, str]]:
    """Both texts in pieces of whole lines, equal or not. HTML is also split before tags."""
    before, after = (
        _HTML_LINE.findall(text) if html else text.splitlines(keepends=True) for text in (old, new)
    )
    for a, b in _pieces(before, after, is_filler=_is_filler):
        yield "".join(a), "".join(b)


def changed_words(old: str, new: str, *, html: bool = False) -> list[Segment]:
    """The segments of one of the ``hunks``; like ``word_difference``, without comparing lines."""
    pattern = _HTML if html else _TEXT
    pieces = _pieces(pattern.findall(old), pattern.findall(new), is_filler=str.isspace)
    segments = _bridged(Segment.of("".join(a), "".join(b)) for a, b in pieces)
    if html:
        segments = [inner for segment in segments for inner in _inside_tag(segment)]
    return _joined(segments)


def _pieces(
    old: Tokens, new: Tokens, *, is_filler: Callable[[str], bool]
) -> Iterator[tuple[Tokens, Tokens]]:
    """Both token lists in pieces that are equal or not, in order.

    Args:
        old: the old tokens.
        new: the new tokens.
        is_filler: whether a token is too common to be matched without its neighbors.
    """
    head = _common(old, new)
    yield old[:head], new[:head]
    tail = _common(old[head:][::-1], new[head:][::-1])
    a, b = old[head : len(old) - tail], new[head : len(new) - tail]
    if not a or not b or len(a) == len(b) == 1:
        yield a, b
    elif len(a) == len(b) and sum(map(ne, a, b)) * 4 <= len(a):
        yield from _by_position(a, b)  # the usual case, and faster
    elif not _is_too_long(a, b, is_filler):
        for _, a0, a1, b0, b1 in SequenceMatcher(is_filler, a, b, autojunk=False).get_opcodes():
            yield a[a0:a1], b[b0:b1]
    else:
        yield from _by_position(a, b) if len(a) == len(b) else [(a, b)]
    yield old[len(old) - tail :], new[len(new) - tail :]


def _common(old: Tokens, new: Tokens) -> int:
    """How many tokens both begin with."""
    return next(compress(count(), map(ne, old, new)), min(len(old), len(new)))


def _is_too_long(old: Tokens, new: Tokens, is_filler: Callable[[str], bool]) -> bool:
    """Whether difflib might take too long; its time is up to tokens times pairs of equal tokens."""
    if len(old) + len(new) > MAX_TOKENS:
        return True
    counts = Counter(new)
    return sum(counts[token] for token in old if not is_filler(token)) > MAX_PAIRS


def _by_position(old: Tokens, new: Tokens) -> Iterator[tuple[Tokens, Tokens]]:
    """As ``_pieces``, for lists of equal length: tokens in the same place are compared."""
    for _, run in groupby(zip(old, new, strict=True), key=lambda pair: pair[0] == pair[1]):
        a, b = zip(*run, strict=True)
        yield a, b


def _is_filler(line: str) -> bool:
    """Whether a line has no text besides a tag."""
    return not line.rpartition(">")[2].strip()


def _bridged(segments: Iterable[Segment]) -> list[Segment]:
    """Join changed words with the blank between: "big red" → "small blue" is one change."""
    parts = _joined(segments)
    return _runs(
        (part.kind == "same" and not (0 < i < len(parts) - 1 and _BLANK.fullmatch(part.old)), part)
        for i, part in enumerate(parts)
    )


def _joined(segments: Iterable[Segment]) -> list[Segment]:
    """The segments without empty ones; equal and changed segments alternate."""
    return _runs((part.kind == "same", part) for part in segments if part.old or part.new)


def _runs(parts: Iterable[tuple[bool, Segment]]) -> list[Segment]:
    """Join neighbors that are both equal or both changed."""
    runs = ([part for _, part in run] for _, run in groupby(parts, key=itemgetter(0)))
    return [
        Segment.of("".join([part.old for part in run]), "".join([part.new for part in run]))
        for run in runs
    ]


def _inside_tag(segment: Segment) -> list[Segment]:
    """The changed words of a tag that was replaced by a tag with the same name."""
    old, new = _TAG.fullmatch(segment.old), _TAG.fullmatch(segment.new)
    if segment.kind == "replaced" and old and new and old[1].lower() == new[1].lower():
        return changed_words(segment.old, segment.new)
    return [segment]
