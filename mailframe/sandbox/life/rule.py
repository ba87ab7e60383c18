"""A rule: which messages get a life, and how likely each outcome is. Pure."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from functools import lru_cache
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, Final, Self

from mailframe.errors import SandboxError
from mailframe.sandbox.life.durations import nanoseconds
from mailframe.sandbox.state.events.bounce_types import TYPES

if TYPE_CHECKING:
    from datetime import timedelta

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
    def of(
        cls,
        *,
        opens: float = 0.0,
        clicks: float = 0.0,
        bounces: float | Mapping[str, float] = 0.0,
        complaints: float = 0.0,
        unsubscribes: float = 0.0,
        seed: int = 0,
        over: str | timedelta | None = None,
        queued: str | timedelta | None = None,
        tracked: bool = False,
        tag: str | None = None,
        stream: str | None = None,
        to: str | None = None,
        server: int | None = None,
    ) -> Self:
        """The rule of these arguments, as ``sandbox.simulate`` has them.

        Raises:
            SandboxError: a rate is not between 0 and 1, or an argument has a wrong type.

        >>> Rule.of(bounces=0.5, seed=1).bounces[0]
        ('HardBounce', 0.3)
        """
        for name, value in {"tag": tag, "stream": stream, "to": to}.items():
            _check_type(name, value, str, "a text, or None for any")
        _check_type("seed", seed, Integral, "a whole number")
        if type(tracked) is not bool:
            raise SandboxError(f"tracked is True or False; found {tracked!r}")
        _check_type("server", server, int, "the ID of a server, or None for any")
        return cls(
            _rate("opens", opens),
            _rate("clicks", clicks),
            _bounces(bounces),
            _rate("complaints", complaints),
            _rate("unsubscribes", unsubscribes),
            int(seed),
            0 if over is None else nanoseconds(over, name="over"),
            0 if queued is None else nanoseconds(queued, name="queued"),
            tracked,
            tag,
            stream,
            to,
            server,
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


def _check_type(name: str, value: object, kind: type, what: str) -> None:
    if value is not None and (not isinstance(value, kind) or isinstance(value, bool)):
        raise SandboxError(f"{name} is {what}; found {value!r}")
