"""Digests: which of them are among others."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mailframe.message.digests import are_among

NUMBERS = st.lists(st.sampled_from([0, 1, 2, 2**63, 2**64 - 2, 2**64 - 1]) | st.integers(0, 9))


@given(NUMBERS, NUMBERS)
def test_it_is_among_as_numpy_says(numbers, others):
    """Repeated, missing and largest numbers, in any order."""
    these, those = np.array(numbers, dtype="u8"), np.array(others, dtype="u8")
    assert are_among(these, np.sort(those)).tolist() == np.isin(these, those).tolist()
