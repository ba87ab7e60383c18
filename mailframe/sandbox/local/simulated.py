"""The methods of ``LocalPostmark`` that give messages a life."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailframe.sandbox.life import arguments
from mailframe.sandbox.life.simulation import never

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import timedelta

    from mailframe.sandbox.life.aftermath import Aftermath
    from mailframe.sandbox.state.store import Store


class Simulated:
    """What becomes of the messages of a sandbox; ``LocalPostmark`` has these methods."""

    _store: Store

    def simulate(
        self,
        *,
        opens: float = 0.0,
        clicks: float = 0.0,
        bounces: float | Mapping[str, float] = 0.0,
        complaints: float = 0.0,
        unsubscribes: float = 0.0,
        seed: int = 0,
        over: str | timedelta | None = None,
        tag: str | None = None,
        stream: str | None = None,
        to: str | None = None,
        upcoming: bool = False,
        queued: str | timedelta | None = None,
        tracked: bool = False,
        server: int | str | None = None,
    ) -> Aftermath:
        """Let recipients open, click, bounce, complain and unsubscribe.

        Each message is simulated once: a second call is for messages that were not simulated yet.
        The seed, the address, the stream, the tag and the subject decide, so neither the batch size
        nor the order of calls changes the outcome. Rates are probabilities: 0.4 is about 40 %.

        Args:
            opens: the share of the recipients that opens the message, of those who get it.
            clicks: the share that clicks one of its links; a recipient who clicks also opens.
            bounces: the share to whom it bounces, as several types; or the share of each type,
                such as ``{"HardBounce": 0.02}``. A hard bounce suppresses the address.
            complaints: the share that marks it as spam, which suppresses the address.
            unsubscribes: the share that unsubscribes, if the message has an unsubscribe link.
            seed: another seed chooses other recipients.
            over: how long it takes, such as ``"2d"`` or a timedelta: most happens soon after the
                send, the rest later; ``advance`` moves the clock. None is at once.
            tag: only messages with this tag.
            stream: only messages of the stream with this ID.
            to: only recipients whose address matches this pattern, such as ``"*@acme.example"``.
            upcoming: whether messages that are accepted later are simulated, too; for each, the
                newest rule that fits it holds.
            queued: how long later messages wait before they are sent; only with ``upcoming``.
            tracked: whether opens need ``TrackOpens`` and clicks ``TrackLinks``, as at Postmark.
            server: only messages of the server with this name or ID.

        Returns:
            The number of each outcome; ``frame()`` returns it as a DataFrame.

        Raises:
            SandboxError: a rate is not between 0 and 1, or an argument has a wrong type.

        >>> from mailframe.sandbox import LocalPostmark
        >>> sandbox = LocalPostmark(in_process=True)
        >>> sandbox.simulate(opens=0.4, clicks=0.1, bounces=0.02, seed=1)
        0 messages: 0 delivered, 0 bounced, 0 opened, 0 clicked, 0 complained, 0 unsubscribed
        """
        given = dict(locals())
        del given["self"]
        if server is not None:
            given["server"] = self._store.servers.named(server)
        return arguments.simulation(self._store, given)(never)

    def advance(self, by: str | timedelta) -> dict[str, int]:
        """Move the clock of the sandbox forward, and let everything happen that is then due.

        Args:
            by: how far, such as ``"2h"``, ``"1d 12h"`` or a timedelta.

        Returns:
            The number of events of each kind that happened, such as ``{"Open": 12}``.

        Raises:
            SandboxError: it is no duration, or the clock would be more than ten years ahead.

        >>> from mailframe.sandbox import LocalPostmark
        >>> LocalPostmark(in_process=True).advance("2h")
        {}
        """
        return arguments.advance(self._store, by)(never)
