"""The packed messages of a ledger do what one row per message did: any calls against a model."""

from __future__ import annotations

import os
import shutil
import tempfile
import uuid
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from mailframe.errors import LedgerError
from mailframe.send.ledger import Ledger, maintenance
from mailframe.send.ledger.packs import MessageDigests
from mailframe.send.states import MessageState
from tests.send.ledger.digests import random_digests

PLANNED, SENDING, ACCEPTED, REJECTED, UNKNOWN = MessageState


@dataclass
class Message:
    """What is recorded of one message."""

    content: bytes
    address: bytes
    state: MessageState = PLANNED
    attempt: int | None = None
    message_id: str | None = None
    code: int | None = None
    resent: bool = False


def digests(keys: list[int], version: int) -> MessageDigests:
    """Messages with these keys; the content depends on the version, the recipient on the key."""
    rows = [random_digests(1, seed=key) for key in keys]
    whole = MessageDigests(
        *(
            np.concatenate([getattr(row, name) for row in rows])
            for name in ("keys", "contents", "addresses")
        )
    )
    whole.contents[:, 0] = version
    return whole


class Packed(RuleBasedStateMachine):
    """Two campaigns in one file, and a model of both."""

    @initialize()
    def begin(self):
        """An empty ledger."""
        self.folder = Path(tempfile.mkdtemp())
        self.ledger = Ledger(self.folder / "ledger.sqlite3")
        self.campaigns = [self.ledger.campaign("test", name) for name in ("one", "other")]
        self.model: list[dict[int, Message]] = [{}, {}]
        self.ids: dict[tuple[int, int], int] = {}
        self.attempts = []

    def teardown(self):
        """Leave nothing behind."""
        if hasattr(self, "folder"):
            self.ledger.close()
            shutil.rmtree(self.folder)

    def keys_in(self, which: int, state: MessageState) -> list[int]:
        """The keys of the messages of a campaign that are in a state."""
        return [key for key, one in self.model[which].items() if one.state is state]

    @rule(
        which=st.integers(0, 1),
        keys=st.lists(st.integers(0, 12), unique=True, min_size=1),
        version=st.integers(1, 3),
    )
    def plan(self, which, keys, version):
        """New messages are added, planned ones take the new content, others keep theirs."""
        new = digests(keys, version)
        ids = self.ledger.plan(self.campaigns[which], new)
        for line, (key, row) in enumerate(zip(keys, ids.tolist(), strict=True)):
            assert self.ids.setdefault((which, key), row) == row
            one = self.model[which].get(key)
            content, address = new.contents[line].tobytes(), new.addresses[line].tobytes()
            if one is None:
                self.model[which][key] = Message(content, address)
            elif one.state is PLANNED:
                one.content, one.address = content, address

    @rule(data=st.data(), which=st.integers(0, 1))
    def claim(self, data, which):
        """Planned messages in any order; with any other message among them nothing is claimed."""
        keys = data.draw(st.lists(st.sampled_from([*self.model[which], None]), unique=True))
        ids = [self.ids.get((which, key), 5) for key in keys]
        planned = self.keys_in(which, PLANNED)
        if not set(keys) <= set(planned):
            with pytest.raises(LedgerError, match="claimed by another sender"):
                self.ledger.claim(self.campaigns[which], ids, number=1, streams=["s"])
            return
        attempt = self.ledger.claim(self.campaigns[which], ids, number=1, streams=["s"])
        self.attempts.append((which, attempt))
        for key in keys:
            self.model[which][key].state = SENDING
            self.model[which][key].attempt = attempt.id

    def of_attempt(self, which, attempt):
        """The messages whose request is this one."""
        return {key: one for key, one in self.model[which].items() if one.attempt == attempt.id}

    @rule(data=st.data(), nth=st.integers(0, 5))
    def record_outcomes(self, data, nth):
        """Each message of a request takes its outcome, in any state; others do not."""
        if not self.attempts:
            return
        which, attempt = self.attempts[-1 - nth % len(self.attempts)]
        lines = []
        for key, row in [(key, row) for (one, key), row in self.ids.items() if one == which]:
            kind = data.draw(st.sampled_from(["id", "odd", "code", "none", "left out"]))
            message_id = {"id": str(uuid.uuid4()), "odd": f"ID {key}"}.get(kind)
            code = {"code": 406, "id": 0, "odd": 0}.get(kind)
            state = ACCEPTED if message_id else REJECTED
            if kind != "left out":
                lines.append((row, state, message_id, code))
            if kind != "left out" and key in self.of_attempt(which, attempt):
                one = self.model[which][key]
                one.state, one.message_id = state, message_id
                one.code = code if state is REJECTED else None
        self.ledger.record_outcomes(attempt, lines)

    @rule(nth=st.integers(0, 5), unknown=st.booleans())
    def record_without_outcomes(self, nth, unknown):
        """Only what is sending becomes planned or unknown."""
        if not self.attempts:
            return
        which, attempt = self.attempts[-1 - nth % len(self.attempts)]
        record = self.ledger.record_unknown if unknown else self.ledger.record_unsent
        record(attempt, "a test")
        for one in self.of_attempt(which, attempt).values():
            if one.state is SENDING:
                one.state = UNKNOWN if unknown else PLANNED

    @rule(which=st.integers(0, 1))
    def recover(self, which):
        """Everything that is sending becomes unknown, in this campaign alone."""
        sending = self.keys_in(which, SENDING)
        assert self.ledger.recover(self.campaigns[which]) == len(sending)
        for key in sending:
            self.model[which][key].state = UNKNOWN

    @rule(data=st.data(), nth=st.integers(0, 5))
    def record_found(self, data, nth):
        """Unknown messages of a request that a search shows; others stay."""
        if not self.attempts:
            return
        which, attempt = self.attempts[-1 - nth % len(self.attempts)]
        unknown = [k for k, one in self.of_attempt(which, attempt).items() if one.state is UNKNOWN]
        listed = self.ledger.unknown_messages(attempt)
        assert listed == {digests([k], 1).keys.tobytes(): self.ids[which, k] for k in unknown}
        keys = list(self.model[which]) or [0]
        shown = [
            key for key in data.draw(st.sets(st.sampled_from(keys))) if key in self.model[which]
        ]
        found = {self.ids[which, key]: str(uuid.uuid4()) for key in shown}
        self.ledger.record_found(attempt, found)
        for key in set(shown) & set(unknown):
            one = self.model[which][key]
            one.state, one.message_id = ACCEPTED, found[self.ids[which, key]]
            one.code = None

    @rule(nth=st.integers(0, 5), state=st.sampled_from([PLANNED, ACCEPTED]))
    def resolve(self, nth, state):
        """The unknown messages of a request are decided about."""
        if not self.attempts:
            return
        which, attempt = self.attempts[-1 - nth % len(self.attempts)]
        unknown = [one for one in self.of_attempt(which, attempt).values() if one.state is UNKNOWN]
        campaign = self.campaigns[which]
        options = {"reason": "a test"}
        assert maintenance.record_resolved(self.ledger, campaign, attempt, state, **options) == len(
            unknown
        )
        for one in unknown:
            one.state = state

    @rule(
        data=st.data(),
        which=st.integers(0, 1),
        state=st.sampled_from([ACCEPTED, REJECTED]),
        what=st.sampled_from(["resend", "tried again"]),
    )
    def replan(self, data, which, state, what):
        """Answered messages become eligible again, those in that state alone."""
        if not self.model[which]:
            return
        keys = data.draw(
            st.lists(st.sampled_from(list(self.model[which])), unique=True, min_size=1)
        )
        contents = digests(keys, 9).contents
        ids = np.array([self.ids[which, key] for key in keys], dtype="i8")
        self.ledger.replan(ids, contents, state, campaign=self.campaigns[which], what=what)
        for key, content in zip(keys, contents, strict=True):
            one = self.model[which][key]
            if one.state is state:
                one.state, one.content = PLANNED, content.tobytes()
                one.message_id = one.code = None
                one.resent |= what == "resend"

    @rule(key=st.integers(0, 12))
    def forget(self, key):
        """A recipient's digest and MessageIDs go, in every campaign."""
        [address] = digests([key], 1).addresses
        ids = [
            part.ids[(part.addresses == address).all(axis=1)]
            for campaign in self.campaigns
            for part in self.ledger.messages.packs_of(campaign.id)
        ]
        with self.ledger.db.transaction():
            self.ledger.messages.erase(np.concatenate([np.zeros(0, "i8"), *ids]))
        for model in self.model:
            one = model.get(key)
            if one is not None and one.address.strip(b"\0"):
                one.address, one.message_id = bytes(12), None

    @rule()
    def open_again(self):
        """Another process reads the same."""
        self.ledger.close()
        self.ledger = Ledger(self.folder / "ledger.sqlite3")

    @invariant()
    def the_file_says_what_the_model_says(self):
        """Every column of every message."""
        for which, model in enumerate(getattr(self, "model", [])):
            recorded = self.ledger.recorded_messages(self.campaigns[which])
            place = {row: line for line, row in enumerate(recorded.ids.tolist())}
            assert len(recorded) == len(model)
            texts = recorded.message_id_texts(np.arange(len(recorded)))
            for key, one in model.items():
                line = place[self.ids[which, key]]
                assert recorded.keys[line].tobytes() == digests([key], 1).keys.tobytes()
                assert recorded.contents[line].tobytes() == one.content
                assert recorded.addresses[line].tobytes() == one.address
                assert recorded.states[line] == one.state
                assert texts[line] == one.message_id
                assert recorded.code(line) == one.code
                assert recorded.is_resent[line] == one.resent


Packed.TestCase.settings = settings(
    max_examples=int(os.environ.get("MAILFRAME_TEST_EXAMPLES", "20")),
    stateful_step_count=20,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


class TestPacked(Packed.TestCase):
    """The machine, as pytest finds it."""
