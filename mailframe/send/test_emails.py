"""Test emails: the messages of some rows to one's own address, marked, without a ledger.

``review/chosen_rows.py`` chooses the rows. Only ``To``, ``Cc``, ``Bcc``, ``Subject`` and
``Metadata`` differ from what the row would get. Test emails go through the same dispatcher as a
send, with these differences (see ``TestEmailBatches``):

* each is a request of its own, to ``/email``;
* nothing is repeated, because running the cell again is easy;
* the first interrupt ends the call at once, because an unconfirmed test email does no harm;
* all go to one recipient, so a rejection of this recipient ends the call, unless an email was
  accepted before.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import orjson

from mailframe import errors, limits
from mailframe.limits import utf16_units
from mailframe.message.address_errors import AddressError, AddressFault
from mailframe.message.addresses import is_documentation_domain, read_mailbox
from mailframe.message.batch import Batch
from mailframe.message.message import Message
from mailframe.message.pipeline import prepare
from mailframe.message.template_fields import ALIAS_NAME, ID_NAME, MODEL_NAME
from mailframe.postmark.error_codes import CONCERNS_CONTENT
from mailframe.problems import Code, Severity
from mailframe.results import reasons
from mailframe.results.frame import results_frame
from mailframe.results.row_results import RowResults, Status
from mailframe.results.summary_line import About, with_summary_line
from mailframe.send.batch_source import fitting
from mailframe.send.dispatcher import Dispatcher
from mailframe.send.interrupts import Interrupts
from mailframe.send.ledger.session import SessionWithoutLedger
from mailframe.send.options import check_server
from mailframe.send.progress import Bar
from mailframe.send.retry_policy import SINGLE_TRY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from mailframe.message.composed import Composed
    from mailframe.postmark.client import Postmark
    from mailframe.postmark.responses import Answer, Outcome

MAX_TEST_EMAILS: Final = 50
"""Test emails of one call. Our own rule: each is a request of its own."""
TEST_KEY: Final = "mf-test"
"""Metadata field of each test email; not one of the ledger's, so no search counts it."""

_FAULTS: Final[Mapping[AddressFault, str]] = {
    AddressFault.EMPTY: "it is empty",
    AddressFault.SEVERAL: "it holds several addresses, and all test emails go to one",
    AddressFault.SURROUNDING_SPACE: "there is white space around the address",
    AddressFault.CONTROL_CHARACTER: "it holds a control character, such as a line break",
}


def send_test(composed: Composed, server: Postmark, *, to: str, positions: Iterable[int]) -> Any:
    """Post the messages of the rows at *positions* to *to* alone; see ``Campaign.send_test``."""
    check_server(server, verb="send_test")
    mixed = any(bound.letter.allow_idn_mixed for bound in composed.bounds)
    address = _own_address(to, live=server.is_live, allow_idn_mixed=mixed)
    chosen = _checked_positions(positions, len(composed.frame))
    rows = RowResults(len(chosen))
    with Interrupts(abandon_at=1) as interrupts:
        dispatcher = Dispatcher(
            TestEmailBatches(composed, server, rows, to=address, positions=chosen),
            SessionWithoutLedger(),
            rows,
            interrupts,
            retry_policy=SINGLE_TRY,
        )
        dispatcher.run(Bar(len(chosen), name=None, shown=False))
        about = About(test_to=address, key=composed.key)
        made = with_summary_line(results_frame(composed.frame.iloc[list(chosen)], rows), about)
        results = composed.given.results(made, positions=chosen)
    error = dispatcher.failure
    if error is not None:
        error.results = results
        raise error from error.__cause__
    return results


class TestEmailBatches:
    """Test emails, one by one; the position of a message is its place among the chosen rows.

    Args:
        composed: the campaign.
        server: the server that receives the messages.
        rows: the results, one per chosen row.
        to: the recipient of all messages: the user's own address.
        positions: the positions of the chosen rows in the frame of the campaign.
    """

    unsent_reason = reasons.NOT_SENT

    def __init__(
        self,
        composed: Composed,
        server: Postmark,
        rows: RowResults,
        *,
        to: str,
        positions: Sequence[int],
    ) -> None:
        self._composed, self._server, self._rows = composed, server, rows
        self._to, self._positions = to, positions
        self._place = 0
        self._any_accepted = False

    def __iter__(self) -> Iterator[Batch]:
        """One message each, without a batch number."""
        for place in range(len(self._positions)):
            self._place = place
            message = self._message(place)
            if message is not None:
                yield Batch(0, (message,))

    def post(self, batch: Batch, *, on_sent: Callable[[], None]) -> Answer:
        """Post to ``/email``; a small request, whose writing is not reported."""
        del on_sent
        [message] = batch
        position = self._positions[message.position]
        answer = self._server.send_email(replace(message, position=position))
        return fitting(answer, messages=1)

    def label(self, batch: Batch) -> str:
        """The row of the test email."""
        return f"the test email of {self._row_name(batch.positions[0])}"

    @property
    def next_label(self) -> str:
        """The row whose message is being made."""
        return f"the message of {self._row_name(self._place)}"

    def final_rejection(self, batch: Batch, outcomes: Sequence[Outcome]) -> str | None:
        """The first answer is a rejection that is not about the content of the message."""
        [outcome] = outcomes
        self._any_accepted = self._any_accepted or outcome.accepted
        if self._any_accepted or outcome.error_code in {None, *CONCERNS_CONTENT}:
            return None
        return f"{self.label(batch)} was rejected, and the next would be, too"

    def _row_name(self, place: int) -> str:
        return self._composed.names.of(self._positions[place])

    def _message(self, place: int) -> Message | None:
        """The test email of a row; None if the row cannot be sent, with its reason set."""
        position = self._positions[place]
        bound = self._composed.bound_of(position)
        prepared = next(iter(prepare(bound, position, position + 1)))
        if prepared.message is None:
            codes = [p.code.value for p in prepared.problems if p.severity is Severity.ERROR]
            self._rows.settle(place, Status.INVALID, reason=", ".join(dict.fromkeys(codes)))
            return None
        fields = _as_test(
            prepared.fields, to=self._to, row=self._row_name(place), name=self._composed.name
        )
        body = orjson.dumps(fields)
        if len(body) > limits.MAX_MESSAGE_BYTES:
            self._rows.settle(place, Status.INVALID, reason=Code.MESSAGE_TOO_LARGE.value)
            return None
        return Message(place, self._to, body)


# --- the message of a test email ---------------------------------------------------------------


def _as_test(fields: Mapping[str, Any], *, to: str, row: str, name: str | None) -> dict[str, Any]:
    """A row's payload with *to* as its only recipient, and a mark in its subject and metadata.

    *to* may replace Cc or Bcc of a message without To, which comes after the sender then.
    """
    template = {name: fields[name] for name in (ALIAS_NAME, ID_NAME, MODEL_NAME) if name in fields}
    subject = " ".join(filter(None, (f"[Test {row}]", fields.get("Subject"))))
    mark = f"{row} of {name}" if name else row
    metadata = {
        **fields.get("Metadata", {}),
        TEST_KEY: _truncated(mark, limits.MAX_METADATA_VALUE_UNITS),
    }
    payload = {**template, "From": fields["From"], "To": to, **fields, "Metadata": metadata}
    payload |= {field: to for field in ("To", "Cc", "Bcc") if field in payload}
    if not template:  # it has the subject, and Postmark takes no other
        payload["Subject"] = _truncated(subject, limits.MAX_SUBJECT_UNITS)
    return payload


def _truncated(text: str, max_units: int) -> str:
    """The beginning of *text* in at most so many UTF-16 units; no emoji is cut in two."""
    if utf16_units(text) <= max_units:
        return text
    return text.encode("utf-16-le")[: 2 * (max_units - 1)].decode("utf-16-le", "ignore") + "…"


# --- arguments ---------------------------------------------------------------------------------


def _own_address(to: object, *, live: bool, allow_idn_mixed: bool) -> str:
    """The one mailbox that all test emails go to, in canonical form.

    Raises:
        MailframeError: *to* is not exactly one mailbox, or is on a documentation domain and the
            server is live.
    """
    if not isinstance(to, str):
        raise errors.MailframeError(
            f"to is a {type(to).__name__}; give one address of your own: to='me@example.com'"
        )
    shown = repr(to[:60])
    if any(mark in to for mark in ("{{", "{%", "{#")):
        raise errors.MailframeError(
            f"to={shown} is a template; all test emails go to one address, so write it as text"
        )
    try:
        box = read_mailbox(to)
    except AddressError as fault:
        why = _FAULTS.get(fault.code, str(fault))
        raise errors.MailframeError(
            f"to={shown}: {why}; write one address such as 'me@example.com'"
        ) from None
    for warning in box.warnings:
        if warning.code is Code.MIXED_SCRIPTS and not allow_idn_mixed:
            raise errors.MailframeError(f"to={shown}: {warning.detail}; type the address again")
    if live and is_documentation_domain(box.address):
        raise errors.MailframeError(
            f"to={shown} is on a documentation domain (RFC 2606), which receives no mail; give an "
            "address of your own"
        )
    return str(box)


def _checked_positions(positions: object, rows: int) -> tuple[int, ...]:
    """The positions, each once, in the order in which they are first given.

    Raises:
        MailframeError: they are not positions, or more than MAX_TEST_EMAILS.
        IndexError: there is no such row.
    """
    if isinstance(positions, str | bytes) or not isinstance(positions, Iterable):
        raise errors.MailframeError(
            f"rows={positions!r} is not a list of rows; write rows=[{positions!r}]"
        )
    chosen = tuple(dict.fromkeys(_checked_position(position, rows) for position in positions))
    if len(chosen) > MAX_TEST_EMAILS:
        raise errors.MailframeError(
            f"{len(chosen):,} test emails to one address; at most {MAX_TEST_EMAILS} are sent at "
            "once. Choose fewer rows, or send the campaign to a sandbox and see sandbox.messages()"
        )
    return chosen


def _checked_position(position: Any, rows: int) -> int:
    if isinstance(position, bool) or not hasattr(position, "__index__"):
        raise errors.MailframeError(
            f"{position!r} is not a position of a row; rows are counted from 0, as in frame.iloc"
        )
    if not 0 <= position < rows:
        raise IndexError(f"there is no row {position}; the frame has {rows:,}, counted from 0")
    return int(position)
