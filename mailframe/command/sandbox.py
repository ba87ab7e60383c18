"""``mailframe sandbox``. Without pandas, so that it starts in a fraction of a second."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mailframe.command.sandbox_arguments import with_variables
from mailframe.command.streams import complain
from mailframe.errors import MailframeError, SandboxError
from mailframe.sandbox.faults.schedule import Fault
from mailframe.sandbox.local.postmark import LocalPostmark
from mailframe.sandbox.serve import serve
from mailframe.sandbox.wire.limits import Limits
from mailframe.sandbox.wire.loopback import loopback_name

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Mapping

WRONG, REFUSED = 2, 1


def sandbox(chosen: argparse.Namespace) -> int:
    """Run a sandbox until Ctrl-C or SIGTERM; 2 if an option is wrong, 1 if it cannot start."""
    try:
        values = with_variables(chosen)
        local = sandbox_of(values)
    except MailframeError as error:
        complain(str(error))
        return WRONG
    try:
        is_local = loopback_name(values["host"]) is not None
        name = None if is_local else values["allow_host"][0]
        serve(local, tokens=_secrets(values), name=name)
    except MailframeError as error:
        complain(str(error))
        return REFUSED
    return 0


def sandbox_of(values: Mapping[str, Any]) -> LocalPostmark:
    """The sandbox of these options, not started.

    Args:
        values: the values by the names of ``sandbox_arguments.OPTIONS``.

    Raises:
        MailframeError: a value does not fit the others, or names nothing that exists.
    """
    streams = None if values["stream"] is None else dict(values["stream"])
    return LocalPostmark(
        host=values["host"],
        port=values["port"],
        allow_hosts=values["allow_host"],
        public_url=values["public_url"],
        webhook_hosts=values["webhook_host"],
        tokens=values["token"],
        servers=_servers(values["server"]),
        senders=values["sender"],
        streams=streams,
        suppressions=_suppressions(values["suppress"], servers=dict(values["server"])),
        faults=[Fault(**fault) for fault in values["fault"]],
        approval=values["approval"],
        delivery_type=values["delivery_type"],
        server_id=values["server_id"],
        seed=values["seed"],
        delay_s=values["delay"],
        index_delay_s=values["index_delay"],
        paused=values["paused"],
        bulk=values["bulk"],
        limits=Limits(**dict(values["limit"])),
        db=values["db"],
        keep=values["keep"],
    )


def _servers(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    servers: dict[str, list[str]] = {}
    for name, token in pairs:
        servers.setdefault(name, []).append(token)
    return servers


def _suppressions(
    triples: Iterable[tuple[str | None, str | None, str]], *, servers: Iterable[str]
) -> dict[str | None, Any]:
    """The addresses by stream, and for one server by its name; None is every stream.

    Raises:
        SandboxError: what stands for a stream of every server is the name of a server.
    """
    suppressions: dict[str | None, Any] = {}
    names = {name.lower() for name in servers}
    for server, stream, address in triples:
        if server is None and stream is not None and stream.lower() in names:
            raise SandboxError(
                f"--suppress {stream}:{address} does not say whether {stream!r} is the server or a "
                f"stream; write SERVER/STREAM:{address}, such as {stream}/outbound:{address}"
            )
        by_stream = suppressions if server is None else suppressions.setdefault(server, {})
        by_stream.setdefault(stream, []).append(address)
    return suppressions


def _secrets(values: Mapping[str, Any]) -> list[str]:
    """The tokens that a person chose, which no line may show."""
    return [*(values["token"] or ()), *(token for _, token in values["server"])]
