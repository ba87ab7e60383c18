"""What one recipient does with one message. Pure.

A hash of the message, the recipient and the seed decides, so no order of calls changes it.
"""

from __future__ import annotations

import hashlib
import math
import struct
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Any, Final

from mailframe.sandbox.life.readers import reader
from mailframe.sandbox.state.events.events import EventKind

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mailframe.sandbox.life.rule import Rule

_S: Final = 1_000_000_000
_TICK_NS: Final = 100
"""What a timestamp of Postmark can tell apart: nobody opens or clicks twice at one time."""
_REOPENS: Final = 0.3
_MORE_CLICKS: Final = 0.25
_MOST: Final = 5
_STEEPNESS: Final = 6.0
"""How fast the tail falls: two thirds happen in the first sixth of the time."""


@dataclass(frozen=True, slots=True)
class Fate:
    """The decisions for one recipient.

    Attributes:
        bounce: the type of the bounce; empty if the message was delivered.
        opens: whether the recipient opens it.
        clicks: whether the recipient wants to click a link.
        complains: whether the recipient marks it as spam.
        unsubscribes: whether the recipient wants to unsubscribe.
        number: decides all that remains, such as times.
    """

    bounce: str = ""
    opens: bool = False
    clicks: bool = False
    complains: bool = False
    unsubscribes: bool = False
    number: int = 0

    def __bool__(self) -> bool:
        return bool(self.bounce or self.opens or self.complains or self.unsubscribes)


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happens.

    Attributes:
        kind: the kind of event.
        after_ns: the time since the message was sent.
        details: the details of the event.
        reader: the reader of an open or a click.
        is_first: whether it is the first open, or the first click on its link.
    """

    kind: EventKind
    after_ns: int
    details: dict[str, Any]
    reader: dict[str, Any] = field(default_factory=dict)
    is_first: bool = True


def identity(address: str, stream: str, tag: str, subject: str) -> bytes:
    """What is hashed of a message: the same mail to the same address is the same, whenever sent."""
    return f"{address}\0{stream}\0{tag}\0{subject}".encode()


def decide(rule: Rule, identity: bytes, *, repeat: int) -> Fate:
    """The decisions for a recipient.

    Args:
        rule: the rates.
        identity: the message and its recipient, of ``identity``.
        repeat: how often the same mail was sent to the same address before; each has its own fate.
    """
    digest = hashlib.blake2b(identity + struct.pack(">Q", repeat), key=rule.key, digest_size=40)
    *drawn, number = struct.unpack(">5Q", digest.digest())
    bounce, engagement, complaint, unsubscription = ((value >> 11) / 2**53 for value in drawn)
    for kind, share in rule.bounces:
        if bounce < share:
            return Fate(kind, number=number)
        bounce -= share
    return Fate(
        opens=engagement < max(rule.opens, rule.clicks),
        clicks=engagement < rule.clicks,
        complains=complaint < rule.complaints,
        unsubscribes=unsubscription < rule.unsubscribes,
        number=number,
    )


def steps(
    fate: Fate, *, over_ns: int, links: Sequence[tuple[str, str]], can_open: bool = True
) -> Iterator[Step]:
    """What happens, in its order.

    Args:
        fate: the decisions.
        over_ns: the time in which it happens.
        links: part and address of each link that can be clicked.
        can_open: whether an open is recorded.
    """
    chance = Random(fate.number)  # noqa: S311 - no secret
    if fate.bounce:
        after_ns = round(chance.uniform(1, 20) * _S)
        yield Step(EventKind.BOUNCE, min(after_ns, over_ns), {"Type": fate.bounce})
        return
    after_ns = _tail(chance, over_ns)
    who = reader(chance)
    if fate.opens and can_open:
        for number in range(_count(chance, _REOPENS)):
            yield Step(
                EventKind.OPEN,
                after_ns if number == 0 else _later(chance, after_ns, over_ns) + number * _TICK_NS,
                _open_details(chance, is_first=number == 0),
                who.opening,
                is_first=number == 0,
            )
    if fate.clicks and links:
        yield from _clicks(chance, links, who.clicking, after_ns, over_ns)
    if fate.complains:
        yield Step(EventKind.SPAM_COMPLAINT, _later(chance, after_ns, over_ns), {})
    if fate.unsubscribes:
        yield Step(EventKind.SUBSCRIPTION_CHANGE, _later(chance, after_ns, over_ns), {})


def _clicks(
    chance: Random,
    links: Sequence[tuple[str, str]],
    who: dict[str, Any],
    after_ns: int,
    over_ns: int,
) -> Iterator[Step]:
    clicked: set[str] = set()
    for number in range(_count(chance, _MORE_CLICKS)):
        part, link = links[min(int(chance.expovariate(0.7)), len(links) - 1)]
        after_ns = min(after_ns + round(chance.uniform(4, 90) * _S), over_ns)
        details = {"ClickLocation": part, "OriginalLink": link}
        at_ns = after_ns + number * _TICK_NS
        yield Step(EventKind.CLICK, at_ns, details, who, is_first=link not in clicked)
        clicked.add(link)


def _open_details(chance: Random, *, is_first: bool) -> dict[str, Any]:
    return {"FirstOpen": is_first, "ReadSeconds": int(chance.expovariate(1 / 12))}


def _count(chance: Random, again: float) -> int:
    count = 1
    while count < _MOST and chance.random() < again:
        count += 1
    return count


def _tail(chance: Random, over_ns: int) -> int:
    """A time from 0 to *over_ns*, most often early."""
    part = -math.log1p(chance.random() * math.expm1(-_STEEPNESS)) / _STEEPNESS
    return round(part * over_ns)


def _later(chance: Random, after_ns: int, over_ns: int) -> int:
    """A time from *after_ns* to *over_ns*, most often early."""
    return after_ns + _tail(chance, max(0, over_ns - after_ns))
