"""``python -m mailframe``: the demo and the sandbox on the command line."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from mailframe._version import __version__
from mailframe.errors import MailframeError
from mailframe.paths import local_path

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command, and return the exit status: 0 for success.

    Args:
        arguments: the arguments without the program's name; by default those of the process.
    """
    chosen = _parser().parse_args(arguments)
    try:
        chosen.run(chosen)
    except MailframeError as error:
        print(f"mailframe: {error}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="mailframe", description="From a DataFrame to a Postmark campaign and back."
    )
    parser.set_defaults(run=lambda _: parser.print_help())
    parser.add_argument("--version", action="version", version=f"mailframe {__version__}")
    commands = parser.add_subparsers()
    demo = commands.add_parser(
        "demo", help="send a sample campaign to a local Postmark and write its results"
    )
    demo.set_defaults(run=_demo)
    demo.add_argument(
        "--out",
        type=Path,
        default=Path("results.csv"),
        help="the CSV to write (default: results.csv); it replaces only a file of an earlier demo",
    )
    demo.add_argument(
        "--rows",
        type=_rows,
        default=None,
        help="the number of rows of the sample to use, from the first",
    )
    sandbox = commands.add_parser("sandbox", help="run a local Postmark until Ctrl-C")
    sandbox.set_defaults(run=_sandbox)
    sandbox.add_argument(
        "--port", type=_port, default=8025, help="0 for a free port (default: 8025)"
    )
    sandbox.add_argument(
        "--host", default="127.0.0.1", help="localhost, ::1 or 127.x.x.x (default: 127.0.0.1)"
    )
    return parser


def _rows(text: str) -> int:
    rows = int(text)
    if rows < 1:
        raise argparse.ArgumentTypeError(f"{rows} is not a number of rows")
    return rows


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port < 2**16:
        raise argparse.ArgumentTypeError(f"{port} is not a port")
    return port


def _demo(chosen: argparse.Namespace) -> None:
    from mailframe.demo import demo  # noqa: PLC0415 - pandas takes a second, and --help does not need it

    demo(out=local_path(chosen.out, what="--out"), rows=chosen.rows)


def _sandbox(chosen: argparse.Namespace) -> None:
    from mailframe.sandbox import serve  # noqa: PLC0415 - as above

    serve(host=chosen.host, port=chosen.port)
