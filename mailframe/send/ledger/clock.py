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
