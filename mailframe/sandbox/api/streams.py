"""``/message-streams``: the streams of a server."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from mailframe.sandbox.api.credentials import server_of
from mailframe.sandbox.checks import field_types, request_json, texts, texts_server
from mailframe.sandbox.checks.account import StreamType
from mailframe.sandbox.checks.texts import CheckFailed
from mailframe.sandbox.state.account.streams import PURGE_NS, TYPES, as_item
from mailframe.sandbox.wire.exchange import as_json

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping

    from mailframe.sandbox.state.store import Store
    from mailframe.sandbox.wire.exchange import Reply, Request

MAX_STREAMS: Final = 10  # D
MAX_NAME, MAX_DESCRIPTION = 100, 1000  # A; Postmark names no limit
RESERVED: Final = frozenset({"all", "default"})  # A
HANDLING: Final = ("None", "Postmark", "Custom")
_ID: Final = re.compile(r"[a-z][a-z0-9_-]{0,29}", re.ASCII | re.IGNORECASE)  # D; the letters are A
_TAG: Final = re.compile(r"<[a-z!/]", re.IGNORECASE)


def list_streams(request: Request, store: Store) -> Reply:
    """``GET /message-streams``: those of one type or all, without archived ones by default."""
    server = server_of(request, store)
    kind = request.values.get("messagestreamtype") or "All"
    items = store.streams.listed(
        server,
        kind=None if kind.lower() == "all" else _kind(kind),
        with_archived=field_types.is_true(request.values.get("includearchivedstreams", "")),
    )
    return as_json({"MessageStreams": items, "TotalCount": len(items)})


def show_stream(request: Request, store: Store) -> Reply:
    """``GET /message-streams/{id}``: one stream, also if it is archived."""
    server = server_of(request, store)
    return as_json(as_item(stream_of(request, store, server)))


def create_stream(request: Request, store: Store) -> Reply:
    """``POST /message-streams``: create a stream, with at most ten on a server."""
    server = server_of(request, store)
    fields = request_json.fields(request.body)
    stream, kind = _new_id(fields, store, server), _new_kind(fields, store, server)
    name, description = _name(fields), _description(fields)
    if not name:
        raise CheckFailed(1223, texts_server.NO_STREAM_NAME)
    handling = _handling(fields, kind)
    if len(store.streams.listed(server)) >= MAX_STREAMS:
        raise CheckFailed(1225, texts_server.TOO_MANY_STREAMS)
    store.streams.add(
        server, stream, kind, name=name, description=description, unsubscribe=handling
    )
    store.streams.begin(server, stream)
    return as_json(as_item(_row(store, server, stream)))


def edit_stream(request: Request, store: Store) -> Reply:
    """``PATCH /message-streams/{id}``: change name, description or unsubscribe handling.

    The other fields are ignored: postmark-java sends the whole stream (S).
    """
    server = server_of(request, store)
    row = stream_of(request, store, server)
    fields = request_json.fields(request.body)
    name = row["name"] if fields.get("name") is None else _name(fields)
    if not name:
        raise CheckFailed(1223, texts_server.NO_STREAM_NAME)
    given = _description(fields)
    description = row["description"] if given is None else given
    handling = _handling(fields, StreamType(row["kind"])) or row["unsubscribe"]
    store.streams.edit(server, row["id"], name=name, description=description, unsubscribe=handling)
    return as_json(as_item(_row(store, server, row["id"])))


def archive_stream(request: Request, store: Store) -> Reply:
    """``POST /message-streams/{id}/archive``: it refuses sends, and can be restored for 45 days."""
    server = server_of(request, store)
    row = stream_of(request, store, server)
    if _is_default(row, store):
        raise CheckFailed(1229, texts_server.DEFAULT_STREAM)
    if store.streams.is_new(server, row["id"]):
        raise CheckFailed(1241, texts_server.NEW_STREAM)
    store.streams.archive(server, row["id"])
    item = as_item(_row(store, server, row["id"]))
    return as_json({key: item[key] for key in ("ID", "ServerID", "ExpectedPurgeDate")})


def unarchive_stream(request: Request, store: Store) -> Reply:
    """``POST /message-streams/{id}/unarchive``: restore a stream within 45 days."""
    server = server_of(request, store)
    row = stream_of(request, store, server)
    archived_ns = row["archived_ns"]
    if archived_ns is not None:
        if store.clock.now_ns() > archived_ns + PURGE_NS:
            raise CheckFailed(1232, texts_server.TOO_LATE)
        if len(store.streams.listed(server)) >= MAX_STREAMS:
            raise CheckFailed(1225, texts_server.TOO_MANY_STREAMS)
        store.streams.unarchive(server, row["id"])
    return as_json(as_item(_row(store, server, row["id"])))


def stream_of(request: Request, store: Store, server: int) -> sqlite3.Row:
    """The stream whose ID is in the path, also if it is archived.

    Raises:
        CheckFailed: 422 / 1226 if there is none.
    """
    return _row(store, server, request.params["id"])


def _row(store: Store, server: int, stream: str) -> sqlite3.Row:
    row = store.streams.get(server, stream)
    if row is None:
        raise CheckFailed(1226, texts.NO_SUCH_STREAM)
    return row


def _is_default(row: sqlite3.Row, store: Store) -> bool:
    """Whether it is the inbound stream, or the first transactional one."""
    kind = StreamType(row["kind"])
    first = store.streams.listed(row["server"], kind=kind, with_archived=True)[0]
    return kind is not StreamType.BROADCAST and first["ID"] == row["id"]


def _new_id(fields: Mapping[str, Any], store: Store, server: int) -> str:
    stream = field_types.text(fields, "ID")
    if stream is None:
        raise CheckFailed(1222, texts_server.NO_STREAM_ID)
    if stream.lower().startswith("pm-"):
        raise CheckFailed(1233, texts_server.STREAM_PREFIX)
    if not _ID.fullmatch(stream):
        raise CheckFailed(1227, texts_server.BAD_STREAM_ID)
    if stream.lower() in RESERVED:
        raise CheckFailed(1237, texts_server.STREAM_RESERVED)
    if store.streams.get(server, stream) is not None:
        raise CheckFailed(1230, texts_server.STREAM_EXISTS)
    return stream


def _new_kind(fields: Mapping[str, Any], store: Store, server: int) -> StreamType:
    kind = _kind(field_types.text(fields, "MessageStreamType") or "")
    if kind is StreamType.INBOUND and store.streams.listed(server, kind=kind):
        raise CheckFailed(1228, texts_server.SECOND_INBOUND)
    return kind


def _kind(name: str) -> StreamType:
    for key, kind in TYPES.items():
        if key.lower() == name.lower():
            return kind
    raise CheckFailed(1221, texts_server.BAD_STREAM_TYPE)


def _name(fields: Mapping[str, Any]) -> str:
    name = (field_types.text(fields, "Name") or "").strip()
    if len(name) > MAX_NAME:
        raise CheckFailed(1224, texts_server.STREAM_NAME_TOO_LONG)
    return name


def _description(fields: Mapping[str, Any]) -> str | None:
    description = field_types.text(fields, "Description")
    if description is not None and len(description) > MAX_DESCRIPTION:
        raise CheckFailed(1231, texts_server.DESCRIPTION_TOO_LONG)
    if _TAG.search(description or ""):
        raise CheckFailed(1234, texts_server.DESCRIPTION_HAS_HTML)
    return description


def _handling(fields: Mapping[str, Any], kind: StreamType) -> str | None:
    """The unsubscribe handling; None if it is not given."""
    settings = field_types.mapping(fields, "SubscriptionManagementConfiguration") or {}
    given = field_types.text(settings, "UnsubscribeHandlingType")
    if given is None:
        return None
    handling = next((name for name in HANDLING if name.lower() == given.lower()), None)
    if handling is None:
        raise CheckFailed(1240, texts_server.BAD_HANDLING)
    if handling == "Custom":  # D: support grants it
        raise CheckFailed(1238, texts_server.NO_CUSTOM_HANDLING)
    # D: a broadcast stream needs it; A: an inbound stream cannot have it
    wrong = "None" if kind is StreamType.BROADCAST else "Postmark"
    if handling == wrong and kind is not StreamType.TRANSACTIONAL:
        raise CheckFailed(1239, texts_server.WRONG_HANDLING)
    return handling


ROUTES: Final = {
    "/message-streams": {"GET": list_streams, "POST": create_stream},
    "/message-streams/{id}": {"GET": show_stream, "PATCH": edit_stream},
    "/message-streams/{id}/archive": {"POST": archive_stream},
    "/message-streams/{id}/unarchive": {"POST": unarchive_stream},
}
