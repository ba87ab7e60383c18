"""Fixtures: sandboxes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mailframe.sandbox import LocalPostmark

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def sandbox() -> Iterator[LocalPostmark]:
    """A sandbox without a socket."""
    with LocalPostmark(in_process=True) as sandbox:
        yield sandbox


@pytest.fixture
def listening() -> Iterator[LocalPostmark]:
    """A sandbox on a real socket."""
    with LocalPostmark() as sandbox:
        yield sandbox


@pytest.fixture(params=["socket", "in process"])
def either(request: pytest.FixtureRequest) -> Iterator[LocalPostmark]:
    """A sandbox with a socket, and one in process."""
    with LocalPostmark(in_process=request.param != "socket") as sandbox:
        yield sandbox
