"""The transport without a socket, in ``httpx.AsyncClient``."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from mailframe.sandbox import LocalPostmark
from tests.sandbox.sandbox_mail import HEADERS, mail
from tests.sandbox.test_sandbox_faults import EXPECTED, FIVE

LONG_S = 60.0


def async_client(sandbox, *, timeout_s=10.0):
    """An asynchronous client in process."""
    headers = HEADERS | {"X-Postmark-Server-Token": sandbox.token}
    return httpx.AsyncClient(
        transport=sandbox.transport(), base_url=sandbox.url, headers=headers, timeout=timeout_s
    )


def test_every_fault_is_the_same_for_an_asynchronous_client(sandbox):
    """And the next request is answered."""

    async def outcome(name, seen):
        waits = seen is httpx.ReadTimeout
        sandbox.fault(name, delay_s=LONG_S if waits else 0.0)
        async with async_client(sandbox, timeout_s=0.02 if waits else 10.0) as http:
            try:
                result = (await http.post("/email/batch", json=FIVE)).status_code
            except httpx.HTTPError as error:
                result = type(error)
            assert (await http.post("/email", json=mail())).status_code == 200
        return result

    async def outcomes():
        return {name: await outcome(name, seen) for name, (seen, _) in EXPECTED.items()}

    assert asyncio.run(outcomes()) == {name: seen for name, (seen, _) in EXPECTED.items()}
    taken = sum(count for _, count in EXPECTED.values())
    assert len(sandbox.messages()) == taken + len(EXPECTED)


def test_a_wait_of_one_request_does_not_stop_the_others():
    """The slow one ends when the sandbox is closed, with the answer it would have had."""

    async def both():
        with LocalPostmark(in_process=True) as sandbox:
            sandbox.fault("slow", delay_s=LONG_S)
            async with async_client(sandbox, timeout_s=None) as http:
                slow = asyncio.create_task(http.post("/email", json=mail()))
                while not len(sandbox.messages()):  # noqa: ASYNC110 - it has no event
                    await asyncio.sleep(0)
                quick = await http.post("/email", json=mail())
                was_waiting = not slow.done()
                sandbox.close()
                return quick.status_code, was_waiting, (await slow).status_code

    assert asyncio.run(both()) == (200, True, 200)


def test_a_request_can_be_cancelled_while_it_waits(sandbox):
    """The messages are accepted, as over a socket."""

    async def cancelled():
        sandbox.fault("hang_accepted", delay_s=LONG_S)
        async with async_client(sandbox, timeout_s=None) as http:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(http.post("/email", json=mail()), 0.02)

    asyncio.run(cancelled())
    sandbox.close()  # its thread need not wait any more
    assert len(sandbox.messages()) == 1


def test_an_asynchronous_client_gets_the_events_of_a_request_and_may_stream_its_body(sandbox):
    """Its trace function is asynchronous, too."""
    events = []

    async def trace(name, info):
        events.append(name)

    async def body():
        yield b"{"
        yield b"}"

    async def stream():
        async with async_client(sandbox) as http:
            return await http.post("/email", content=body(), extensions={"trace": trace})

    assert asyncio.run(stream()).json()["ErrorCode"] == 300
    assert events[-1] == "http11.send_request_body.complete"
    assert sandbox.requests()["bytes"].tolist() == [2]
