"""The interrupt button as normal use: once to stop after what is in flight, twice to stop at once."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, Self

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType, TracebackType

_PATIENCE: Final = 3


class Interrupts:
    """While it is entered, Ctrl-C and the notebook's ■ are counted instead of raised.

    A KeyboardInterrupt can strike between any two instructions, also between an answer and the note of it; a count
    cannot. Everything that could last is waited for here, so a count is enough. Signals reach the main thread only;
    elsewhere nothing is changed.
    """

    def __init__(self) -> None:
        self._pressed = threading.Event()
        self._count = 0
        self._raises = False
        self._before: Any = None

    @property
    def stop(self) -> bool:
        """Whether to start nothing new."""
        return self._count >= 1

    @property
    def abandon(self) -> bool:
        """Whether to wait for nothing any more."""
        return self._count > 1

    def note(self) -> None:
        """Count one interrupt."""
        self._count += 1
        self._pressed.set()

    def wait(self, seconds: float) -> None:
        """Wait so long, or until the next interrupt."""
        self._pressed.wait(seconds)

    @contextmanager
    def raising(self) -> Iterator[None]:
        """Within it the third press is raised: for code of the caller that may not end, where nothing can be lost."""
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

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)
            self._before = None

    def _handle(self, _number: int, _frame: FrameType | None) -> None:
        self.note()
        if self._raises and self._count >= _PATIENCE:
            raise KeyboardInterrupt
