"""Posts what is queued: to one webhook in order, to all webhooks at the same time."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from mailframe.sandbox.state.events.upcoming import NEVER_NS
from mailframe.sandbox.webhooks.events import collect

if TYPE_CHECKING:
    import threading
    import weakref

    from mailframe.sandbox.state.store import Store
    from mailframe.sandbox.state.webhooks.delivery import Delivery
    from mailframe.sandbox.state.webhooks.webhooks import Webhook
    from mailframe.sandbox.webhooks.thread import WebhookThread

MAX_WAIT_S: Final = 60.0
"""How long it waits at most before it looks again, for example whether the store is still used."""
UNSENT_WAIT_S: Final = 1.0
"""The same while accepted messages are queued and not sent yet."""


def run(thread: WebhookThread, store: weakref.ref[Store], ready: threading.Event) -> None:
    """Post until *thread* is closing or the store is gone.

    Args:
        thread: the thread that this runs in.
        store: the state of the sandbox; its lock is never locked during a wait for the network.
        ready: is set when *thread* can be woken.
    """
    with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
        runner.run(_serve(thread, store, ready))


async def _serve(thread: WebhookThread, store: weakref.ref[Store], ready: threading.Event) -> None:
    woken = asyncio.Event()
    thread.began(asyncio.get_running_loop(), woken)
    ready.set()
    sending = _Sending(store, woken)
    try:
        while not thread.is_closing:
            woken.clear()
            wait_s = sending.start_due()
            if wait_s is None:
                return
            try:
                await asyncio.wait_for(woken.wait(), wait_s)
            except TimeoutError:
                continue
    finally:
        await sending.close()


class _Sending:
    """The posts that are under way: a task for each webhook."""

    def __init__(self, store: weakref.ref[Store], woken: asyncio.Event) -> None:
        self._store = store
        self._woken = woken
        now = store()
        self._hosts = () if now is None else now.webhooks.hosts
        self._tasks: dict[int, asyncio.Task[None]] = {}

    def start_due(self) -> float | None:
        """Queue what happened, and start to post to each webhook with a due delivery.

        Returns:
            The seconds until the next one is due; None if the store is gone.
        """
        store = self._store()
        if store is None:
            return None
        has_more = collect(store)
        webhooks, next_ns = store.webhook_queue.due()
        for webhook in webhooks:
            if webhook not in self._tasks:
                self._tasks[webhook] = asyncio.create_task(
                    self._drain(webhook, store.webhook_queue.timeout_s)
                )
        if has_more:
            self._woken.set()
        next_ns = min(next_ns or NEVER_NS, store.upcoming.next_ns)
        has_unsent = store.webhook_queue.cursor[1] < store.ends()[1]
        longest_s = UNSENT_WAIT_S if has_unsent else MAX_WAIT_S
        return min(longest_s, max(0.0, (next_ns - store.clock.now_ns()) / 1e9))

    async def _drain(self, webhook: int, timeout_s: float) -> None:
        from mailframe.sandbox.webhooks.post import post  # noqa: PLC0415 - httpx

        try:
            while (due := self._take(webhook)) is not None:
                outcome = await post(*due, timeout_s=timeout_s, hosts=self._hosts)
                store = self._store()
                if store is not None:
                    store.webhook_queue.record(due[1].id, outcome)
                del store  # the store may go while the network is waited for
        finally:
            del self._tasks[webhook]
            self._woken.set()  # something may have become due in between

    def _take(self, number: int) -> tuple[Webhook, Delivery] | None:
        """A webhook and its next due delivery; None if there is none."""
        store = self._store()
        if store is None:
            return None
        with store.lock:  # a change of the webhook comes before both or after both
            webhook = store.webhooks.get(number)
            if webhook is None or not webhook.is_verified:
                store.webhook_queue.remove_of(number)
                return None
            delivery = store.webhook_queue.take(number)
        return None if delivery is None else (webhook, delivery)

    async def close(self) -> None:
        """End the posts under way."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
