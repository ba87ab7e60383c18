"""Advisory locks: one writer of a ledger at a time, and one sender of a campaign.

The lock of a campaign belongs to the session, on the connection that claims its batches: without
the connection there is neither the lock nor a claim. A pooler that gives one session to several
clients breaks this, and is refused.
"""

from __future__ import annotations

import hashlib
import secrets
from typing import TYPE_CHECKING, Final

from mailframe.errors import LedgerError
from mailframe.send.ledger.postgres.connection import connect, named_errors

if TYPE_CHECKING:
    from collections.abc import Collection

    from mailframe.paths import LedgerUrl
    from mailframe.send.ledger.postgres.connection import Connection
    from mailframe.send.ledger.records import CampaignRecord

TOKEN: Final = "mailframe.session"  # noqa: S105 - the name of a setting
"""A setting of our own: each session has another value, and a new one has none."""
_HELD: Final = (
    "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 1 AND granted "
    "AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) "
    "AND mode = 'ExclusiveLock' AND ((classid::bigint << 32) | objid::bigint) "
    "= ANY (ARRAY[{keys}]::bigint[])"
)
_SESSION: Final = f"SELECT pg_backend_pid(), coalesce(current_setting('{TOKEN}', true), '')"


def ledger_key(schema: str) -> int:
    """The key of the lock that each writing transaction of a ledger takes."""
    return _key("ledger", schema)


def campaign_key(schema: str, campaign: CampaignRecord) -> int:
    """The key of the lock of a campaign; the same for a campaign that is not recorded yet."""
    return _key("campaign", schema, campaign.scope, campaign.name)


def _key(*parts: str) -> int:
    digest = hashlib.blake2b("\0".join(parts).encode(), digest_size=8, person=b"mf-lock").digest()
    return int.from_bytes(digest, signed=True)


def count_held(keys: Collection[int], *, own: bool) -> str:
    """A query that counts the locks with these keys: own ones, or those of any session."""
    query = _HELD.format(keys=", ".join(map(str, keys)))
    return f"{query} AND pid = pg_backend_pid()" if own else query


def mark_session(connection: Connection, url: LedgerUrl) -> str:
    """Give the session a token of its own, and test that it is kept and that its locks work.

    Returns:
        The token.

    Raises:
        LedgerError: another client has used the session, or uses it now.
    """
    token = secrets.token_hex(8)
    with named_errors(url, "the ledger cannot be used"):
        is_own = _is_own(connection, url, token)
    if not is_own:
        raise lost_session(url)
    return token


def lost_session(url: LedgerUrl) -> LedgerError:
    """The error of a session that several clients share."""
    return LedgerError(
        f"{url}: a pooler between this machine and the server gives one session to several clients "
        "(PgBouncer with pool_mode=transaction or statement?), and a lock does not keep other "
        "senders out there. Connect to the server itself, or to a pool with pool_mode=session; "
        "nothing more was sent"
    )


def _is_own(connection: Connection, url: LedgerUrl, token: str) -> bool:
    key = secrets.randbits(63)
    pid, before = connection.execute(_SESSION).fetchone() or (0, "")
    connection.execute("SELECT set_config(%s, %s, false)", (TOKEN, token))
    connection.execute("SELECT pg_advisory_lock(%s)", (key,))
    with connect(url) as other:
        # within a transaction, a pooler gives the other client a session that is free now
        with other.transaction():
            theirs = other.execute(_SESSION).fetchone()
            taken = other.execute("SELECT pg_try_advisory_xact_lock(%s)", (key,)).fetchone()
            ours = connection.execute(_SESSION).fetchone()
            still = connection.execute(count_held([key], own=True)).fetchone()
        is_separate = theirs is not None and theirs[0] != pid and theirs[1] == ""
    is_kept = ours == (pid, token) and still == (1,)
    released = connection.execute("SELECT pg_advisory_unlock(%s)", (key,)).fetchone()
    return before == "" and is_separate and is_kept and taken == (False,) and released == (True,)
