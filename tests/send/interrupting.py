"""Interrupts at a chosen moment: when a request arrives, or when a function is called."""

from __future__ import annotations

import signal
import sys
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from mailframe.send.interrupts import Interrupts
from tests.systems import press_ctrl_c

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from mailframe.sandbox import Fault
    from mailframe.sandbox.faults.schedule import Arrival

_PATIENCE_S: Final = 2.0
"""Seconds until the next interrupt, if one comes where none is counted."""


class Button:
    """A rule for ``Sandbox.fault`` that interrupts this process when a request arrives.

    Args:
        number: of the request, from 1; a later one counts, too.
        times: number of interrupts.
        gap_s: seconds before each of them.
        fault: that this request and the later ones meet.
    """

    def __init__(
        self, number: int, *, times: int = 1, gap_s: float = 0.3, fault: Fault | None = None
    ) -> None:
        self._number, self._times, self._gap_s = number, times, gap_s
        self._fault = fault
        self._thread = threading.Thread(target=self._press)

    def __call__(self, arrival: Arrival) -> Fault | None:
        """Interrupt at the request, once."""
        if arrival.number < self._number:
            return None
        if not self._thread.ident:
            self._thread.start()
        return self._fault

    def join(self) -> None:
        """Wait until all interrupts have been sent."""
        self._thread.join()

    def _press(self) -> None:
        counted = threading.Semaphore(0)
        note = Interrupts.note

        def noted(interrupts: Interrupts) -> None:
            note(interrupts)
            counted.release()

        Interrupts.note = noted  # type: ignore[method-assign]
        try:
            for _ in range(self._times):
                time.sleep(self._gap_s)
                press_ctrl_c()
                # two signals that come before Python handles the first are one
                counted.acquire(timeout=_PATIENCE_S)
        finally:
            Interrupts.note = note  # type: ignore[method-assign]


@contextmanager
def interrupted_after(seconds: float = 30.0) -> Iterator[None]:
    """Interrupt a block that takes longer: a send that waits too long then leaves rows unsent."""
    timer = threading.Timer(seconds, press_ctrl_c)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def interrupted_at(function: str, *, times: int = 1) -> AbstractContextManager[list[str]]:
    """Interrupt at the first call of a function of the package; as ``acting_at``."""

    def interrupt() -> None:
        for _ in range(times):
            signal.raise_signal(signal.SIGINT)

    return acting_at(function, interrupt)


@contextmanager
def acting_at(
    function: str, act: Callable[[], object], *, file: str = "mailframe"
) -> Iterator[list[str]]:
    """Act at the first call of a function of the package, before it begins.

    Args:
        function: its name.
        act: what is done.
        file: a part of the path of its file.

    Yields:
        A list that has the name of the function once it was called.
    """
    called: list[str] = []

    def profile(frame, event, _arg):
        is_called = event == "call" and frame.f_code.co_name == function
        if is_called and file in frame.f_code.co_filename:
            sys.setprofile(None)  # it costs time at every call
            called.append(function)
            act()

    sys.setprofile(profile)
    try:
        yield called
    finally:
        sys.setprofile(None)


@contextmanager
def raised_at(
    function: str, number: int, *, event: str = "call", file: str = "mailframe"
) -> Iterator[None]:
    """Raise KeyboardInterrupt at a call of a function, in this thread.

    Args:
        function: its name; the qualified one of a function in C.
        number: of the call, from 1.
        event: ``call``, or ``return`` for the end of the call, whose result is lost; ``c_return``
            for a function in C.
        file: a part of the path of its file, or of the file with the call of a function in C.
    """
    calls = 0

    def profile(frame, happened, arg):
        nonlocal calls
        if happened != event or file not in frame.f_code.co_filename:
            return
        name = arg.__qualname__ if event == "c_return" else frame.f_code.co_name
        if name == function:
            calls += 1
            if calls == number:
                sys.setprofile(None)
                raise KeyboardInterrupt

    sys.setprofile(profile)
    try:
        yield
    finally:
        sys.setprofile(None)
