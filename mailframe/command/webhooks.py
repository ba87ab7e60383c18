"""``mailframe webhooks``. Without pandas, so that it starts fast and stays small."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import TYPE_CHECKING, Final

from mailframe.command.refusals import DONE, REFUSED
from mailframe.command.streams import complain
from mailframe.errors import MailframeError, MissingExtra
from mailframe.paths import local_path
from mailframe.sandbox.wire.loopback import loopback_name, url_of
from mailframe.secret_values import SecretValue
from mailframe.webhooks.address import PATH, public_address
from mailframe.webhooks.credentials import VARIABLE, credentials_of, read_credentials
from mailframe.webhooks.event_file import EventFile
from mailframe.webhooks.storing import Storing

if TYPE_CHECKING:
    import argparse
    import socket

    from mailframe.webhooks.credentials import Credentials

WRONG: Final = 2


def webhooks(chosen: argparse.Namespace) -> int:
    """Receive webhooks until Ctrl-C or SIGTERM; 2 if an option is wrong, 3 if it is refused."""
    try:
        _check(chosen)
    except MailframeError as error:
        complain(str(error))
        return WRONG
    try:
        _run(chosen)
    except MailframeError as error:
        complain(str(error))
        return REFUSED
    return DONE


def _check(chosen: argparse.Namespace) -> None:
    """Refuse options that do not fit each other.

    Raises:
        MailframeError: they do not.
    """
    if chosen.no_auth and (chosen.auth_file is not None or os.environ.get(VARIABLE)):
        raise MailframeError(
            f"--no-auth and a password (--auth-file or {VARIABLE}) exclude each other"
        )
    if chosen.no_auth and loopback_name(chosen.host) is None:
        raise MailframeError(
            f"--no-auth with --host {chosen.host}: everyone who reaches this machine could write "
            "events; give a password with --auth-file"
        )
    if chosen.out.suffix == ".gz":
        raise MailframeError(
            f"--out {chosen.out}: the receiver compresses nothing, and mf.read_events decompresses "
            "files that end with .gz; name one that ends with .jsonl"
        )
    if chosen.public_url is not None:
        public_address(chosen.public_url)


def _run(chosen: argparse.Namespace) -> None:
    try:
        from mailframe.webhooks.receiver import Receiver  # noqa: PLC0415 - of an extra
        from mailframe.webhooks.serving import listening, serve  # noqa: PLC0415 - of an extra
    except ImportError:
        raise MissingExtra("mailframe webhooks", "webhooks") from None
    credentials = _credentials(chosen)
    file = EventFile(local_path(chosen.out, what="--out", example="events.jsonl"))
    with (
        contextlib.closing(file),
        contextlib.closing(listening(chosen.host, chosen.port)) as at,
    ):
        receiver = Receiver(Storing(file), credentials=credentials, write=_write)
        if file.removed_bytes:
            complain(
                f"--out {chosen.out}: the last line was cut off, and is removed; its event was "
                "not answered, so Postmark repeats it"
            )
        _write(_welcome(chosen, at, credentials=credentials))
        serve(receiver.app(), at=at)
    _write("receiver closed")


def _credentials(chosen: argparse.Namespace) -> Credentials | None:
    """The user and password that are required; None with ``--no-auth``.

    Raises:
        MailframeError: there are none, or they are not user:password.
    """
    if chosen.no_auth:
        return None
    if chosen.auth_file is not None:
        return read_credentials(local_path(chosen.auth_file, what="--auth-file", example="auth"))
    if not os.environ.get(VARIABLE):
        raise MailframeError(
            "there is no password, so anyone could post events; write user:password into a file "
            f"for --auth-file, or into the environment variable {VARIABLE}. --no-auth does "
            "without, on this machine alone"
        )
    secret = SecretValue(os.environ[VARIABLE].encode(errors="surrogateescape"))
    return credentials_of(secret, source=VARIABLE)


def _welcome(
    chosen: argparse.Namespace, at: socket.socket, *, credentials: Credentials | None
) -> str:
    """What is printed at the start, without the password."""
    own = f"{url_of(chosen.host, at.getsockname()[1])}{PATH}"
    if chosen.public_url is None:
        first = f"the URL for Postmark is the public https address that leads to {own}"
    else:
        first = f"the URL for Postmark is {public_address(chosen.public_url)}"
    user = "no password" if credentials is None else f"user {credentials.user} and its password"
    return (
        f"mailframe webhooks: {first}\n"
        f"Listening on {own} with {user}; events go to {chosen.out}. Ctrl-C stops it."
    )


def _write(text: str) -> None:
    with contextlib.suppress(OSError, ValueError, AttributeError):  # a closed stream stops nothing
        sys.stdout.write(text + "\n")
        sys.stdout.flush()
