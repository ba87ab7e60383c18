"""Two texts, word by word: what stayed, what went, what came. It ends soon for any two texts."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from difflib import SequenceMatcher
from itertools import groupby
from operator import ne
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

SegmentKind: TypeAlias = Literal["same", "deleted", "inserted", "replaced"]
MAX_TOKENS: Final = 2_000
"""Of both middles together; longer ones are first split where a word that stands once on each side is the same."""
MAX_PAIRS: Final = 20_000
"""Of equal tokens in both middles, which is what difflib's time grows with."""
MAX_SPLITS: Final = 6
"""Times that a long middle is split; what is too long even then is replaced as a whole."""

_WORD: Final = r"\w+(?:[.,:'\u2019@-]\w+)*"
_TEXT: Final = re.compile(rf"\n|[^\S\n]+|{_WORD}|[^\w\s]")
_LINE: Final = re.compile(r"[^\n]*\n|[^\n]+")
_HTML_LINE: Final = re.compile(r"<[^<>]*>|[^<\n]*\n|[^<\n]+|<")
_HTML: Final = re.compile(rf"<[^<>]*>|\n|[^\S\n]+|{_WORD}|[^\w\s]")


class Segment(NamedTuple):
    """A piece of two texts.

    Attributes:
        kind: what became of it.
        old: as it was; empty for what was inserted.
        new: as it is; empty for what was deleted.
    """

    kind: SegmentKind
    old: str
    new: str

    @classmethod
    def of(cls, old: str, new: str) -> Segment:
        """The piece, with its kind."""
        kind: SegmentKind = (
            "same" if old == new else "inserted" if not old else "replaced" if new else "deleted"
        )
        return cls(kind, old, new)


def word_difference(old: str, new: str, *, html: bool = False) -> list[Segment]:
    """The segments that both texts consist of, in order: what is the same and what is not, by turns.

    Args:
        old: the text before.
        new: the text after.
        html: take a tag as one word; inside a tag that changed, only what changed counts.

    >>> [tuple(segment) for segment in word_difference("Hi Ann, bye", "Hello Ann, bye")]
    [('replaced', 'Hi', 'Hello'), ('same', ' Ann, bye', ' Ann, bye')]
    """
    segments: list[Segment] = []
    for before, after in hunks(old, new, html=html):
        segments += (
            [Segment.of(before, after)]
            if before == after
            else changed_words(before, after, html=html)
        )
    return _joined(segments)


def hunks(old: str, new: str, *, html: bool = False) -> Iterator[tuple[str, str]]:
    """Both texts in pieces of whole lines (of tags and what stands between them, with *html*), equal or not."""
    head, tail = shared_ends(old, new)
    yield old[:head], old[:head]
    pattern = _HTML_LINE if html else _LINE
    before, after = (pattern.findall(text[head : len(text) - tail]) for text in (old, new))
    for a, b in _line_by_line(before, after) or _pieces(before, after):
        yield "".join(a), "".join(b)
    yield old[len(old) - tail :], old[len(old) - tail :]


def shared_ends(old: str, new: str) -> tuple[int, int]:
    r"""How many characters at the beginning and at the end are the same, back to the end of a line or of a tag.

    >>> shared_ends("Hello,\nold words\nBye", "Hello,\nnew words\nBye")
    (7, 4)
    """
    head = _common(old, new)
    if head == len(old) == len(new):
        return head, 0
    cut = max(old.rfind("\n", 0, head), old.rfind(">", 0, head)) + 1
    opened = old.rfind("<", 0, cut)
    head = opened if opened > old.rfind(">", 0, cut) else cut  # never inside a tag
    tail = _common(old[head:][::-1], new[head:][::-1])
    start = len(old) - tail
    cuts = [at for at in (old.find("\n", start), old.find("<", start)) if at >= 0]
    at = min(cuts, default=len(old))
    closed = old.find(">", at)
    if closed >= 0 and not 0 <= old.find("<", at) < closed:
        at = closed + 1
    return head, len(old) - at


def changed_words(old: str, new: str, *, html: bool = False) -> list[Segment]:
    """As ``word_difference``, without looking for whole lines that are the same; for one of the ``hunks``."""
    pattern = _HTML if html else _TEXT
    before, after = pattern.findall(old), pattern.findall(new)
    segments = _bridged([Segment.of("".join(a), "".join(b)) for a, b in _pieces(before, after)])
    if html:
        segments = [inner for segment in segments for inner in _inside_tag(segment)]
    return _joined(segments)


def _common(old: str, new: str) -> int:
    """Characters that both begin with, by halving: comparing slices is faster than looking at each."""
    low, high = 0, min(len(old), len(new))
    while low < high:
        middle = (low + high + 1) // 2
        if old[low:middle] == new[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


Tokens: TypeAlias = "Sequence[str]"


def _pieces(old: Tokens, new: Tokens, *, splits: int = 0) -> Iterator[tuple[Tokens, Tokens]]:
    """Both token lists in pieces that are equal or not, in order."""
    head = next(
        (i for i, (a, b) in enumerate(zip(old, new, strict=False)) if a != b),
        min(len(old), len(new)),
    )
    yield old[:head], new[:head]
    old, new = old[head:], new[head:]
    ends = enumerate(zip(reversed(old), reversed(new), strict=False))
    tail = next((i for i, (a, b) in ends if a != b), min(len(old), len(new)))
    a, b = old[: len(old) - tail], new[: len(new) - tail]
    if not a or not b:
        yield a, b
    elif _is_short(a, b):
        for _, a0, a1, b0, b1 in SequenceMatcher(str.isspace, a, b, autojunk=False).get_opcodes():
            yield a[a0:a1], b[b0:b1]
    elif splits < MAX_SPLITS:
        yield from _split(a, b, splits=splits)
    else:
        yield a, b
    yield old[len(old) - tail :], new[len(new) - tail :]


def _line_by_line(old: Tokens, new: Tokens) -> list[tuple[Tokens, Tokens]]:
    """As ``_pieces``, where as many lines are on both sides and nearly all are the same; else nothing.

    It is ten times as fast, and the usual case of a letter in which words changed.
    """
    if len(old) != len(new) or sum(map(ne, old, new)) * 4 > len(old):
        return []
    pairs = zip(old, new, strict=True)
    runs = (list(run) for _, run in groupby(pairs, key=lambda pair: pair[0] == pair[1]))
    return [([a for a, _ in run], [b for _, b in run]) for run in runs]


def _is_short(old: Tokens, new: Tokens) -> bool:
    if len(old) + len(new) > MAX_TOKENS:
        return False
    counts = Counter(new)
    return sum(counts[token] for token in old if not token.isspace()) <= MAX_PAIRS


def _split(old: Tokens, new: Tokens, *, splits: int) -> Iterator[tuple[Tokens, Tokens]]:
    """Split at the tokens that stand once on each side, as many as are in the same order (patience diff)."""
    a0 = b0 = 0
    anchors = _rising(_once_in_both(old, new))
    for a1, b1 in [*anchors, (len(old), len(new))]:
        if anchors:
            yield from _pieces(old[a0:a1], new[b0:b1], splits=splits + 1)
        else:
            yield old, new
        yield old[a1 : a1 + 1], new[b1 : b1 + 1]
        a0, b0 = a1 + 1, b1 + 1


def _once_in_both(old: Tokens, new: Tokens) -> list[tuple[int, int]]:
    left, right = Counter(old), Counter(new)
    places = {token: i for i, token in enumerate(new) if right[token] == 1}
    return [
        (i, places[token]) for i, token in enumerate(old) if left[token] == 1 and token in places
    ]


def _rising(pairs: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """The longest run of pairs in which both numbers rise (Fredman 1975)."""
    ends: list[int] = []
    chains: list[
        tuple[tuple[int, int], int]
    ] = []  # a pair, and where in this list its predecessor is
    tops: list[int] = []
    for pair in pairs:
        place = bisect_left(ends, pair[1])
        chains.append((pair, tops[place - 1] if place else -1))
        ends[place : place + 1] = [pair[1]]
        tops[place : place + 1] = [len(chains) - 1]
    found = []
    at = tops[-1] if tops else -1
    while at >= 0:
        pair, at = chains[at]
        found.append(pair)
    return found[::-1]


def _bridged(segments: Iterable[Segment]) -> list[Segment]:
    """Blanks between two changed words belong to the change: "big red" to "small blue" is one edit, not two."""
    parts = _joined(segments)
    last = len(parts) - 1
    bridges = {
        i
        for i, part in enumerate(parts)
        if part.kind == "same" and 0 < i < last and _BLANK.fullmatch(part.old)
    }
    runs = groupby(
        enumerate(parts), key=lambda one: one[1].kind == "same" and one[0] not in bridges
    )
    return [_run(part for _, part in run) for _, run in runs]


def _joined(segments: Iterable[Segment]) -> list[Segment]:
    """Without empty segments, and with neighbours joined that are both the same, or both not."""
    parts = (segment for segment in segments if segment.old or segment.new)
    return [_run(run) for _, run in groupby(parts, key=lambda part: part.kind == "same")]


def _run(parts: Iterable[Segment]) -> Segment:
    listed = list(parts)
    return Segment.of(
        "".join([part.old for part in listed]), "".join([part.new for part in listed])
    )


_BLANK: Final = re.compile(r"[^\S\n]+")
_ONE_TAG: Final = re.compile(r"<[^<>]*>")


def _inside_tag(segment: Segment) -> list[Segment]:
    """A tag that became another one with the same name differs in single words."""
    both = (segment.old, segment.new)
    if segment.kind != "replaced" or not all(_ONE_TAG.fullmatch(text) for text in both):
        return [segment]
    names = {text[1:-1].split(maxsplit=1)[0].lower() if text[1:-1].split() else "" for text in both}
    return changed_words(*both) if len(names) == 1 else [segment]
