"""Parts of long tests: each run of pytest takes some, the next run others."""

from __future__ import annotations

import os
import random


def some_of(parts: int, *, count: int) -> list[int]:
    """As many of the numbers below *parts*, the same ones in every worker of pytest-xdist."""
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID")
    return sorted(random.Random(run).sample(range(parts), count))
