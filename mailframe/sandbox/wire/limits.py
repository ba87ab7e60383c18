"""The limits of the connections of a sandbox. Values only."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass, fields

from mailframe.errors import SandboxError


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a client may take, and how much it may send.

    A client that goes on sending keeps its connection: every ``bytes_per_s`` bytes add a second to
    the time of a head or a body. A client that sends less is disconnected, so that half-open
    connections do not use up the sandbox.

    Attributes:
        head_s: the seconds for the head of a request, from the connection or its first byte on.
        body_s: the seconds for the body of a request.
        bytes_per_s: the number of bytes that add one second to either.
        idle_s: the seconds until a connection without a request is closed.
        write_s: the seconds that a client may take to read the next part of an answer.
        head_bytes: the size of the largest head; a larger one is answered with 431.
        body_bytes: the size of the largest body that is read to its end. A body over 50 MB is
            answered with Postmark's 413; one over this size is answered before it is read.
        connections: the number of connections at a time; a further one is closed. The event loop of
            Windows that the sandbox uses ends at 512 (FD_SETSIZE of CPython's ``select``).

    Raises:
        SandboxError: a value is not above zero.

    >>> Limits(idle_s=5).idle_s, Limits().head_s
    (5, 30.0)
    """

    head_s: float = 30.0
    body_s: float = 30.0
    bytes_per_s: int = 1_000
    idle_s: float = 75.0
    write_s: float = 60.0
    head_bytes: int = 65_536
    body_bytes: int = 200_000_000
    connections: int = 500 if os.name == "nt" else 100_000

    def __post_init__(self) -> None:
        for limit in fields(self):
            value = getattr(self, limit.name)
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise SandboxError(f"{limit.name} is a number; found {value!r}")
            if not 0 < value < math.inf:
                raise SandboxError(f"{limit.name} is above 0; found {value!r}")
