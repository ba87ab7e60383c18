"""Refusals: the errors of a run that sends nothing, from its preflight check, server and ledger.

Wrong arguments are refused in ``options.py``, and identical messages in ``ledger/repeats.py``.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from mailframe import errors
from mailframe.counting import counted
from mailframe.message.blocked_text import blocked_text
from mailframe.message.fingerprint import is_another_letter, not_approved_text, read_fingerprint
from mailframe.message.message import Message
from mailframe.message.problem_frame import problems_frame
from mailframe.message.template_fields import template_of_body
from mailframe.postmark.templates import MAX_TEMPLATES, template_faults
from mailframe.results import advice
from mailframe.results.row_results import Status
from mailframe.send.ledger.encoding import key_text
from mailframe.send.ledger.recorded_statuses import is_unconfirmed
from mailframe.send.questions import is_refusal
from mailframe.send.states import NO_RESULTS_YET

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    import pandas as pd

    from mailframe.message.preflight import Mask, Preflight
    from mailframe.postmark.search import Queryable
    from mailframe.results.row_results import RowResults
    from mailframe.send.ledger import CampaignRecord, Ledger
    from mailframe.send.options import SendOptions
    from mailframe.send.sendable import Sendable


# --- by the preflight check --------------------------------------------------------------------


def preflight_refusal(
    composed: Sendable,
    checked: Preflight,
    preflight: Preflight,
    rows: RowResults,
    options: SendOptions,
) -> errors.SendError | None:
    """Set the rows with errors to invalid; the error of the run if nothing may be sent.

    Args:
        composed: the campaign.
        checked: the preflight check for the server of the run.
        preflight: the same without the rows that are left out.
        rows: the results.
        options: the options of the run.
    """
    positions: dict[str, list[int]] = {}
    for position, reason in preflight.reasons().items():
        positions.setdefault(reason, []).append(position)
    for reason, blocked in positions.items():
        rows.settle_many(blocked, Status.INVALID, reason=reason)
    return _not_approved(composed, checked, options) or _invalid_rows(composed, preflight, options)


def _not_approved(
    composed: Sendable, checked: Preflight, options: SendOptions
) -> errors.NotApproved | None:
    if options.approved is None:
        return None
    approved, current = read_fingerprint(options.approved), composed.fingerprint(sending=checked)
    if approved == current:
        return None
    return errors.NotApproved(not_approved_text(approved, current), results=NO_RESULTS_YET)


def _invalid_rows(
    composed: Sendable, preflight: Preflight, options: SendOptions
) -> errors.InvalidRows | None:
    invalid = len(preflight.reasons())
    refusals = preflight.refusals
    if not refusals and (options.on_invalid == "skip" or not invalid):
        return None
    return errors.InvalidRows(
        blocked_text(preflight, composed.names, blocked=invalid),
        results=NO_RESULTS_YET,
        problems=composed.given.made(problems_frame(preflight.problems, composed.names)),
    )


# --- by the server -----------------------------------------------------------------------------


def server_error(error: errors.SearchError) -> errors.MailframeError:
    """The error of a run if Postmark did not answer a question before the first request."""
    status = error.status
    kind: type[errors.SendError] = errors.ServerBusy  # 5xx, and 4xx that may pass
    if status is None:
        kind = errors.ServerUnreachable
    elif status == HTTPStatus.UNAUTHORIZED:
        kind = errors.TokenRefused
    elif is_refusal(status):
        kind = errors.RequestRefused
    elif status < HTTPStatus.BAD_REQUEST:  # an answer that Postmark does not give
        return error
    return kind(str(error), results=NO_RESULTS_YET)


def refuse_unknown_templates(
    server: Queryable, composed: Sendable, preflight: Preflight, *, wanted: Mask, live: bool
) -> None:
    """Refuse messages whose template at Postmark does not exist, before any is sent.

    Args:
        server: the server to ask.
        composed: the campaign.
        preflight: the check of its messages.
        wanted: one per row, whether it would be sent; other rows stop nothing.
        live: the value of *live* in the check.

    Raises:
        UnknownTemplate: with the names.
        SearchError: Postmark could not be asked.
    """

    def of_wanted() -> set[str | int]:
        messages = composed.messages(preflight, live=live, wanted=wanted)
        bodies = (one.body for one in messages if isinstance(one, Message))
        return {name for body in bodies if (name := template_of_body(body)) is not None}

    if not preflight.templates or not wanted.any():
        return
    templates: Collection[str | int] = preflight.templates
    if len(templates) > MAX_TEMPLATES:
        templates = of_wanted()
    if len(templates) > MAX_TEMPLATES:
        raise errors.UnknownTemplate(
            f"nothing was sent: the messages name {len(templates):,} templates, and a server has "
            f"at most {MAX_TEMPLATES} (Postmark); template= is an alias or an ID",
            results=NO_RESULTS_YET,
        )
    faults = template_faults(server, templates)
    if faults and len(templates) > 1:  # they may be those of other rows alone
        present = of_wanted()
        faults = {one: fault for one, fault in faults.items() if one in present}
    if faults:
        text = f"nothing was sent: {'; '.join(faults.values())}"
        raise errors.UnknownTemplate(text, results=NO_RESULTS_YET)


# --- by the ledger -----------------------------------------------------------------------------


def refuse_other_key(ledger: Ledger, campaign: CampaignRecord, columns: Sequence[str]) -> None:
    """Refuse other key columns than before: every row would look new and be sent again.

    Raises:
        LedgerError: with both keys.
    """
    if ledger.is_keyed_by(campaign, columns):
        return
    recorded = ledger.recorded_key(campaign) or ""
    before, after = (
        " + ".join(text.split("\n")) or "the address" for text in (recorded, key_text(columns))
    )
    raise errors.LedgerError(
        f"the rows of campaign {campaign.name!r} are identified by {before}, and now by {after}; "
        "every row would look new and be sent again. Keep the key, or give the campaign another "
        "name; nothing was sent"
    )


def refuse_ledger_behind(
    ledger: Ledger, campaign: CampaignRecord, *, held: int, streams: Sequence[str]
) -> None:
    """Refuse when Postmark holds more messages of a campaign than the ledger knows.

    Args:
        ledger: the ledger of the send.
        campaign: the campaign that is sent.
        held: the number of its messages that Postmark holds.
        streams: the streams that its messages go to.

    Raises:
        LedgerBehind: with both numbers and the call that reads the messages in.
    """
    expected = ledger.expected_copies(campaign)
    if held > expected:
        call = advice.adopt_call(campaign.name, ledger=ledger.place, streams=streams)
        raise errors.LedgerBehind(
            f"Postmark already holds {held:,} messages of campaign {campaign.name!r}, and this "
            f"ledger knows of {expected:,} (another machine? a deleted ledger? a restored "
            f"snapshot?). {call} reads them in; nothing was sent"
        )


def refuse_unconfirmed_resend(
    ledger: Ledger, campaign: CampaignRecord, recorded: pd.DataFrame
) -> None:
    """Refuse to resend messages that are unconfirmed.

    Args:
        ledger: the ledger of the send.
        campaign: the campaign that is sent.
        recorded: the result of ``match_recorded``.

    Raises:
        LedgerError: with their number and the calls that resolve them.
    """
    unconfirmed = int((recorded["resend"] & is_unconfirmed(recorded)).sum())
    if unconfirmed:
        reconcile = advice.reconcile_call(campaign.name, ledger=ledger.place)
        resolve = advice.resolve_call(campaign.name, ledger=ledger.place)
        raise errors.LedgerError(
            f"{unconfirmed:,} of the rows to resend are unknown: they may have been accepted. "
            f"{reconcile} asks Postmark which messages it holds. {resolve} decides about the rest, "
            "from half an hour after they were sent; nothing was sent"
        )


def refuse_changed_letter(
    campaign: CampaignRecord, letter: bytes, *, accepted: int, others: int
) -> None:
    """Refuse to send a changed letter to the rest of a campaign.

    Args:
        campaign: the campaign that is sent.
        letter: the fingerprint of the letter.
        accepted: the number of people who have an earlier letter.
        others: the number of messages that would be sent without an explicit confirmation.

    Raises:
        LetterChanged: with both numbers.
    """
    if accepted and others and is_another_letter(campaign.letter, letter):
        raise errors.LetterChanged(
            f"{counted(accepted, 'person has', 'people have')} campaign {campaign.name!r} with an "
            f"earlier letter. send(allow_changed=True) sends the new one to the other {others:,} "
            "people, who have none yet; nothing was sent"
        )
