"""A composed campaign keeps its preflight checks and its tour, and fills each in one place."""

from __future__ import annotations

import pandas as pd
import pytest

import mailframe as mf
from mailframe.review import chosen_rows
from tests.campaigns import LETTER, campaign, people

BRANCHES = {"text_body": "{% if n %}Again{% else %}First{% endif %}"}


def test_a_preflight_check_runs_once():
    """Problems, the plan, the fingerprint and the batches share it."""
    composed = campaign(3)._composed
    assert composed.kept_preflight is None
    positions: list[int] = []
    preflight = composed.preflight(watch=positions.append)
    assert composed.preflight(watch=positions.append) is preflight
    assert composed.kept_preflight is preflight
    assert positions == [0, 1, 2]


def test_a_live_server_has_a_check_of_its_own():
    """It is stricter, and the check for every server is not changed by it."""
    composed = campaign(1)._composed
    live = composed.preflight(live=True)
    assert [problem.code for problem in live.errors] == [mf.Code.DOCUMENTATION_DOMAIN]
    assert composed.kept_preflight is None
    assert not composed.preflight().errors
    assert composed.preflight(live=True) is live


@pytest.mark.parametrize("live", [False, True])
def test_a_check_that_runs_again_discards_both(live):
    """A file or a cell that changed may concern both."""
    composed = campaign(1)._composed
    before = {kind: composed.preflight(live=kind) for kind in (False, True)}
    again = composed.preflight(live=live, again=True)
    assert again is composed.preflight(live=live)
    assert all(composed.preflight(live=kind) is not before[kind] for kind in before)


def test_a_check_that_is_stopped_keeps_nothing():
    """Neither its own result nor the one that it should replace."""
    composed = campaign(2)._composed
    composed.preflight()

    def stop(position: int) -> None:
        raise KeyboardInterrupt(position)

    with pytest.raises(KeyboardInterrupt):
        composed.preflight(again=True, watch=stop)
    assert composed.kept_preflight is None


def test_a_full_tour_is_shared():
    """``tour()`` and the quick tour of a preview are the same object."""
    made = campaign(3, **BRANCHES)
    quick = chosen_rows.quick_tour(made._composed)
    assert quick is made.tour(progress=False) is chosen_rows.quick_tour(made._composed)


def test_a_sampled_tour_is_not_kept():
    """A preview of a large frame makes a quick one, and ``tour()`` replaces it by the full one."""
    made = campaign(chosen_rows.WHOLE_ROWS + 1, **BRANCHES)
    assert chosen_rows.quick_tour(made._composed).sampled
    assert made._composed.kept_tour(mf.Tour) is None
    tour = made.tour(progress=False)
    assert not tour.sampled
    assert chosen_rows.quick_tour(made._composed) is tour


def test_a_copied_campaign_checks_again():
    """It is composed from the frame, the letter, the name and the key."""
    first = people(2).mail.compose(LETTER, name="numbers")
    first.problems()
    second = first.pipe(lambda made: mf.Campaign(made.frame, made.letter, made.name, made.key))
    assert second._composed.kept_preflight is None
    pd.testing.assert_frame_equal(second.problems(), first.problems())
