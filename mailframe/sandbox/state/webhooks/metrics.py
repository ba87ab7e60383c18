"""How the requests to a webhook ended in the last 24 hours, on the clock of the sandbox."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from mailframe.sandbox.state.clock import HOUR_NS

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from mailframe.sandbox.state.database import Database

HOURS: Final = 24  # D
SLOW_MS, VERY_SLOW_MS = 1000, 5000  # A; Postmark names no limits
_ATTEMPTS: Final = """
select d.kind, a.number, a.duration_ms, d.status = 'delivered' as is_delivered,
    a.number = d.attempts and d.status not in ('waiting', 'sending') as is_last
from webhook_attempts a join webhook_deliveries d on d.id = a.delivery
where d.webhook = ? and a.at_ns > ?
"""


def attempts_of(database: Database, *, webhook: int, now_ns: int) -> Sequence[sqlite3.Row]:
    """The attempts of the last 24 hours: ``kind``, ``number``, ``duration_ms``, how they ended.

    Args:
        database: the database with the deliveries and their attempts.
        webhook: the ID of the webhook.
        now_ns: the time of the sandbox.
    """
    return database.rows(_ATTEMPTS, webhook, now_ns - HOURS * HOUR_NS)


def metrics(attempts: Sequence[sqlite3.Row]) -> dict[str, Any]:
    """The numbers that Postmark shows of *attempts*.

    A request has ended by its last attempt: it succeeded or failed. Each attempt after the first
    is a retry (A). The averages are null without such attempts (D for retries).

    >>> metrics([])["SuccessRate"], metrics([])["AverageRetryResponseTimeMs"]
    (0.0, None)
    """
    ends = [row for row in attempts if row["is_last"]]
    retries = [row for row in attempts if row["number"] > 1]
    successes = sum(row["is_delivered"] for row in ends)
    return {
        "TotalRequests": len(ends),
        "SuccessCount": successes,
        "FailureCount": len(ends) - successes,
        "RetryCount": len(retries),
        "SuccessRate": round(100 * successes / len(ends), 1) if ends else 0.0,
        "SlowCount": sum(SLOW_MS <= row["duration_ms"] < VERY_SLOW_MS for row in attempts),
        "VerySlowCount": sum(row["duration_ms"] >= VERY_SLOW_MS for row in attempts),
        "AverageTerminalResponseTimeMs": _average_ms(ends),
        "AverageRetryResponseTimeMs": _average_ms(retries),
    }


def _average_ms(attempts: Sequence[sqlite3.Row]) -> int | None:
    return round(sum(row["duration_ms"] for row in attempts) / len(attempts)) if attempts else None
