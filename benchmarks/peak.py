"""Resident memory of this process, and its peak during a piece of work."""

from __future__ import annotations

import resource
import sys
from pathlib import Path
from typing import Final

_KIB: Final = 1024
_FORGET_PEAK: Final = "5"
"""Written to ``clear_refs``, it resets the peak to the current size (proc(5))."""


def forget_peak() -> bool:
    """Reset the peak to the current size; False where the system cannot."""
    try:
        Path("/proc/self/clear_refs").write_text(_FORGET_PEAK, encoding="ascii")
    except OSError:
        return False
    return True


def resident() -> int:
    """The resident size in bytes; without ``/proc`` the peak so far, which is not less."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except OSError:
        return peak()
    return pages * resource.getpagesize()


def peak() -> int:
    """The largest resident size in bytes since the start, or since it was reset.

    ``ru_maxrss`` of a child is no less than that of the process that started it (exec_mmap in
    Linux's exec.c), so it is read only where there is no ``/proc``.
    """
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
    except OSError:
        unit = 1 if sys.platform == "darwin" else _KIB
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * _KIB
