"""Interrupts: Ctrl-C and the notebook's ■ are counted during a send, and end it without a loss."""

from __future__ import annotations

import signal
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, Self

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

_RAISED_AT: Final = 3
_STEP_S: Final = 0.2


class Interrupts:
    """A context in which interrupts are counted instead of raised.

    A KeyboardInterrupt can be raised between any two instructions, for example between an answer
    and its record; a count cannot. Every long wait of a send checks the count. Signals reach the
    main thread only; in another thread nothing is changed.

    Args:
        abandon_at: the number of interrupts at which answers in flight are not waited for.
    """

    def __init__(self, *, abandon_at: int = 2) -> None:
        self._abandon_at = abandon_at
        self._count = 0
        self._raises = False
        self._before: Any = None

    @property
    def stop(self) -> bool:
        """Whether to start nothing new."""
        return self._count >= 1

    @property
    def abandon(self) -> bool:
        """Whether to stop waiting for answers."""
        return self._count >= self._abandon_at

    def note(self) -> None:
        """Count one interrupt."""
        self._count += 1

    def wait(self, seconds: float) -> None:
        """Wait so long, or until shortly after the first interrupt.

        In steps, and not for an Event, whose lock the handler of an interrupt would wait for if it
        ran while this thread holds it. On Windows the handler of Ctrl-C runs only after a wait has
        ended; Python 3.14 has changed that.
        """
        until = time.monotonic() + seconds
        while not self.stop and (left_s := until - time.monotonic()) > 0:
            time.sleep(min(left_s, _STEP_S))

    @contextmanager
    def raising(self) -> Iterator[None]:
        """Raise the third interrupt: around code of the user that may not end, before a request."""
        self._raises = True
        try:
            yield
        finally:
            self._raises = False

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            before = signal.getsignal(signal.SIGINT)
            if before is not None and before != signal.SIG_IGN:
                self._before = before
                signal.signal(signal.SIGINT, self._handle)
        return self

    def __exit__(self, *exception: object) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)
            self._before = None

    def _handle(self, _number: int, _frame: FrameType | None) -> None:
        self.note()
        if self._raises and self._count >= _RAISED_AT:
            raise KeyboardInterrupt
