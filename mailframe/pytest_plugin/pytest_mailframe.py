"""The pytest plugin of mailframe: the fixture ``postmark_sandbox``.

pytest imports this module at the start of each run, also for people who do not use the fixture.
So it stands outside of the package, whose import loads pandas, and imports only pytest itself.
``-p no:mailframe`` turns it off.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mailframe import Sandbox

MARKER = "postmark_sandbox"


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker."""
    config.addinivalue_line(
        "markers", f"{MARKER}(**options): the arguments of mf.Sandbox for postmark_sandbox"
    )


@pytest.fixture(scope="session")
def _mailframe_sandbox() -> Iterator[Sandbox]:
    """The sandbox of the process; a reset is fifty times as fast as a new one."""
    from mailframe import Sandbox

    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def postmark_sandbox(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    """A local Postmark on a real socket, in its initial state for each test.

    Point the client at ``postmark_sandbox.url`` with ``postmark_sandbox.token``; what arrived is
    in ``postmark_sandbox.messages()``. The URL stays the same during a run; each process of
    pytest-xdist has its own. ``@pytest.mark.postmark_sandbox(senders=["acme.example"])`` gives
    one test a sandbox of its own with other options.
    """
    from mailframe import Sandbox

    marker = request.node.get_closest_marker(MARKER)
    if marker is not None:
        with Sandbox(*marker.args, **marker.kwargs) as sandbox:
            yield sandbox
        return
    sandbox = request.getfixturevalue("_mailframe_sandbox")
    sandbox.listen(None)
    sandbox.reset()
    yield sandbox.start()
