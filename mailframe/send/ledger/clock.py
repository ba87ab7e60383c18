"""A clock that cannot be set: seconds since this machine was started, and which start that was."""

from __future__ import annotations

import ctypes
import secrets
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Final


def since_boot_s() -> float:
    """Seconds since the machine was started; on Linux with the time in which it was suspended."""
    with_suspend: int | None = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if with_suspend is None else time.clock_gettime(with_suspend)


class Stopwatch:
    """The time since it was made, with the time in which the machine was suspended.

    Args:
        began_s: the seconds since the machine was started; None for now.
    """

    def __init__(self, *, began_s: float | None = None) -> None:
        self._began_s = since_boot_s() if began_s is None else began_s
        self._began_at = time.time()

    def passed_s(self) -> float:
        """By the wall clock if that is more: the other one stops on macOS during a suspension."""
        return max(since_boot_s() - self._began_s, time.time() - self._began_at)


def _boot() -> str:
    """The system's name for this start of the machine; without one, a name for this process."""
    name = ""
    with suppress(OSError, AttributeError):
        if sys.platform == "linux":
            kernel = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
            # a container may have a time namespace of its own, which counts from another zero
            name = f"{kernel} {Path('/proc/self/ns/time').readlink()}"
        elif sys.platform == "darwin":
            buffer, size = ctypes.create_string_buffer(64), ctypes.c_size_t(64)
            ctypes.CDLL(None).sysctlbyname(
                b"kern.bootsessionuuid", buffer, ctypes.byref(size), None, ctypes.c_size_t(0)
            )
            name = buffer.value.decode("ascii", "replace")
    return name or f"process {secrets.token_hex(8)}"


BOOT: Final = _boot()
"""Two values of ``since_boot_s`` can be compared if they have this in common."""
