"""Time that nobody can set: seconds since this machine was started, and which start that was."""

from __future__ import annotations

import ctypes
import secrets
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Final


def since_boot_s() -> float:
    """Seconds since the machine was started; on Linux with those in which it slept."""
    with_sleep: int | None = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if with_sleep is None else time.clock_gettime(with_sleep)


def _boot() -> str:
    """What the system calls this start of the machine; where it has no name for it, one of this process alone."""
    named = ""
    with suppress(OSError, AttributeError):
        if (
            sys.platform == "linux"
        ):  # with the time namespace, in which a container may have another zero
            kernel = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
            named = f"{kernel} {Path('/proc/self/ns/time').readlink()}"
        elif sys.platform == "darwin":
            room, size = ctypes.create_string_buffer(64), ctypes.c_size_t(64)
            ctypes.CDLL(None).sysctlbyname(
                b"kern.bootsessionuuid", room, ctypes.byref(size), None, ctypes.c_size_t(0)
            )
            named = room.value.decode("ascii", "replace")
    return named or f"process {secrets.token_hex(8)}"


BOOT: Final = _boot()
"""Two readings of ``since_boot_s`` may be compared when they have this in common."""
