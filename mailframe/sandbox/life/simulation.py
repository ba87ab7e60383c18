"""Gives messages a life: now, later by the sandbox's clock, and as new ones are accepted."""

from __future__ import annotations

import json
import time
from collections import Counter
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

from mailframe.sandbox.life.aftermath import Aftermath
from mailframe.sandbox.life.fate import Fate, decide, identity, steps
from mailframe.sandbox.life.rule import Rule
from mailframe.sandbox.state.bounce_types import SPAM_COMPLAINT
from mailframe.sandbox.state.events.events import Event, EventKind, event_of
from mailframe.sandbox.state.events.outcomes import MANUAL
from mailframe.sandbox.state.messages.body_links import html_links, text_links
from mailframe.sandbox.state.messages.stored_message import PLACEHOLDER
from mailframe.sandbox.state.messages.sums import tracked_links

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from mailframe.sandbox.state.messages.acceptance import Acceptance
    from mailframe.sandbox.state.messages.stored_message import StoredMessage
    from mailframe.sandbox.state.store import Store

    Counts = dict[str, int]
    """How many events of each kind happened."""

_PAUSE_S: Final = 0.001
"""Between portions: without a pause, a thread that waits for the lock would not get it."""
_PORTION: Final = 100
"""Messages, if their packs are smaller than that."""
_PLAIN: Final = frozenset({"Open", "Click"})
"""The kinds that change nothing else, so they are stored many at once."""
_NEED_HEADS: Final = frozenset({"Bounce", "SpamComplaint"})


def never() -> bool:
    """Nothing ends it before its end."""
    return False


@dataclass(slots=True)
class _Life:
    """One recipient of one message, with what was decided."""

    message: StoredMessage
    address: str
    fate: Fate


class Simulation:
    """The lives of the messages of a store.

    Args:
        store: the state of the sandbox.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    @property
    def _rules(self) -> tuple[Rule, ...]:
        """The rules for messages to come, the newest first."""
        return _rules(self._store.lives.rules)

    def simulate(
        self, rule: Rule, *, upcoming: bool = False, is_over: Callable[[], bool] = never
    ) -> Aftermath:
        """Give a life to each message so far that has none and fits the rule.

        Other requests go on between portions, but the next simulation waits for this one.

        Args:
            rule: the rates, the times and the filters.
            upcoming: whether the rule also holds for messages that are accepted later.
            is_over: whether to end before the next portion, because the sandbox is closed.
        """
        store, result = self._store, Aftermath()
        position: int | None = 0
        with store.lives.turn:
            with store.database.transaction():
                until = store.unpaused_until()
                if upcoming:
                    store.lives.add_rule(json.dumps(rule.as_item()))
            while position is not None:
                with store.lock:
                    # A reset of the sandbox ends it, too.
                    if is_over() or store.messages.next_position < until:
                        break
                    position = self._give_portion(rule, position, until, result)
                time.sleep(_PAUSE_S)
        return result

    def _give_portion(self, rule: Rule, after: int, until: int, result: Aftermath) -> int | None:
        """Give lives to the next messages *after* a position; returns the last, None at the end."""
        position = after
        with self._store.database.transaction():
            while position < after + _PORTION:
                pack = self._store.messages.next_pack(position)
                if not pack or pack[0].position >= until:
                    return None
                self._give_lives(rule, [one for one in pack if one.position < until], result)
                position = pack[-1].position
        return position

    def accept(
        self, server: int, accepted: Sequence[Acceptance], *, accepted_ns: int, request: int
    ) -> None:
        """Keep messages, and give them lives by the rules.

        The newest rule says how long they wait. The newest rule that fits a message, or one of its
        recipients, decides.
        """
        store, rules = self._store, self._rules
        queued_ns = rules[0].queued_ns if rules else 0
        with store.database.transaction():
            position = store.messages.next_position - 1
            store.accept(
                server, accepted, accepted_ns=accepted_ns, request=request, queued_ns=queued_ns
            )
            while rules and (pack := store.messages.next_pack(position)):
                for rule in rules:
                    self._give_lives(rule, pack, Aftermath())
                position = pack[-1].position

    def catch_up(self, *, is_whole: bool = False, is_over: Callable[[], bool] = never) -> Counts:
        """Let everything happen that is due, before events are read.

        Args:
            is_whole: whether to wait for another thread that does it. Without, that thread goes on
                while this one reads; with it, do not call it with the lock of the store.
            is_over: whether to end, because the sandbox is closed.

        Returns:
            How many events of each kind happened.
        """
        store = self._store
        if store.upcoming.next_ns > store.clock.now_ns() and not is_whole:
            return {}
        if not store.upcoming.turn.acquire(blocking=is_whole):
            return {}
        try:
            return self._all_due(is_over, pause_s=_PAUSE_S if is_whole else 0.0)
        finally:
            store.upcoming.turn.release()

    def _all_due(self, is_over: Callable[[], bool], *, pause_s: float = _PAUSE_S) -> Counts:
        counts, now_ns = Counter[str](), self._store.clock.now_ns()
        while rows := self._take_due(now_ns, is_over):
            counts.update(row[0] for row in rows)
            if pause_s:
                time.sleep(pause_s)
        return dict(sorted(counts.items()))

    def _take_due(self, now_ns: int, is_over: Callable[[], bool]) -> list[tuple[Any, ...]]:
        """Let the next events happen that are due, in one transaction."""
        store = self._store
        with store.lock:
            return [] if is_over() else self._taken(now_ns)

    def _taken(self, now_ns: int) -> list[tuple[Any, ...]]:
        store = self._store
        with store.database.transaction():
            rows = store.upcoming.take_due(now_ns)
            needed = {row[3] for row in rows if row[0] in _NEED_HEADS}
            heads = {one.position: one.head for one in store.messages.at(sorted(needed))}
            self._happen(rows, heads)
            return rows

    def advance(self, by_ns: int, *, is_over: Callable[[], bool] = never) -> Counts:
        """Move the clock forward, and let everything happen that is then due.

        Other requests go on meanwhile, and see the events that have happened.

        Args:
            by_ns: how far, in nanoseconds.
            is_over: whether to end, because the sandbox is closed.
        """
        store = self._store
        with store.upcoming.turn:
            with store.database.transaction():
                store.advance_clock(by_ns)
            return self._all_due(is_over)

    # --- one pack ----------------------------------------------------------------------------

    def _give_lives(self, rule: Rule, pack: Sequence[StoredMessage], result: Aftermath) -> None:
        store = self._store
        first = store.messages.pack_of(pack[0].position)
        done = store.lives.done(first)
        bounced = store.deliveries.bounced_between(pack[0].position, pack[-1].position)
        candidates: list[tuple[StoredMessage, str]] = []
        for message in pack:
            bit = 1 << (message.position - first)
            if done & bit or not rule.fits(message):
                continue
            addresses = [one for one in _recipients(message) if rule.fits_address(one.lower())]
            skipped = bounced.get(message.position, ())  # such as bounce-testing addresses
            rest = [(message, one) for one in addresses if one.lower() not in skipped]
            if addresses:
                done |= bit
                result.messages += bool(rest)
                candidates += rest
        if candidates:
            self._decide(rule, candidates, first, result)
        store.lives.set_done(first, done)

    def _decide(
        self,
        rule: Rule,
        candidates: Sequence[tuple[StoredMessage, str]],
        first: int,
        result: Aftermath,
    ) -> None:
        identities = [
            identity(
                address.lower(),
                message.stream,
                message.head.get("Tag") or "",
                message.head.get("Subject") or "",
            )
            for message, address in candidates
        ]
        repeats = self._store.lives.repeats(identities)
        fates = (
            decide(rule, one, repeat=repeat)
            for one, repeat in zip(identities, repeats, strict=True)
        )
        lives = [
            _Life(message, address, fate)
            for (message, address), fate in zip(candidates, fates, strict=True)
            if fate
        ]
        result.recipients += len(candidates)
        bounces = sum(bool(life.fate.bounce) for life in lives)
        result.bounced += bounces
        result.delivered += len(candidates) - bounces
        if lives:
            self._live(rule, lives, first, result)

    def _live(self, rule: Rule, lives: list[_Life], first: int, result: Aftermath) -> None:
        needs_content = rule.tracked or any(
            life.fate.clicks or life.fate.unsubscribes for life in lives
        )
        if needs_content:
            whole = {
                message.position: message
                for message in self._store.messages.of_pack(first, with_content=True)
            }
            for life in lives:
                life.message = whole[life.message.position]
        events = [event for life in lives for event in self._events(rule, life, result)]
        events.sort(key=lambda event: event.at_ns)
        now_ns = self._store.clock.now_ns()
        later = [event for event in events if event.at_ns > now_ns]
        if later:
            result.later += len(later)
            self._store.upcoming.add_many(later)
        heads = {life.message.position: life.message.head for life in lives}
        due = (event for event in events if event.at_ns <= now_ns)
        self._happen(map(self._store.events.as_row, due), heads)

    def _events(self, rule: Rule, life: _Life, result: Aftermath) -> Iterable[Event]:
        message, fate = life.message, life.fate
        links = _links(message, tracked=rule.tracked) if fate.clicks else []
        can_open = not rule.tracked or _tracks_opens(message)
        can_unsubscribe = fate.unsubscribes and self._has_unsubscribe_link(message)
        _count(result, rule, life, has_link=bool(links), can_open=can_open)
        result.unsubscribed += can_unsubscribe
        result.without_unsubscribe += fate.unsubscribes and not can_unsubscribe
        now_ns = self._store.clock.now_ns()
        start_ns = message.sent_ns if rule.over_ns else max(now_ns, message.sent_ns)
        fate = replace(fate, unsubscribes=can_unsubscribe)
        for step in steps(fate, over_ns=rule.over_ns, links=links, can_open=can_open):
            yield Event(
                step.kind,
                message.server,
                message.stream,
                life.address,
                start_ns + step.after_ns,
                message.position,
                message.message_id,
                message.head.get("Tag") or "",
                step.reader,
                step.details,
                step.is_first,
            )

    def _has_unsubscribe_link(self, message: StoredMessage) -> bool:
        bodies = (message.content.get(name) or "" for name in ("HtmlBody", "TextBody"))
        return self._store.unsubscribe_links.handled(message) or any(
            PLACEHOLDER.search(body) for body in bodies
        )

    def _happen(self, rows: Iterable[tuple[Any, ...]], heads: dict[int, dict[str, Any]]) -> None:
        """Record events in their order, with everything that they change.

        Args:
            rows: the events as ``EventTable.as_row``.
            heads: the heads of the messages that bounce or are complained about, by position.
        """
        store = self._store
        for is_plain, run in groupby(rows, key=lambda row: row[0] in _PLAIN):
            if is_plain:
                store.events.add_rows(run)
                continue
            for event in map(event_of, run):
                if event.kind == EventKind.SUBSCRIPTION_CHANGE:
                    self._unsubscribe(event)
                elif event.position in heads:  # the message may have been removed since
                    kind = event.details.get("Type", SPAM_COMPLAINT)
                    store.outcomes.bounce(event, heads[event.position], kind=kind)

    def _unsubscribe(self, event: Event) -> None:
        self._store.outcomes.suppress(
            event.server,
            event.stream,
            event.recipient,
            reason=MANUAL,
            origin="Recipient",
            cause=event,
        )


@lru_cache(maxsize=1)
def _rules(rules: tuple[str, ...]) -> tuple[Rule, ...]:
    return tuple(Rule.from_item(json.loads(rule)) for rule in rules)


def _recipients(message: StoredMessage) -> list[str]:
    """The addresses of the recipients that were active."""
    inactive = message.inactive
    return [one.address for one in message.recipients if one.address.lower() not in inactive]


def _links(message: StoredMessage, *, tracked: bool) -> list[tuple[str, str]]:
    """Part and address of each link to click; a mail program shows the HTML part if it has one."""
    if tracked:
        return tracked_links(message)
    html_body, text_body = (message.content.get(name) or "" for name in ("HtmlBody", "TextBody"))
    links = [("HTML", link) for link in html_links(html_body)]
    return links or [("Text", link) for link in text_links(text_body)]


def _tracks_opens(message: StoredMessage) -> bool:
    return bool(message.head.get("TrackOpens") and message.content.get("HtmlBody"))


def _count(result: Aftermath, rule: Rule, life: _Life, *, has_link: bool, can_open: bool) -> None:
    fate, head = life.fate, life.message.head
    opens, clicks = fate.opens and can_open, fate.clicks and has_link
    result.opened += opens
    result.clicked += clicks
    result.without_link += fate.clicks and not has_link
    result.complained += fate.complains
    is_untracked = (opens and not head.get("TrackOpens")) or (
        clicks and (head.get("TrackLinks") or "None") == "None"
    )
    result.untracked += is_untracked and not rule.tracked
