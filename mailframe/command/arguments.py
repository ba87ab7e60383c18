"""The arguments of the command line. Only the standard library is imported."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from mailframe.command import webhooks_arguments
from mailframe.command.sandbox_arguments import EPILOG, add_sandbox

if TYPE_CHECKING:
    from collections.abc import Sequence

TYPES: Final = ("str", "int", "float", "decimal", "bool", "datetime")
"""The types that ``--dtype`` takes."""
_EXIT_CODES: Final = """\
exit codes:
  0    every message that should go was accepted; or a dry run without problems
  1    rows have errors, or are rejected, unknown or unsent
  2    the arguments cannot be read
  3    refused: the value of an option, the token, the ledger, the letter or a
       file; nothing more was sent
  130  interrupted; the results so far were written
"""
_EPILOGS: Final = {"demo": None, "sandbox": EPILOG, "webhooks": webhooks_arguments.EPILOG}


def make_parser() -> argparse.ArgumentParser:
    """The parser; its result has ``command``, the name of the command or None."""
    parser = argparse.ArgumentParser(
        prog="mailframe",
        description="From a table of people to a Postmark campaign and back.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "--version", action=_Version, nargs=0, help="show the version of mailframe and exit"
    )
    commands = parser.add_subparsers(dest="command", metavar="command")
    _add_send(_command(commands, "send", "check a campaign, and send it with --live"))
    _add_problems(_command(commands, "problems", "list the problems of every row"))
    _add_plan(_command(commands, "plan", "count the messages and the blocked rows"))
    _add_preview(_command(commands, "preview", "write a page for the colleague who approves"))
    _add_results(_command(commands, "results", "count the rows of a results CSV by status"))
    _add_demo(_command(commands, "demo", "send a sample campaign to a local Postmark"))
    add_sandbox(_command(commands, "sandbox", "run a local Postmark until Ctrl-C"))
    webhooks_arguments.add_webhooks(
        _command(commands, "webhooks", "receive the webhooks of Postmark until Ctrl-C")
    )
    return parser


class _Version(argparse.Action):
    """Prints the version, which is in the package: that takes a second to import."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,
    ) -> None:
        del namespace, values, option_string
        from mailframe._version import __version__  # noqa: PLC0415 - see above

        print(f"mailframe {__version__}")
        parser.exit()


def _command(commands: Any, name: str, purpose: str) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = commands.add_parser(
        name,
        help=purpose,
        description=f"{purpose[0].upper()}{purpose[1:]}.",
        epilog=_EPILOGS.get(name, _EXIT_CODES),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,  # a part of --live must not send
    )
    return command


# --- what several commands take ------------------------------------------------------------------


def _add_campaign(command: argparse.ArgumentParser, *, needs_name: bool) -> None:
    command.add_argument(
        "letter", metavar="LETTER", help="the folder of a letter, or a letter in one .md file"
    )
    command.add_argument(
        "people",
        metavar="PEOPLE",
        help="one row per message: .csv, .xlsx, .parquet or .jsonl; - is CSV from standard input",
    )
    command.add_argument(
        "--name",
        required=needs_name,
        help="the name of the campaign; the ledger keeps each name apart",
    )
    command.add_argument(
        "--key",
        action="append",
        metavar="COLUMN",
        help="the column that identifies a row (default: the address); repeat it for several",
    )
    command.add_argument(
        "--consent",
        metavar="COLUMN",
        help="a column of true and false: only who has true gets the message",
    )
    command.add_argument(
        "--holdout",
        type=number_or_text,
        metavar="SHARE",
        help="the share of people who get nothing, for a comparison, such as 0.05; or a column",
    )
    command.add_argument(
        "--seed", help="decides who is in the holdout (default: the name of the campaign)"
    )
    command.add_argument(
        "--shared", metavar="FOLDER", help="a folder of templates that several letters share"
    )
    reading = command.add_argument_group("how PEOPLE is read")
    reading.add_argument(
        "--dtype",
        action="append",
        type=_dtype,
        default=[],
        metavar="COLUMN=TYPE",
        help=f"the type of a column: {', '.join(TYPES)}; repeat it for several",
    )
    reading.add_argument(
        "--missing",
        action="append",
        default=[],
        metavar="TEXT",
        help="a text of a CSV that stands for a missing value, such as NA; an empty cell does",
    )
    reading.add_argument(
        "--sep",
        type=_separator,
        help="the separator of a CSV (default: a comma; if the header has none, ; or a tab)",
    )
    reading.add_argument("--encoding", default="utf-8", help="of a CSV (default: utf-8)")
    reading.add_argument("--sheet", help="the sheet of an Excel file (default: the only one)")


def number_or_text(text: str) -> float | str:
    """A number; any other text, such as the name of a column or a percentage, as it is."""
    try:
        return float(text)
    except ValueError:
        return text


def _add_out(command: argparse.ArgumentParser, *, default: str | None, what: str) -> None:
    command.add_argument("--out", type=Path, default=default, metavar="FILE", help=what)
    command.add_argument(
        "--overwrite", action="store_true", help="replace the file of --out if it exists"
    )


def _add_json(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--json", action="store_true", help="print one JSON object on standard output"
    )


# --- commands ------------------------------------------------------------------------------------


def _add_send(command: argparse.ArgumentParser) -> None:
    _add_campaign(command, needs_name=True)
    command.add_argument(
        "--live",
        action="store_true",
        help="post the messages; without it nothing is posted or recorded. "
        "The token is read from the environment variable POSTMARK_SERVER_TOKEN",
    )
    command.add_argument(
        "--base-url", metavar="URL", help="a sandbox on this machine, in place of Postmark"
    )
    command.add_argument(
        "--approved", metavar="FINGERPRINT", help="send only if the campaign still has it"
    )
    command.add_argument(
        "--on-invalid",
        choices=("raise", "skip"),
        default="raise",
        help="with rows that have errors: send nothing, or the other rows (default: raise)",
    )
    command.add_argument(
        "--exclude",
        metavar="FILE",
        help="a .csv or .parquet file with the keys, or the addresses, of those who get nothing",
    )
    command.add_argument(
        "--at-most",
        metavar="CAP",
        help='how many emails a person may have over all campaigns, such as "1 per 7 days"',
    )
    command.add_argument(
        "--no-suppression-check",
        action="store_true",
        help="do not ask Postmark first who is suppressed; it rejects their messages",
    )
    command.add_argument(
        "--limit", type=_limit, metavar="N", help="post at most N messages; the next run goes on"
    )
    _add_pacing(command)
    command.add_argument(
        "--workers", type=_count, default=1, metavar="N", help="requests at a time (default: 1)"
    )
    _add_recording(command)
    command.add_argument(
        "--to-test",
        metavar="ADDRESS",
        help="send the edge cases to your own address alone; the ledger is not used",
    )
    _add_out(command, default=None, what="the results, as .csv or .csv.gz; not in a dry run")
    command.add_argument(
        "--excel-safe",
        action="store_true",
        help="escape cells of --out that a spreadsheet would run as formulas",
    )
    _add_json(command)


def _add_pacing(command: argparse.ArgumentParser) -> None:
    pacing = command.add_argument_group("when it is sent")
    pacing.add_argument(
        "--rate", metavar="N/UNIT", help="at most N messages in any s, min, h or day, as in 5000/h"
    )
    pacing.add_argument(
        "--window", metavar="FROM-TO", help="only at these times of the day, as in 09:00-18:00"
    )
    pacing.add_argument("--tz", metavar="ZONE", help="of --window, such as Europe/Vienna")
    pacing.add_argument(
        "--stop-when",
        action="append",
        metavar="EVENT=SHARE",
        help="end if more than the share of the messages were rejected, bounced or complained, as "
        "in bounced=2%% or bounced=0.02; repeat it for several",
    )


def _add_recording(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--ledger",
        metavar="FILE",
        help="the file that records each send (default: one per user, or MAILFRAME_LEDGER, which "
        "may name a database)",
    )
    command.add_argument(
        "--allow-changed",
        action="store_true",
        help="send the rest although other rows were sent with an earlier letter",
    )
    command.add_argument(
        "--allow-repeat",
        action="store_true",
        help="send although recipients have the identical message under another name or key",
    )
    command.add_argument(
        "--recount",
        action=argparse.BooleanOptionalAction,
        help="ask before each batch if another ledger sends the campaign, too (default: asks "
        "Postmark, and no sandbox)",
    )


def _add_problems(command: argparse.ArgumentParser) -> None:
    _add_campaign(command, needs_name=False)
    command.add_argument(
        "--most",
        type=_count,
        default=20,
        metavar="N",
        help="problems to print (default: 20); --out and --json have all",
    )
    _add_out(command, default=None, what="all problems, as .csv")
    _add_json(command)


def _add_plan(command: argparse.ArgumentParser) -> None:
    _add_campaign(command, needs_name=True)
    command.add_argument("--rate", metavar="N/UNIT", help="say how long the send takes at a rate")
    _add_json(command)


def _add_preview(command: argparse.ArgumentParser) -> None:
    _add_campaign(command, needs_name=True)
    command.add_argument(
        "--rows",
        action="extend",
        nargs="+",
        type=int,
        metavar="N",
        help="show these rows side by side, in place of the page for approval",
    )
    command.add_argument(
        "--mask", action="store_true", help='show the shape of each value ("Xxx") in its place'
    )
    _add_out(command, default="preview.html", what="the page (default: preview.html)")
    _add_json(command)


def _add_results(command: argparse.ArgumentParser) -> None:
    command.add_argument("results", metavar="RESULTS", help="the CSV that send --out wrote")
    _add_json(command)


def _add_demo(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--out",
        type=Path,
        default=Path("results.csv"),
        help="the CSV to write (default: results.csv); it replaces only a file of an earlier demo",
    )
    command.add_argument(
        "--rows",
        type=_rows,
        default=None,
        help="the number of rows of the sample to use, from the first",
    )


# --- values --------------------------------------------------------------------------------------


def _limit(text: str) -> int:
    number = int(text)
    if number < 0:
        raise argparse.ArgumentTypeError(f"{text} is below 0")
    return number


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is below 1")
    return number


def _rows(text: str) -> int:
    rows = int(text)
    if rows < 1:
        raise argparse.ArgumentTypeError(f"{rows} is not a number of rows")
    return rows


def _dtype(text: str) -> tuple[str, str]:
    column, equals, name = text.rpartition("=")
    if not equals or not column or name not in TYPES:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not COLUMN=TYPE, such as zip=str; the types are {', '.join(TYPES)}"
        )
    return column, name


def _separator(text: str) -> str:
    separator = {"tab": "\t", "\\t": "\t"}.get(text, text)
    if len(separator) != 1 or separator in '"\r\n':
        raise argparse.ArgumentTypeError(f"{text!r} is not one character, such as ';', or 'tab'")
    return separator
