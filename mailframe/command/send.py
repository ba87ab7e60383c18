"""``mailframe send``: a dry run, or with ``--live`` the send itself."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from mailframe.command import files, refusals
from mailframe.command.arguments import number_or_text
from mailframe.command.campaigns import campaign_of
from mailframe.command.results import code_of, is_interrupted, note_results
from mailframe.command.streams import complain
from mailframe.counting import counted
from mailframe.errors import MailframeError
from mailframe.paths import DEFAULT_LEDGER, ledger_path
from mailframe.postmark.client import Postmark
from mailframe.postmark.token import TOKEN_VARIABLE
from mailframe.results import reasons
from mailframe.results.csv import write_csv
from mailframe.results.frame import results_columns
from mailframe.sandbox.wire.loopback import loopback_name
from mailframe.send.interrupts import Interrupts
from mailframe.send.pacing.pace import read_pacing
from mailframe.send.test_emails import MAX_TEST_EMAILS

if TYPE_CHECKING:
    import argparse

    import pandas as pd

    from mailframe.campaign import Campaign
    from mailframe.command.output import Output
    from mailframe.send.pacing.pace import Pacing

_ANY_TOKEN: Final = "sandbox"  # noqa: S105 - a sandbox accepts any
_NO_TOKEN: Final = (
    f"there is no token in {TOKEN_VARIABLE}, so Postmark and the ledger were not asked: rows that "
    "were sent before are counted as messages"
)


def send(chosen: argparse.Namespace, output: Output) -> int:
    """Check the campaign, and post it if ``--live`` is given."""
    output.facts |= {"dry_run": not chosen.live, "fingerprint": None, "out": None}
    pacing = read_pacing(**_pacing(chosen))  # before PEOPLE is read
    out = files.free_path(chosen, ending=files.CSV, example="results.csv")
    if out is not None and chosen.to_test is not None:
        raise MailframeError("--to-test writes no results; leave out --out")
    server = _server(chosen)
    campaign = campaign_of(chosen, output)
    if chosen.to_test is not None:
        return _send_test(campaign, server, chosen, output)
    if not chosen.live:
        return _dry_run(campaign, server, chosen, output, pacing)
    if server is None:
        server = Postmark()  # raises: there is no token
    return _send(campaign, server, chosen, output, out)


# --- the server ----------------------------------------------------------------------------------


def _server(chosen: argparse.Namespace) -> Postmark | None:
    """The server of the arguments and the environment; None without a token.

    Raises:
        MailframeError: ``--live`` without a token, or a URL that is not of this machine.
    """
    if chosen.base_url is not None:
        return Postmark(_ANY_TOKEN, base_url=_local_url(chosen.base_url))
    if os.environ.get(TOKEN_VARIABLE) or chosen.live:
        return Postmark()
    return None


def _local_url(url: str) -> str:
    """The URL, if it is on this machine: the token of a server must not reach another one."""
    try:
        is_local = loopback_name(urlsplit(url).hostname) is not None
    except ValueError:
        is_local = False
    if not is_local:
        raise MailframeError(
            f"--base-url {url} is not a sandbox on this machine; `mailframe sandbox` starts one at "
            "http://127.0.0.1:8025, and without --base-url the mail goes to Postmark"
        )
    return url


# --- a send --------------------------------------------------------------------------------------


def _dry_run(
    campaign: Campaign,
    server: Postmark | None,
    chosen: argparse.Namespace,
    output: Output,
    pacing: Pacing,
) -> int:
    """What a send would do now: the same steps, without a request and without a record."""
    options = _options(chosen, output) | {"dry_run": True}
    if server is None:
        options |= {"ledger": None, "at_most": None, "check_suppressed": False}
        output.warn(_NO_TOKEN)
    output.facts["fingerprint"] = campaign.fingerprint
    results = campaign.send(server or Postmark("none"), **options)
    labels = results_columns(results)
    would_go = results.loc[results[labels["reason"]] == reasons.DRY_RUN, labels["batch"]]
    output.facts |= {"messages": len(would_go), "batches": int(would_go.nunique())}
    batches = counted(would_go.nunique(), "batch", "batches")
    duration = pacing.duration(len(would_go))
    output.text(
        f"Dry run of {campaign.name}: nothing was sent. --live would post "
        f"{counted(len(would_go), 'message')} in {batches}{f', {duration}' if duration else ''}."
    )
    note_results(results, output)
    output.text(f"fingerprint  {campaign.fingerprint}")
    return _code_of_send(results)


def _send(
    campaign: Campaign,
    server: Postmark,
    chosen: argparse.Namespace,
    output: Output,
    out: Path | None,
) -> int:
    error: MailframeError | None = None
    try:
        results = campaign.send(server, **_options(chosen, output))
    except MailframeError as raised:
        if raised.results is None:
            raise
        error, results = raised, raised.results
    with Interrupts() as late, late.raising():  # a second Ctrl-C, after that which ended the send
        exit_code = _write_results(results, out, chosen, output)
        note_results(results, output)
    if error is not None:
        raise error
    output.text(str(getattr(results, "summary_line", "")))
    return exit_code or _code_of_send(results)


def _code_of_send(results: pd.DataFrame) -> int:
    if is_interrupted(results):
        complain("interrupted; run the command again, and it sends only what is unsent")
        return refusals.INTERRUPTED
    return code_of(results)


def _options(chosen: argparse.Namespace, output: Output) -> dict[str, Any]:
    ledger = chosen.ledger or DEFAULT_LEDGER
    output.facts["ledger"] = str(ledger_path(ledger))
    return {
        "on_invalid": chosen.on_invalid,
        "limit": chosen.limit,
        "exclude": None if chosen.exclude is None else Path(chosen.exclude),
        "at_most": chosen.at_most,
        "check_suppressed": not chosen.no_suppression_check,
        "workers": chosen.workers,
        "progress": output.progress,
        "ledger": ledger,
        "allow_changed": chosen.allow_changed,
        "allow_repeat": chosen.allow_repeat,
        "recount": chosen.recount,
        "approved": chosen.approved,
        **_pacing(chosen),
    }


def _pacing(chosen: argparse.Namespace) -> dict[str, Any]:
    """The options that pace a send, with the names that they have in Python."""
    stop_when: dict[str, float | str] = {}
    for event, _, share in (text.partition("=") for text in chosen.stop_when or ()):
        if event in stop_when:
            raise MailframeError(f"--stop-when {event} is there twice")
        stop_when[event] = number_or_text(share)
    window = None if chosen.window is None else tuple(chosen.window.split("-"))
    return {
        "rate": chosen.rate,
        "window": window,
        "tz": chosen.tz,
        "stop_when": stop_when or None,
    }


def _write_results(
    results: pd.DataFrame, out: Path | None, chosen: argparse.Namespace, output: Output
) -> int:
    """Write ``--out``; REFUSED if that failed, which must not hide how the send ended."""
    if out is None:
        return refusals.DONE
    target = out if chosen.overwrite else files.untaken(out)
    try:
        write_csv(results.reset_index(drop=True), target, excel_safe=chosen.excel_safe)
    except MailframeError as error:
        complain(
            f"--out {target}: {error}; the ledger has the status of each row: run the command "
            "again, and it sends only what is unsent"
        )
        return refusals.REFUSED
    output.facts["out"] = str(target)
    output.text(f"results      {target}")
    return refusals.DONE


# --- test emails ---------------------------------------------------------------------------------


def _send_test(
    campaign: Campaign, server: Postmark | None, chosen: argparse.Namespace, output: Output
) -> int:
    """The edge cases of the campaign, to one address."""
    if not chosen.live:
        tour = campaign.tour(progress=output.progress)
        # of a letter without branches the first row is sent
        count = min(len(tour) or len(campaign.frame[:1]), MAX_TEST_EMAILS)
        output.facts["messages"] = count
        output.text(
            f"Dry run: --live would send {counted(count, 'test email')} to {chosen.to_test}."
        )
        return refusals.DONE
    results = campaign.send_test(server or Postmark(), chosen.to_test)
    note_results(results, output)
    return code_of(results)
