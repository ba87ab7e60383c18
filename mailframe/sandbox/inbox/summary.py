"""What a notebook shows of a sandbox."""

from __future__ import annotations

from mailframe.pages.summary import Summary


def summary_html(name: str, *, url: str | None, is_open: bool, messages: int, requests: int) -> str:
    """Where it is and what arrived, with a link to its inbox; without a token.

    Args:
        name: the name of its class.
        url: the URL, if it has a socket.
        is_open: whether it accepts requests.
        messages: the number of messages.
        requests: the number of requests.
    """
    return Summary(
        name,
        about="a local Postmark; nothing is delivered",
        counts=[
            (f"{messages:,}", "message" if messages == 1 else "messages", ""),
            (f"{requests:,}", "request" if requests == 1 else "requests", ""),
        ],
        chips=[("good", "open") if is_open else ("", "closed")],
        lines=[("URL", url)] if url else [],
        link=(f"{url}/", "Open the inbox") if url else None,
        steps=[(".messages()", "has what arrived")] if messages else [],
    ).html()
