"""``mailframe demo``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailframe.command.streams import complain
from mailframe.errors import MailframeError
from mailframe.paths import local_path

if TYPE_CHECKING:
    import argparse

    from mailframe.command.output import Output


def demo(chosen: argparse.Namespace, output: Output) -> int:
    """Run the demo; 1 if it was refused."""
    del output  # it prints as it goes
    from mailframe.demo import demo as run_demo  # noqa: PLC0415 - no other command needs it

    try:
        run_demo(out=local_path(chosen.out, what="--out"), rows=chosen.rows)
    except MailframeError as error:
        complain(str(error))
        return 1
    return 0
