"""One row's way through a send: few rooms, and calls that follow the direction of the imports."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

import pandas as pd

import mailframe as mf
from tests.test_structure import DOORS, FACTS, ROOMS, room_of

PACKAGE = Path(mf.__file__).parent
CALLBACKS = {
    ("message", "send"),
    ("postmark", "send"),
    ("message", "results"),
    ("send", "campaign"),
}
"""The preflight check and a search ask the run whether the interrupt button was pressed.

A text column is made of texts that the results give piece by piece. The method ``send`` asks its
campaign what is sent.
"""


def test_a_row_goes_through_five_rooms_in_one_direction(tmp_path):
    """Each call goes to a room that the caller may import."""
    people = pd.DataFrame({"email": ["ann@example.com"], "name": ["Ann"]})
    with mf.Sandbox(in_process=True) as sandbox:
        campaign = people.mail.compose(
            sender="a@acme.example",
            to="{{ email }}",
            subject="Hi {{ name }}",
            text_body="Hello {{ name }}",
            name="walk",
        )
        rooms, calls = walked(lambda: send(campaign, sandbox.server, tmp_path / "ledger.sqlite3"))
    assert rooms == {"send", "results", "postmark", "message", "letter"}
    upward = {(caller, room) for caller, room in calls if room not in allowed(caller)}
    assert upward <= CALLBACKS


def send(campaign, server, ledger):
    """Send it and see that it was accepted."""
    results = campaign.send(server, progress=False, ledger=ledger)
    assert results["status"].tolist() == ["accepted"]


def allowed(caller: str) -> set[str]:
    """The rooms that a room may call."""
    return (ROOMS.keys() if caller in DOORS else ROOMS.get(caller, set())) | FACTS


def walked(work) -> tuple[set[str], set[tuple[str, str]]]:
    """The rooms that *work* calls in this thread, and the calls from one room into another."""
    thread, places, calls = threading.get_ident(), {}, set()

    def place(code) -> str | None:
        if code.co_filename not in places:
            path = Path(code.co_filename)
            places[code.co_filename] = room_of(path) if path.is_relative_to(PACKAGE) else None
        return places[code.co_filename]

    def profile(frame, event, _argument):
        if event != "call" or threading.get_ident() != thread or place(frame.f_code) is None:
            return
        caller = frame.f_back
        while caller is not None and place(caller.f_code) is None:
            caller = caller.f_back
        if caller is not None:
            calls.add((place(caller.f_code), place(frame.f_code)))

    sys.setprofile(profile)
    try:
        work()
    finally:
        sys.setprofile(None)
    calls = {
        (caller, room)
        for caller, room in calls
        if caller != room and "sandbox" not in (caller, room)
    }
    return {room for _, room in calls if room in ROOMS}, calls
