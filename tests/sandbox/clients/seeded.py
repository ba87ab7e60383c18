"""What every client finds: mail that was opened, clicked and bounced, and mail that came in."""

from __future__ import annotations

import itertools
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mailframe.sandbox import LocalPostmark
from tests.sandbox.api_docs import endpoints_called
from tests.sandbox.sandbox_mail import client, mail

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import httpx

SERVER_TOKEN, ACCOUNT_TOKEN = "server-token", "account-token"
SENDER, RECIPIENT = "hello@example.com", "ann@example.com"
BOUNCING = "hardbounce@bounce-testing.postmarkapp.com"
OPENED = mail(
    Subject="Your offer",
    HtmlBody='<p>Hi <a href="https://acme.example/offer">Offer</a></p>',
    Tag="welcome",
    Metadata={"customer": "7"},
    TrackOpens=True,
    TrackLinks="HtmlAndText",
)
INBOUND = {"From": "Bob <bob@example.com>", "Subject": "A question", "TextBody": "Hi Acme"}


@dataclass(frozen=True)
class Seeded:
    """A sandbox with mail, and what a client needs to call it.

    Attributes:
        message_id: of a message to RECIPIENT that was opened and clicked.
        bounce_id: of a hard bounce.
        inbound_id: of the one message that came in.
        own_requests: those of ``http``, by method and path.
    """

    sandbox: LocalPostmark
    http: httpx.Client
    message_id: str
    bounce_id: int
    inbound_id: str
    own_requests: Counter[tuple[str, str]]
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def endpoints(self) -> set[str]:
        """The endpoints that the client called; what the tests asked themselves is not counted."""
        frame = self.sandbox.requests()
        requests = Counter(zip(frame["method"], frame["path"], strict=True))
        return endpoints_called(requests - self.own_requests)

    def name(self, start: str) -> str:
        """A name that no other call uses."""
        return f"{start}-{next(self.numbers)}"

    def bounce(self) -> int:
        """The ID of a new bounce, for calls that change one."""
        return _bounced(self.http, f"{self.name('gone')}@bounce-testing.postmarkapp.com")


@dataclass(frozen=True)
class Call:
    """One call of a client, and what its answer must show.

    Attributes:
        ask: makes the call, and returns what is compared.
        expected: equal to what *ask* returns.
    """

    ask: Callable[[Any], Any]
    expected: Any


@contextmanager
def seeded() -> Iterator[Seeded]:
    """A sandbox on a real socket, with mail."""
    own: Counter[tuple[str, str]] = Counter()
    with LocalPostmark(tokens=[SERVER_TOKEN]) as sandbox, client(sandbox) as http:
        http.event_hooks["request"].append(lambda sent: own.update([(sent.method, sent.url.path)]))
        message_id = http.post("/email", json=OPENED).json()["MessageID"]
        sandbox.simulate(opens=1, clicks=1, seed=1)
        bounce_id = _bounced(http, BOUNCING)
        inbound_id = http.post("/_sandbox/inbound", json=INBOUND).json()["MessageID"]
        yield Seeded(sandbox, http, message_id, bounce_id, inbound_id, own)


def _bounced(http: httpx.Client, address: str) -> int:
    sent = http.post("/email", json=mail(To=address)).json()
    page = http.get("/bounces", params={"count": 1, "offset": 0, "messageID": sent["MessageID"]})
    return page.json()["Bounces"][0]["ID"]
