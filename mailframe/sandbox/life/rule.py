"""A rule: which messages get a life, and how likely each outcome is. Pure."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from functools import lru_cache
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, Final, Self

from mailframe.errors import SandboxError
from mailframe.sandbox.life.durations import nanoseconds
from mailframe.sandbox.state.bounce_types import TYPES

if TYPE_CHECKING:
    from mailframe.sandbox.state.messages.stored_message import StoredMessage

BOUNCES: Final = {"HardBounce": 0.6, "SoftBounce": 0.25, "Blocked": 0.08, "DnsError": 0.07}
"""How one rate of bounces is shared out (A)."""


@dataclass(frozen=True, slots=True)
class Rule:
    """Rates, times and filters.

    Attributes:
        opens: the share of the recipients who got the message that open it.
        clicks: the share that clicks a link; they open it too.
        bounces: type and share of the recipients to whom it bounces.
        complaints: the share that marks it as spam.
        unsubscribes: the share that unsubscribes, if the message has a link for that.
        seed: makes another, but repeatable, choice of who does what.
        over_ns: the time in which it happens; 0 is at once.
        queued_ns: how long a message waits before it is sent.
        tracked: whether opens and clicks need ``TrackOpens`` and ``TrackLinks``, as at Postmark.
        tag: the tag of the messages; None is any.
        stream: the ID of their stream; None is any.
        to: a pattern of addresses, such as ``*@acme.example``; None is any.
        server: the ID of their server; None is any.
    """

    opens: float = 0.0
    clicks: float = 0.0
    bounces: tuple[tuple[str, float], ...] = ()
    complaints: float = 0.0
    unsubscribes: float = 0.0
    seed: int = 0
    over_ns: int = 0
    queued_ns: int = 0
    tracked: bool = False
    tag: str | None = None
    stream: str | None = None
    to: str | None = None
    server: int | None = None

    @classmethod
    def of(cls, **arguments: Any) -> Self:
        """The rule of these arguments of ``sandbox.simulate``; ARGUMENTS has all.

        Raises:
            SandboxError: a rate is not between 0 and 1, or an argument has a wrong type.

        >>> Rule.of(bounces=0.5, seed=1).bounces[0]
        ('HardBounce', 0.3)
        """
        return cls(
            **{
                _FIELDS.get(name, name): ARGUMENTS[name](name, value)
                for name, value in arguments.items()
            }
        )

    @classmethod
    def from_item(cls, item: dict[str, Any]) -> Self:
        """The rule that ``as_item`` has written."""
        bounces = tuple((kind, rate) for kind, rate in item["bounces"])
        return cls(**item | {"bounces": bounces})

    def as_item(self) -> dict[str, Any]:
        """The attributes, as JSON can hold them."""
        return asdict(self)

    @property
    def key(self) -> bytes:
        """The key of the hashes that decide who does what."""
        return _key(self.seed)

    @property
    def is_for_all(self) -> bool:
        """Whether it has no filter."""
        return (self.tag, self.stream, self.to, self.server) == (None,) * 4

    def fits(self, message: StoredMessage) -> bool:
        """Whether *message* is one of its messages; ``to`` is asked for each recipient."""
        return (
            self.server in (None, message.server)
            and self.stream in (None, message.stream)
            and self.tag in (None, message.head.get("Tag") or "")
        )

    def fits_address(self, address: str) -> bool:
        """Whether a recipient with this *address*, in lower case, is meant."""
        return self.to is None or fnmatchcase(address, self.to.lower())


@lru_cache(maxsize=64)
def _key(seed: int) -> bytes:
    return hashlib.blake2b(str(seed).encode(), digest_size=32).digest()


def _rate(name: str, value: object) -> float:
    is_number = isinstance(value, Real) and not isinstance(value, bool)
    if not is_number or not 0 <= (rate := float(value)) <= 1:  # type: ignore[arg-type]  # a Real
        raise SandboxError(f"{name} is a share between 0 and 1, such as 0.02; found {value!r}")
    return rate


def _bounces(value: float | Mapping[str, float]) -> tuple[tuple[str, float], ...]:
    """The share of each type: one number is shared out as BOUNCES says."""
    if not isinstance(value, Mapping):
        total = _rate("bounces", value)
        return tuple((kind, total * part) for kind, part in BOUNCES.items() if total)
    for kind in value:
        if kind not in TYPES or not TYPES[kind].is_testable:
            types = ", ".join(name for name, about in TYPES.items() if about.is_testable)
            raise SandboxError(f"bounces has no type {kind!r}; the types are {types}")
    shares = tuple((kind, _rate(f"bounces[{kind!r}]", rate)) for kind, rate in value.items())
    total = math.fsum(rate for _, rate in shares)
    if total > 1:
        raise SandboxError(f"the shares of bounces are 1 or less together; found {total:g}")
    return tuple(sorted(shares))


def _duration(name: str, value: object) -> int:
    return nanoseconds(value, name=name)


def _typed(kind: type, what: str) -> Callable[[str, Any], Any]:
    def checked(name: str, value: Any) -> Any:
        if not isinstance(value, kind) or (kind is not bool and isinstance(value, bool)):
            raise SandboxError(f"{name} is {what}; found {value!r}")
        return value

    return checked


_whole: Final = _typed(Integral, "a whole number")
_text: Final = _typed(str, "a text, or None for any")
ARGUMENTS: Final[dict[str, Callable[[str, Any], Any]]] = {
    "opens": _rate,
    "clicks": _rate,
    "bounces": lambda _, value: _bounces(value),
    "complaints": _rate,
    "unsubscribes": _rate,
    "seed": lambda name, value: int(_whole(name, value)),
    "over": _duration,
    "tag": _text,
    "stream": _text,
    "to": _text,
    "queued": _duration,
    "tracked": _typed(bool, "True or False"),
    "server": _typed(int, "the ID of a server, or None for any"),
}
"""The check of each argument that makes a rule; it returns the attribute."""
_FIELDS: Final = {"over": "over_ns", "queued": "queued_ns"}
