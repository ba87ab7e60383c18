"""Readers made up for opens and clicks: programs, systems and places of Postmark's shapes. Pure.

The addresses of their networks are those that RFC 5737 keeps for documentation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from random import Random

_UNKNOWN: Final = {"Name": "unknown", "Company": "unknown", "Family": "unknown"}
_WINDOWS: Final = {"Name": "Windows 10", "Company": "Microsoft Corporation.", "Family": "Windows"}
_MAC: Final = {"Name": "macOS 14 Sonoma", "Company": "Apple Inc.", "Family": "macOS"}
_IOS: Final = {"Name": "iOS 17 (iPhone)", "Company": "Apple Inc.", "Family": "iOS"}
_ANDROID: Final = {"Name": "Android 14", "Company": "Google, Inc.", "Family": "Android"}
_LINUX: Final = {"Name": "Linux", "Company": "Canonical Ltd.", "Family": "Linux"}
_CHROME: Final = {"Name": "Chrome 131", "Company": "Google Inc.", "Family": "Chrome"}
_SAFARI: Final = {"Name": "Safari 17", "Company": "Apple Inc.", "Family": "Safari"}
_MOBILE_SAFARI: Final = {
    "Name": "Mobile Safari 17",
    "Company": "Apple Inc.",
    "Family": "Mobile Safari",
}
_CHROME_MOBILE: Final = {
    "Name": "Chrome Mobile 131",
    "Company": "Google Inc.",
    "Family": "Chrome Mobile",
}
_EDGE: Final = {"Name": "Edge 131", "Company": "Microsoft Corporation.", "Family": "Edge"}
_FIREFOX: Final = {"Name": "Firefox 133", "Company": "Mozilla Foundation", "Family": "Firefox"}
_WEBKIT: Final = "AppleWebKit/605.1.15 (KHTML, like Gecko)"
_BLINK: Final = "AppleWebKit/537.36 (KHTML, like Gecko)"


@dataclass(frozen=True, slots=True)
class _Kind:
    """One kind of reader: how often it occurs, how it opens and how it clicks."""

    weight: int
    platform: str
    client: dict[str, str]
    os: dict[str, str]
    agent: str
    browser: dict[str, str]
    browser_os: dict[str, str]
    browser_agent: str
    shows_place: bool = True


def _client(name: str, company: str, family: str = "") -> dict[str, str]:
    return {"Name": name, "Company": company, "Family": family or name}


_CHROME_ON_WINDOWS: Final = (
    f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {_BLINK} Chrome/131.0.0.0 Safari/537.36"
)
_SAFARI_ON_IPHONE: Final = (
    f"Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) {_WEBKIT} Version/17.5"
    " Mobile/15E148 Safari/604.1"
)
_KINDS: Final = (
    _Kind(
        34,
        "WebMail",
        _client("Gmail", "Google"),
        _UNKNOWN,
        "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)",
        _CHROME,
        _WINDOWS,
        _CHROME_ON_WINDOWS,
        shows_place=False,  # O: the proxy of Gmail hides where the reader is
    ),
    _Kind(
        24,
        "Mobile",
        _client("iPhone Mail", "Apple Inc.", "Apple Mail"),
        _IOS,
        f"Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) {_WEBKIT} Mobile/15E148",
        _MOBILE_SAFARI,
        _IOS,
        _SAFARI_ON_IPHONE,
    ),
    _Kind(
        12,
        "Desktop",
        _client("Apple Mail", "Apple Inc."),
        _MAC,
        f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {_WEBKIT}",
        _SAFARI,
        _MAC,
        f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {_WEBKIT} Version/17.5 Safari/605.1.15",
    ),
    _Kind(
        14,
        "Desktop",
        _client("Outlook 2019", "Microsoft Corporation.", "Outlook"),
        _WINDOWS,
        "Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0.17328; Pro)",
        _EDGE,
        _WINDOWS,
        f"{_CHROME_ON_WINDOWS} Edg/131.0.0.0",
    ),
    _Kind(
        7,
        "WebMail",
        _client("Outlook.com", "Microsoft Corporation."),
        _WINDOWS,
        _CHROME_ON_WINDOWS,
        _CHROME,
        _WINDOWS,
        _CHROME_ON_WINDOWS,
    ),
    _Kind(
        5,
        "Mobile",
        _client("Android Mail", "Google, Inc."),
        _ANDROID,
        f"Mozilla/5.0 (Linux; Android 14; Pixel 8) {_BLINK} Version/4.0 Chrome/131.0.0.0 Mobile",
        _CHROME_MOBILE,
        _ANDROID,
        f"Mozilla/5.0 (Linux; Android 14; Pixel 8) {_BLINK} Chrome/131.0.0.0 Mobile Safari/537.36",
    ),
    _Kind(
        3,
        "Desktop",
        _client("Thunderbird", "Mozilla Foundation"),
        _LINUX,
        "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Thunderbird/128.5.0",
        _FIREFOX,
        _LINUX,
        "Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0",
    ),
    _Kind(
        1,
        "Unknown",
        {},
        {},
        "",
        _CHROME,
        _WINDOWS,
        _CHROME_ON_WINDOWS,
        shows_place=False,
    ),
)
_PLACES: Final = tuple(
    {
        "CountryISOCode": country_code,
        "Country": country,
        "RegionISOCode": region_code,
        "Region": region,
        "City": city,
        "Zip": postcode,
        "Coords": coordinates,
        "IP": f"203.0.113.{number}",
    }
    for number, (country_code, country, region_code, region, city, postcode, coordinates) in (
        enumerate(
            (
                ("US", "United States", "NY", "New York", "New York", "10001", "40.7506,-73.9972"),
                ("US", "United States", "IL", "Illinois", "Chicago", "60601", "41.8858,-87.6229"),
                (
                    "US",
                    "United States",
                    "CA",
                    "California",
                    "Oakland",
                    "94612",
                    "37.8085,-122.2668",
                ),
                ("GB", "United Kingdom", "ENG", "England", "London", "EC1A", "51.5200,-0.0970"),
                ("DE", "Germany", "BE", "Land Berlin", "Berlin", "10115", "52.5323,13.3846"),
                ("FR", "France", "IDF", "Île-de-France", "Paris", "75001", "48.8592,2.3417"),
                ("IN", "India", "KA", "Karnataka", "Bengaluru", "560001", "12.9719,77.5937"),
                ("BR", "Brazil", "SP", "São Paulo", "São Paulo", "01000", "-23.5475,-46.6361"),
                ("JP", "Japan", "13", "Tokyo", "Tokyo", "100-0001", "35.6841,139.7528"),
                ("AU", "Australia", "VIC", "Victoria", "Melbourne", "3000", "-37.8159,144.9669"),
            ),
            start=1,
        )
    )
)
_WEIGHTS: Final = [kind.weight for kind in _KINDS]


@dataclass(frozen=True, slots=True)
class Reader:
    """How one recipient reads.

    Attributes:
        opening: what an open records, as ``Event.reader``.
        clicking: what a click records.
    """

    opening: dict[str, Any]
    clicking: dict[str, Any]


_READERS: Final[dict[tuple[int, int], Reader]] = {}


def reader(chance: Random) -> Reader:
    """The reader of a recipient; the same one for all that this recipient does."""
    kind = chance.choices(range(len(_KINDS)), _WEIGHTS)[0]
    place = chance.randrange(len(_PLACES))
    if (kind, place) not in _READERS:
        _READERS[kind, place] = _made(_KINDS[kind], _PLACES[place])
    return _READERS[kind, place]


def _made(kind: _Kind, place: dict[str, str]) -> Reader:
    return Reader(
        {
            "Client": kind.client,
            "OS": kind.os,
            "Platform": kind.platform,
            "UserAgent": kind.agent,
            "Geo": place if kind.shows_place else {},
        },
        {
            "Client": kind.browser,
            "OS": kind.browser_os,
            "Platform": "Mobile" if kind.platform == "Mobile" else "Desktop",
            "UserAgent": kind.browser_agent,
            "Geo": place,
        },
    )
