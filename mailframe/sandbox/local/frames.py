"""What the sandbox keeps as DataFrames; the only module of the sandbox that needs pandas."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import pandas as pd

from mailframe.pandas_versions import as_dtype, text_column
from mailframe.sandbox.checks.request_json import TEXT_FIELDS
from mailframe.sandbox.state.clock import timestamp

if TYPE_CHECKING:
    from mailframe.sandbox.state.store import Store

MESSAGE_DTYPES = {
    "MessageID": "str",
    "SubmittedAt": "datetime64[ns, UTC]",
    **dict.fromkeys(TEXT_FIELDS, "str"),
    "ServerID": "int64",
    "MessageStream": "str",
    "Metadata": "object",
    "Headers": "object",
    "Attachments": "object",
    "request": "int64",
}
REQUEST_DTYPES = {
    "number": "Int64",
    "method": "str",
    "path": "str",
    "messages": "int64",
    "bytes": "int64",
    "http_status": "Int64",
    "fault": "str",
    "accepted": "int64",
}
SUPPRESSION_DTYPES = {
    "EmailAddress": "str",
    "SuppressionReason": "str",
    "Origin": "str",
    "CreatedAt": "datetime64[ns, UTC]",
    "ServerID": "int64",
}
BOUNCE_DTYPES = {
    "ID": "int64",
    "Type": "str",
    "Email": "str",
    "MessageID": "str",
    "ServerID": "int64",
    "MessageStream": "str",
    "BouncedAt": "datetime64[ns, UTC]",
}
WEBHOOK_DELIVERY_DTYPES = {
    "ID": "int64",
    "WebhookID": "int64",
    "ServerID": "int64",
    "RecordType": "str",
    "MessageID": "str",
    "Url": "str",
    "TraceID": "str",
    "Status": "str",
    "Attempts": "int64",
    "HttpStatus": "Int64",
    "Error": "str",
    "CreatedAt": "datetime64[ns, UTC]",
    "NextAt": "datetime64[ns, UTC]",
}
EVENT_DTYPES = {
    "RecordType": "str",
    "MessageID": "str",
    "ServerID": "int64",
    "MessageStream": "str",
    "Recipient": "str",
    "At": "datetime64[ns, UTC]",
    "Tag": "str",
    "Details": "object",
}


# The server is an ID; None is all servers.


def messages_frame(store: Store, server: int | None, *, delivered: bool = False) -> pd.DataFrame:
    """One row per message, in the order of acceptance."""
    with store.lock:
        rows = [
            (message.as_delivered_row() if delivered else message.as_row())
            | {"ServerID": message.server}
            for message in store.messages.all(server)
        ]
    return frame(rows, MESSAGE_DTYPES)


def requests_frame(store: Store) -> pd.DataFrame:
    """One row per request, in the order of arrival."""
    return frame([asdict(record) for record in store.requests.all()], REQUEST_DTYPES)


def suppressions_frame(store: Store, server: int | None, stream: str) -> pd.DataFrame:
    """One row per suppressed address of *stream*: server by server, in the order of suppression."""
    with store.lock:
        rows = [
            row | {"ServerID": one}
            for one in (store.servers.ids() if server is None else [server])
            for row in store.suppressions.listed(one, stream)
        ]
    return frame(rows, SUPPRESSION_DTYPES)


def bounces_frame(store: Store, server: int | None) -> pd.DataFrame:
    """One row per bounce."""
    rows = [
        {
            "ID": row["id"],
            "Type": row["kind"],
            "Email": row["address"],
            "MessageID": row["message_id"],
            "ServerID": row["server"],
            "MessageStream": row["stream"],
            "BouncedAt": timestamp(row["bounced_ns"]),
        }
        for row in store.bounces.all()
        if server in (None, row["server"])
    ]
    return frame(rows, BOUNCE_DTYPES)


def webhook_deliveries_frame(store: Store, server: int | None) -> pd.DataFrame:
    """One row per delivery of a webhook, in the order of queuing."""
    rows = [row for row in store.webhook_queue.all() if server in (None, row["ServerID"])]
    return frame(rows, WEBHOOK_DELIVERY_DTYPES)


def events_frame(store: Store, server: int | None) -> pd.DataFrame:
    """One row per recorded event, in the order of recording."""
    rows = [
        {
            "RecordType": str(event.kind),
            "MessageID": event.message_id,
            "ServerID": event.server,
            "MessageStream": event.stream,
            "Recipient": event.recipient,
            "At": timestamp(event.at_ns),
            "Tag": event.tag,
            "Details": event.details | event.reader,
        }
        for event in store.events.all()
        if server in (None, event.server)
    ]
    return frame(rows, EVENT_DTYPES)


def frame(rows: list[dict[str, Any]], dtypes: dict[str, str]) -> pd.DataFrame:
    """A DataFrame of *rows* with fixed columns and dtypes, also without rows."""
    columns: dict[str, pd.Series[Any]] = {}
    for name, dtype in dtypes.items():
        values = [row[name] for row in rows]
        if dtype.startswith("datetime64"):
            read: pd.Series[Any] = pd.to_datetime(text_column(values), utc=True, format="ISO8601")
            columns[name] = as_dtype(read, dtype)
        elif dtype == "str":
            columns[name] = text_column(values)
        else:
            columns[name] = pd.Series(values, dtype=dtype)
    return pd.DataFrame(columns)
