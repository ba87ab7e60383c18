"""Filters of the invitation: local times, and times of a calendar file."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

_ZONES = {
    "DE": "Europe/Berlin",
    "FR": "Europe/Paris",
    "GB": "Europe/London",
    "JP": "Asia/Tokyo",
    "NO": "Europe/Oslo",
    "PL": "Europe/Warsaw",
    "US": "America/New_York",
}


def local(moment: datetime, country: str) -> str:
    """The time in the capital, or for the US in New York: ``14:00 Berlin time``."""
    zone = _ZONES.get(country, "UTC")
    city = zone.rpartition("/")[2].replace("_", " ")
    return f"{moment.astimezone(ZoneInfo(zone)):%H:%M} {city} time"


def utc(moment: datetime) -> str:
    """A time as in a calendar file (RFC 5545, 3.3.5): ``20261210T130000Z``."""
    return f"{moment.astimezone(UTC):%Y%m%dT%H%M%SZ}"
