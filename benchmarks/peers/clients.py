"""The contestants: each sends a frame by its documented way to send many different messages.

All get the same rendered messages, 500 at a time, from one careful caller: it catches the error
of each request, checks the length of each answer, and joins by position. A row of which a client
says nothing is ``unknown``.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

from benchmarks import loops
from benchmarks.letter import compose
from benchmarks.server import client as http_client
from benchmarks.server import postmark

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    import pandas as pd

    Message = dict[str, Any]
    Post = Callable[[list[Message]], list["Answer"]]

Outcome = Literal["accepted", "rejected", "unsent", "unknown"]
_TOO_MANY: Final = 429
_STATUSES: Final[Mapping[str, Outcome]] = {"sent": "accepted", "queued": "accepted"}


class Answer(NamedTuple):
    """What the caller holds about one row.

    Attributes:
        outcome: ``unknown`` if the client gave no answer for the row, ``unsent`` if the server
            refused the whole request before it processed anything.
        message_id: of an accepted message.
        text: Postmark's message, or the error.
    """

    outcome: Outcome
    message_id: str | None
    text: str


@dataclass(frozen=True, slots=True)
class Server:
    """Where to send, and how long to wait.

    Attributes:
        folder: of the ledger; only mailframe has one.
        timeout_s: the timeout of the client; None is its own default.
    """

    url: str
    token: str
    folder: Path
    timeout_s: float | None = None


@dataclass(frozen=True, slots=True)
class Client:
    """A contestant.

    Attributes:
        name: in the table.
        package: on PyPI; None without one.
        messages_a_request: that it puts in a request.
        send: sends a frame; returns its rows with the columns ``outcome``, ``MessageID``, ``text``.
        remembers: whether it knows in a second run what the first did; it then gets all rows again.
    """

    name: str
    package: str | None
    messages_a_request: int
    send: Callable[[pd.DataFrame, Server], pd.DataFrame]
    remembers: bool = False


def _mailframe(frame: pd.DataFrame, server: Server) -> pd.DataFrame:
    """``campaign.send`` with its ledger."""
    options = {} if server.timeout_s is None else {"timeout": server.timeout_s}
    target = postmark(server.url, token=server.token, **options)
    ledger = server.folder / "ledger.sqlite3"
    campaign = compose(frame)  # which asks nobody who is suppressed, as the others
    results = campaign.send(target, progress=False, ledger=ledger, check_suppressed=False)
    return results.rename(columns={"status": "outcome", "Message": "text"})


def _in_parts(
    frame: pd.DataFrame,
    server: Server,
    *,
    opened: Callable[[Server], AbstractContextManager[Post]],
) -> pd.DataFrame:
    """Render 500 messages, post them, go on; an error costs the answers of its request only."""
    answers: list[Answer] = []
    with opened(server) as post:
        for part in loops.parts(loops.records(frame), loops.Templates.compiled()):
            try:
                received = post(part)
                if len(received) != len(part):
                    raise ValueError(f"{len(received)} answers for {len(part)} messages")  # noqa: TRY301
            except Exception as error:  # noqa: BLE001 - each client has its own
                received = [_failed(error)] * len(part)
            answers += received
    columns = zip(*answers, strict=True) if answers else ((), (), ())
    return frame.assign(
        **{name: list(c) for name, c in zip(("outcome", "MessageID", "text"), columns, strict=True)}
    )


def _failed(error: BaseException) -> Answer:
    """A refusal with 429 is known to have sent nothing; every other error tells nothing."""
    outcome: Outcome = "unsent" if _http_status(error) == _TOO_MANY else "unknown"
    return Answer(outcome, None, f"{type(error).__name__}: {error}"[:200])


def _http_status(error: BaseException | None) -> int | None:
    while error is not None:
        response = getattr(error, "response", None)
        for holder, name in (
            (error, "http_status"),
            (error, "status_code"),
            (response, "status_code"),
        ):
            status = getattr(holder, name, None)
            if isinstance(status, int):
                return status
        error = error.__cause__
    return None


def _answers(items: Iterable[Mapping[str, Any]]) -> list[Answer]:
    """The items of Postmark's answer to a batch."""
    return [
        Answer(
            "rejected" if item.get("ErrorCode") else "accepted",
            item.get("MessageID"),
            item["Message"],
        )
        for item in items
    ]


@contextmanager
def _loop(server: Server) -> Iterator[Post]:
    """One ``httpx.Client``, which keeps its connection."""
    options = {} if server.timeout_s is None else {"timeout": server.timeout_s}
    with http_client(server.url, token=server.token, **options) as http:

        def post(part: list[Message]) -> list[Answer]:
            body = loops.encoded(part)
            return _answers(http.post("/email/batch", content=body).raise_for_status().json())

        yield post


@contextmanager
def _postmarker(server: Server) -> Iterator[Post]:
    """``emails.send_batch`` of its README; one requests.Session, which keeps its connection."""
    client = import_module("postmarker.core").PostmarkClient(
        server_token=server.token, root_api_url=f"{server.url}/", timeout=server.timeout_s
    )
    yield lambda part: _answers(client.emails.send_batch(*part))


@contextmanager
def _official(server: Server) -> Iterator[Post]:
    """``outbound.send_batch`` of the synchronous client of its README; it retries by itself."""
    options = {} if server.timeout_s is None else {"timeout": server.timeout_s}
    connect = import_module("postmark.sync").ServerClient
    with connect(server.token, base_url=server.url, **options) as client:

        def post(part: list[Message]) -> list[Answer]:
            sent = client.outbound.send_batch([_renamed(message, _OFFICIAL) for message in part])
            return [
                Answer("accepted" if item.success else "rejected", item.message_id, item.message)
                for item in sent
            ]

        yield post


@contextmanager
def _pystmark(server: Server) -> Iterator[Post]:
    """``send_batch`` of its README; its messages have no metadata, each request a connection."""
    module: Any = import_module("pystmark")
    module.POSTMARK_API_URL_SECURE = f"{server.url}/"
    options = {} if server.timeout_s is None else {"timeout": server.timeout_s}

    def post(part: list[Message]) -> list[Answer]:
        messages = [module.Message(**_renamed(message, _PYSTMARK)) for message in part]
        response = module.send_batch(messages, api_key=server.token, **options)
        response.raise_for_status()
        return [
            Answer("rejected" if item.error_code else "accepted", item.id, item.message)
            for item in response.messages
        ]

    yield post


@contextmanager
def _anymail(server: Server) -> Iterator[Post]:
    """One connection for all messages, as Django's documentation shows it; a request a message.

    Its batch call takes one body for all recipients, so different messages go one by one.
    """
    settings = import_module("django.conf").settings
    if not settings.configured:
        # Without it, an object of Django raises when a test looks at all objects.
        settings.configure(STATIC_URL="static/")
    options = {} if server.timeout_s is None else {"timeout": server.timeout_s}
    connection = import_module("anymail.backends.postmark").EmailBackend(
        server_token=server.token,
        api_url=f"{server.url}/",
        **options,
    )
    connection.open()
    try:
        yield partial(_one_by_one, connection, import_module("anymail.message").AnymailMessage)
    finally:
        connection.close()


def _one_by_one(connection: Any, kind: Any, part: list[Message]) -> list[Answer]:
    answers = []
    for message in part:
        mail = kind(
            subject=message["Subject"],
            body=message["TextBody"],
            from_email=message["From"],
            to=[message["To"]],
            connection=connection,
            tags=[message["Tag"]],
            metadata=message["Metadata"],
            esp_extra={"MessageStream": message["MessageStream"]},
        )
        mail.attach_alternative(message["HtmlBody"], "text/html")
        answers.append(_anymail_answer(mail))
    return answers


def _anymail_answer(mail: Any) -> Answer:
    """Send one message; a rejection is an error, and the status beside it says what happened."""
    failure = Answer("unknown", None, "")
    try:
        mail.send()
    except Exception as error:  # noqa: BLE001 - each client has its own
        failure = _failed(error)
    for status in mail.anymail_status.recipients.values():
        outcome = _STATUSES.get(status.status, "rejected")
        return Answer(outcome, status.message_id, status.status)
    return failure


_OFFICIAL: Final[Mapping[str, str]] = {
    "From": "sender",
    "To": "to",
    "Subject": "subject",
    "Tag": "tag",
    "HtmlBody": "html_body",
    "TextBody": "text_body",
    "Metadata": "metadata",
    "MessageStream": "message_stream",
}
_PYSTMARK: Final[Mapping[str, str]] = {
    "From": "sender",
    "To": "to",
    "Subject": "subject",
    "Tag": "tag",
    "HtmlBody": "html",
    "TextBody": "text",
    "MessageStream": "message_stream",
}


def _renamed(message: Message, names: Mapping[str, str]) -> Message:
    return {new: message[old] for old, new in names.items()}


LOOP: Final = "loop by hand"
CLIENTS: Final[Mapping[str, Client]] = {
    each.name: each
    for each in (
        Client(LOOP, None, 500, partial(_in_parts, opened=_loop)),
        Client("mailframe", None, 500, _mailframe, remembers=True),
        Client("postmarker", "postmarker", 500, partial(_in_parts, opened=_postmarker)),
        Client("postmark-python", "postmark-python", 500, partial(_in_parts, opened=_official)),
        Client("pystmark", "pystmark", 500, partial(_in_parts, opened=_pystmark)),
        Client("django-anymail", "django-anymail", 1, partial(_in_parts, opened=_anymail)),
    )
}
