"""What differs between systems, for tests that start processes, kill them or need a right."""

from __future__ import annotations

import _thread
import multiprocessing
import os
import signal

import pytest

IS_POSIX = os.name == "posix"
posix_only = pytest.mark.skipif(not IS_POSIX, reason="Windows has no such signal, mode or file")
READS_EVERYTHING = not hasattr(os, "geteuid") or os.geteuid() == 0
"""Whether a file without permissions can be read: by root, and on Windows."""
KILL = getattr(signal, "SIGKILL", signal.SIGTERM)
"""Ends a process at once; on Windows each signal that ``os.kill`` sends does."""
KILLED = -KILL if IS_POSIX else KILL
"""The exit code of a process that was ended by KILL."""
FRESH = "forkserver" if IS_POSIX else "spawn"
"""How multiprocessing starts a process without the threads of this one."""


def fresh_processes(*preloaded):
    """A context of multiprocessing; a child is forked with these modules where that is possible."""
    context = multiprocessing.get_context(FRESH)
    context.set_forkserver_preload([*preloaded])
    return context


def press_ctrl_c():
    """Interrupt this process; on Windows ``os.kill`` would end it."""
    if IS_POSIX:
        os.kill(os.getpid(), signal.SIGINT)
    else:
        _thread.interrupt_main()
