"""Test mails: some rows' messages to one's own address, marked, one after the other, outside every ledger.

Only ``To``, ``Cc``, ``Bcc``, ``Subject`` and ``Metadata`` differ from what the row would get. Nothing is ever
repeated here: whoever wants another test mail runs the cell again.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from queue import Empty, SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING, Any, Final

import orjson

from mailframe import errors, limits
from mailframe.limits import utf16_units
from mailframe.message.address_errors import AddressError, AddressFault
from mailframe.message.addresses import is_documentation_domain, read_mailbox
from mailframe.message.models import Message
from mailframe.message.pipeline import prepare
from mailframe.postmark.error_codes import CONCERNS_CONTENT, error_meaning
from mailframe.postmark.message_ids import TakenIds
from mailframe.postmark.responses import Answer, Outcome, Verdict, without_repeats
from mailframe.problems import Code, Severity
from mailframe.results.frame import RowResults, Status, results_frame
from mailframe.results.summary import with_summary_line
from mailframe.send.dispatcher import check_server
from mailframe.send.interrupts import Interrupts

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from mailframe.message.composed import Composed
    from mailframe.postmark.client import Postmark

MAX_TEST_MAILS: Final = 50
"""Test mails of one call. Our own rule: each is a request of its own, and more are a campaign to oneself."""
TEST_KEY: Final = "mf-test"
"""Metadata of each test mail; never one of the ledger's keys, so that no search takes it for the campaign's."""

_GIVEN_UP: Final = Answer(Verdict.UNKNOWN, reason="interrupted before the answer came")
_LOOK_S: Final = 0.2
"""How often the button is looked at while an answer is awaited."""
_FAILURES: Final[Mapping[Verdict, type[errors.SendError]]] = {
    Verdict.BUSY: errors.ServerBusy,
    Verdict.UNSENT: errors.ServerUnreachable,
    Verdict.REFUSED: errors.RequestRefused,
}
_FAULTS: Final[Mapping[AddressFault, str]] = {
    AddressFault.EMPTY: "it is empty",
    AddressFault.SEVERAL: "it holds several addresses, and all test mails go to one",
    AddressFault.SURROUNDING_SPACE: "there is white space around the address",
    AddressFault.CONTROL_CHARACTER: "it holds a control character, such as a line end",
}


def send_test(
    run: Composed, server: Postmark, *, to: str, positions: Iterable[int]
) -> pd.DataFrame:
    """Post the messages of the rows at *positions* to *to* alone; see ``Campaign.send_test``."""
    check_server(server, verb="send_test")
    address = _own_address(to, live=server.is_live, mixed=run.bound.letter.allow_idn_mixed)
    chosen = _chosen(positions, len(run.frame))
    with Interrupts() as interrupts:
        trial = _Trial(run, server, address, chosen, interrupts)
        with suppress(KeyboardInterrupt):  # the third press; what is known is told all the same
            trial.post_all()
        results = with_summary_line(
            results_frame(run.frame.iloc[list(chosen)], trial.rows()), test_to=trial.to
        )
    if trial.failure is not None:
        kind, said, cause = trial.failure
        raise kind(said, results=results) from cause
    return results


@dataclass(slots=True)
class _Trial:
    """The test mails of one call: what is held back, what was answered, and why it ended."""

    run: Composed
    server: Postmark
    to: str
    chosen: tuple[int, ...]
    interrupts: Interrupts
    ending: str = "interrupted"
    failure: tuple[type[errors.SendError], str, BaseException | None] | None = None
    held: dict[int, str] = field(default_factory=dict)
    answers: dict[int, Answer] = field(default_factory=dict)
    taken: TakenIds = field(default_factory=TakenIds)

    def post_all(self) -> None:
        """One request after the other, until the last one or a reason to stop."""
        for place, position in enumerate(self.chosen):
            if self.interrupts.stop:
                return
            try:
                made = self._message(position)
            except Exception as error:  # noqa: BLE001 - the results so far must not be lost with it
                said = f"the message of {self.run.names.of(position)} could not be made: {type(error).__name__}: {error}"
                self._fail(errors.SendError, said, error)
                return
            if not isinstance(made, Message):
                self.held[place] = made
                continue
            self.answers[place] = _GIVEN_UP  # it stays so if nobody waits for the answer any more
            self.answers[place] = without_repeats(self._post(made), self.taken)
            if not self._goes_on(position, self.answers[place]):
                return

    def rows(self) -> RowResults:
        """What became of each chosen row."""
        rows = RowResults(len(self.chosen))
        for place in range(len(self.chosen)):
            if place in self.held:
                rows.settle(place, Status.INVALID, reason=self.held[place])
            elif place in self.answers:
                self._settle(rows, place, self.answers[place])
            else:
                rows.settle(place, Status.UNSENT, reason=self.ending)
        return rows

    def _settle(self, rows: RowResults, place: int, answer: Answer) -> None:
        outcome = _outcome(answer)
        if outcome is not None and outcome.accepted:
            rows.settle(place, Status.ACCEPTED, outcome=outcome, to=self.to)
        elif outcome is not None:
            rows.settle(
                place,
                Status.REJECTED,
                reason=error_meaning(outcome.error_code),
                outcome=outcome,
                to=self.to,
            )
        elif answer.verdict is Verdict.UNKNOWN:
            rows.settle(place, Status.UNKNOWN, reason=answer.reason, to=self.to)
        else:
            rows.settle(place, Status.UNSENT, reason=self.ending)

    def _message(self, position: int) -> Message | str:
        """The test mail of a row, or the codes that hold the row back."""
        prepared = next(iter(prepare(self.run.bound, position, position + 1)))
        if prepared.message is None:
            found = [
                problem.code.value
                for problem in prepared.problems
                if problem.severity is Severity.ERROR
            ]
            return ", ".join(dict.fromkeys(found))
        fields = _marked(
            prepared.fields, to=self.to, row=self.run.names.of(position), name=self.run.name
        )
        body = orjson.dumps(fields)
        too_large = len(body) > limits.MAX_MESSAGE_BYTES
        return Code.MESSAGE_TOO_LARGE.value if too_large else Message(position, self.to, body)

    def _post(self, message: Message) -> Answer:
        """The answer; in a thread of its own, so that the button is heard while a server is silent."""
        answers: SimpleQueue[Answer] = SimpleQueue()
        name = f"mailframe-test-{message.position}"
        thread = Thread(target=self._ask, args=(message, answers), name=name, daemon=True)
        try:
            thread.start()
        except RuntimeError as error:  # the system is out of threads; nothing left
            return Answer(Verdict.UNSENT, reason=f"no thread could be started ({error})")
        while True:
            try:
                return answers.get(timeout=_LOOK_S)
            except Empty:
                if self.interrupts.stop:
                    return _GIVEN_UP

    def _ask(self, message: Message, answers: SimpleQueue[Answer]) -> None:
        try:
            answer = self.server.send_email(message)
        except BaseException as error:  # noqa: BLE001 - without an answer nobody knows, whatever it was
            answer = Answer(Verdict.UNKNOWN, reason=type(error).__name__)
        answers.put(answer)

    def _goes_on(self, position: int, answer: Answer) -> bool:
        """Whether the next one may follow; else why not is noted."""
        outcome = _outcome(answer)
        if self.interrupts.stop or answer.interrupted:
            return False
        if answer.verdict is Verdict.UNKNOWN:
            self.ending = f"stopped: {self.run.names.of(position)} is unknown"
        elif outcome is None:
            refused = answer.http_status == HTTPStatus.UNAUTHORIZED
            kind = errors.TokenRefused if refused else _FAILURES[answer.verdict]
            self._fail(
                kind,
                f"the test mail of {self.run.names.of(position)} was not taken: {answer.reason}",
            )
        elif answer.verdict is not Verdict.TOO_LARGE and self._would_meet_the_next(outcome):
            said = f"the test mail of {self.run.names.of(position)} was rejected, and the next would be too: "
            self._fail(errors.EveryoneRejected, f"{said}{outcome.error_code} {outcome.message}")
        else:
            return True
        return False

    def _would_meet_the_next(self, outcome: Outcome) -> bool:
        taken = any(other.accepted for answer in self.answers.values() for other in answer.outcomes)
        return not taken and outcome.error_code not in CONCERNS_CONTENT  # an inactive ``to`` would

    def _fail(
        self, kind: type[errors.SendError], said: str, cause: BaseException | None = None
    ) -> None:
        self.failure = (kind, said, cause)
        self.ending = f"stopped: {said}"


def _outcome(answer: Answer) -> Outcome | None:
    """What Postmark said of the one message; a 413 says it too."""
    if answer.verdict is Verdict.TOO_LARGE:
        return Outcome(None, answer.reason)
    return answer.outcomes[0] if answer.outcomes else None


# --- what a test mail looks like -------------------------------------------------------------------------


def _marked(fields: Mapping[str, Any], *, to: str, row: str, name: str | None) -> dict[str, Any]:
    """A row's payload with nobody but *to* in it, and a mark in its subject and its metadata."""
    subject = " ".join(filter(None, (f"[Test {row}]", fields.get("Subject"))))
    mark = f"{row} of {name}" if name else row
    metadata = {**fields.get("Metadata", {}), TEST_KEY: _cut(mark, limits.MAX_METADATA_VALUE_UNITS)}
    made = {"From": fields["From"], "To": to, **fields, "Metadata": metadata}
    made |= {field: to for field in ("To", "Cc", "Bcc") if field in made}
    made["Subject"] = _cut(subject, limits.MAX_SUBJECT_UNITS)
    return made


def _cut(text: str, most_units: int) -> str:
    """The beginning of *text* in at most so many UTF-16 units, never half an emoji."""
    if utf16_units(text) <= most_units:
        return text
    return text.encode("utf-16-le")[: 2 * (most_units - 1)].decode("utf-16-le", "ignore") + "…"


# --- what a person said ----------------------------------------------------------------------------------


def _own_address(to: object, *, live: bool, mixed: bool) -> str:
    """The one mailbox that all test mails go to, written again by us.

    Raises:
        MailframeError: *to* is not exactly one mailbox; or nobody reads mail there, and the server is live.
    """
    if not isinstance(to, str):
        raise errors.MailframeError(
            f"to is a {type(to).__name__}; give one address of your own: to='me@example.com'"
        )
    if any(mark in to for mark in ("{{", "{%", "{#")):
        raise errors.MailframeError(
            f"to={to[:60]!r} is a template; all test mails go to one address: write it out"
        )
    try:
        box = read_mailbox(to)
    except AddressError as fault:
        why = _FAULTS.get(fault.code, str(fault))
        raise errors.MailframeError(
            f"to={to[:60]!r}: {why}; write one address such as 'me@example.com'"
        ) from None
    lookalike = [
        note.detail for note in box.warnings if note.code is Code.MIXED_SCRIPTS and not mixed
    ]
    if lookalike:
        raise errors.MailframeError(
            f"to={to[:60]!r}: {lookalike[0]}; write the address anew by hand"
        )
    if live and is_documentation_domain(box.address):
        raise errors.MailframeError(
            f"to={to[:60]!r} is on a domain for documentation (RFC 2606), where nobody reads mail; give one of your own"
        )
    return str(box)


def _chosen(positions: object, rows: int) -> tuple[int, ...]:
    """The positions, each once, in the order in which they are first given.

    Raises:
        MailframeError: they are no positions, or more than MAX_TEST_MAILS.
        IndexError: there is no such row.
    """
    if isinstance(positions, str | bytes) or not isinstance(positions, Iterable):
        raise errors.MailframeError(
            f"rows={positions!r} is no list of rows; write rows=[{positions!r}]"
        )
    chosen = tuple(dict.fromkeys(_position(position, rows) for position in positions))
    if len(chosen) > MAX_TEST_MAILS:
        raise errors.MailframeError(
            f"{len(chosen):,} test mails to one address; at most {MAX_TEST_MAILS} go out at once. Name fewer rows, "
            "or send the campaign to a sandbox and look at sandbox.messages()"
        )
    return chosen


def _position(position: Any, rows: int) -> int:
    if isinstance(position, bool) or not hasattr(position, "__index__"):
        raise errors.MailframeError(
            f"{position!r} is no position of a row; rows are counted from 0, as in frame.iloc"
        )
    if not 0 <= position < rows:
        raise IndexError(f"there is no row {position}; the frame has {rows:,}, counted from 0")
    return int(position)
