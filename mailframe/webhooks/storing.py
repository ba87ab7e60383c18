"""Stores events that arrive at the same time, together and each once."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from mailframe.webhooks.event_file import EventFile

_MOST_TOGETHER: Final = 1000


class Storing:
    """Appends events to *file* in a thread; those that wait meanwhile share the next write.

    Args:
        file: the file, which nothing else writes.
    """

    def __init__(self, file: EventFile) -> None:
        self._file = file
        self._waiting: dict[bytes, tuple[bytes, asyncio.Future[None]]] = {}
        self._being_written: dict[bytes, tuple[bytes, asyncio.Future[None]]] = {}
        self._writer: asyncio.Task[None] | None = None

    async def store(self, identity: bytes, line: bytes) -> bool:
        """Return when the event is on the disk; False if it was there before.

        Args:
            identity: what identifies the event.
            line: the event.

        Raises:
            OSError: it could not be stored.
            MailframeError: another file has taken the place of the file of events.
        """
        if identity in self._file.recent:
            return False
        same = self._waiting.get(identity) or self._being_written.get(identity)
        if same is None:
            done = asyncio.get_running_loop().create_future()
            self._waiting[identity] = line, done
            if self._writer is None:
                self._writer = asyncio.create_task(self._write())
        else:
            done = same[1]
        await asyncio.shield(done)  # the connection of another post may end before
        return same is None

    async def _write(self) -> None:
        while self._waiting:
            several = dict(list(self._waiting.items())[:_MOST_TOGETHER])
            self._being_written = several
            for identity in several:
                del self._waiting[identity]
            lines = b"".join(line for line, _ in several.values())
            failure: Exception | None = None
            try:
                await asyncio.to_thread(self._file.append, lines)
            except Exception as error:  # noqa: BLE001 - each post of these gets it
                failure = error
            for identity, (_, done) in several.items():
                if failure is None:
                    self._file.recent.add(identity)
                    done.set_result(None)
                else:
                    done.set_exception(failure)
            self._being_written = {}
        self._writer = None
