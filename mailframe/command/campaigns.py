"""The campaign of a command, from its letter and its people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailframe.command.people import read_people
from mailframe.composing import compose
from mailframe.letter.letter import Letter

if TYPE_CHECKING:
    import argparse

    from mailframe.campaign import Campaign
    from mailframe.command.output import Output


def campaign_of(chosen: argparse.Namespace, output: Output) -> Campaign:
    """The campaign; its facts are added to the output.

    Raises:
        MailframeError: the letter, the people or the key cannot be used.
    """
    letter = Letter.load(chosen.letter, shared=chosen.shared)
    people = read_people(chosen)
    campaign = compose(
        people,
        letter,
        name=chosen.name,
        key=chosen.key,
        consent=chosen.consent,
        holdout=chosen.holdout,
        seed=chosen.seed,
    )
    output.facts |= {"campaign": campaign.name, "rows": len(campaign.frame)}
    return campaign
