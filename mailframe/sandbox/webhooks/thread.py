"""The thread that posts webhooks: it starts with the first webhook, and ends with close()."""

from __future__ import annotations

import contextlib
import os
import threading
import weakref
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import asyncio

    from mailframe.sandbox.state.store import Store

CLOSED: Final = "the sandbox was closed during this attempt"
JOIN_S: Final = 10.0


class WebhookThread:
    """Posts what is queued, in one background thread.

    Args:
        store: the state of the sandbox, whose ``wake`` is set; the thread ends when nobody uses it
            any more.
    """

    def __init__(self, store: Store) -> None:
        self._store = weakref.ref(store)
        self._lock = threading.Lock()
        self._process = os.getpid()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._woken: asyncio.Event | None = None
        self.is_closing = False
        store.wake = self.wake
        weakref.finalize(store, self._end)  # also at the exit of the process

    def reopen(self) -> None:
        """Go on after ``close``."""
        self.is_closing = False
        self.wake()

    def wake(self) -> None:
        """Look for new events and due retries now; the first call with a webhook starts it."""
        store = self._store()
        if self._is_forked() or store is None or not store.webhooks.verified():
            return
        with self._lock:
            if self.is_closing:
                return
            if self._thread is None:
                self._start()
            self._signal()

    def close(self) -> None:
        """End the thread until ``reopen``; attempts under way are retried then."""
        store = self._store()
        if self._end() and store is not None:
            store.webhook_queue.recover(CLOSED)

    def began(self, loop: asyncio.AbstractEventLoop, woken: asyncio.Event) -> None:
        """Note where to signal; the thread calls it before its first look."""
        self._loop, self._woken = loop, woken

    def _start(self) -> None:
        ready = threading.Event()
        thread = threading.Thread(
            target=self._run, args=(ready,), name="mailframe-webhooks", daemon=True
        )
        with contextlib.suppress(RuntimeError):  # no thread can be started: all stay in the queue
            thread.start()
            self._thread = thread
            ready.wait(JOIN_S)

    def _run(self, ready: threading.Event) -> None:
        from mailframe.sandbox.webhooks import sending  # noqa: PLC0415 - asyncio

        try:
            sending.run(self, self._store, ready)
        finally:
            ready.set()
            with self._lock:
                self._loop = self._woken = None
                if self._thread is threading.current_thread():
                    self._thread = None

    def _is_forked(self) -> bool:
        """Whether the thread is in the process from which this one was forked.

        A copy of the lock stays locked if another thread held it at the fork.
        """
        return os.getpid() != self._process

    def _end(self) -> bool:
        """End the thread, and wait for it; False if there is none.

        A thread that uses SQLite while the interpreter ends would crash the process.
        """
        if self._is_forked():
            return False
        with self._lock:
            thread = self._thread
            self.is_closing = True
            self._signal()
        if thread is not None and thread is not threading.current_thread():
            thread.join(JOIN_S)
        return thread is not None

    def _signal(self) -> None:
        if self._loop is not None and self._woken is not None:
            with contextlib.suppress(RuntimeError):  # it has just ended
                self._loop.call_soon_threadsafe(self._woken.set)
