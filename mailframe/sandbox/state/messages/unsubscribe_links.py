"""The unsubscribe link of each recipient of each message, which points at the sandbox."""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING, Final

from mailframe.sandbox.checks.account import StreamType

if TYPE_CHECKING:
    from mailframe.sandbox.state.messages.stored_message import StoredMessage
    from mailframe.sandbox.state.store import Store

PATH: Final = "/_sandbox/unsubscribe/{id}/{code}"
NO_SOCKET_URL: Final = "http://127.0.0.1:0"
"""The base URL of a sandbox without a socket: nothing can connect to port 0."""
_KEY: Final = "unsubscribe key"
_CODE_BYTES: Final = 12


class UnsubscribeLinks:
    """Makes and reads the links.

    The path has the MessageID and a code of the recipient. The code is a keyed hash, so it shows no
    address, and who has one link cannot make another.

    Args:
        store: the state of the sandbox, for the URL, the streams and the key.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self.restart()

    def restart(self) -> None:
        """Read the key of the database when it is needed."""
        self._key = b""

    def handled(self, message: StoredMessage) -> bool:
        """Whether Postmark handles unsubscriptions from the stream of *message*."""
        if message.kind is not StreamType.BROADCAST:
            return False
        row = self._store.streams.get(message.server, message.stream)
        return row is None or row["unsubscribe"] == "Postmark"

    def url(self, message: StoredMessage, address: str) -> str:
        """The link for the recipient with that *address*."""
        path = PATH.format(id=message.message_id, code=self._code(message, address))
        return f"{self._store.url or NO_SOCKET_URL}{path}"

    def address(self, message: StoredMessage, code: str) -> str | None:
        """The recipient of *message* whose link has this *code*; None if there is none."""
        for recipient in message.recipients:
            if hmac.compare_digest(self._code(message, recipient.address).encode(), code.encode()):
                return recipient.address
        return None

    def _code(self, message: StoredMessage, address: str) -> str:
        if not self._key:
            self._key = bytes.fromhex(self._kept_key())
        named = f"{message.message_id}\0{address.lower()}".encode()
        return hashlib.blake2b(named, key=self._key, digest_size=_CODE_BYTES).hexdigest()

    def _kept_key(self) -> str:
        key: str | None = self._store.kept_values.get(_KEY)
        if key is None:
            key = self._store.random.take().hex()
            self._store.kept_values.set(_KEY, key)
        return key
