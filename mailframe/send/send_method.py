"""The method ``send`` of campaigns, whose messages this process renders or others have rendered."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Generic, Literal

from mailframe.message.given_frame import FrameT
from mailframe.paths import DEFAULT_LEDGER, ledger_path
from mailframe.results.parquet_parts import results_path
from mailframe.send.frequency_cap import read_frequency_cap
from mailframe.send.options import SendOptions, key_list
from mailframe.send.pacing.pace import read_pacing
from mailframe.send.run import send

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Mapping
    from datetime import time, tzinfo

    from mailframe.paths import LedgerName
    from mailframe.postmark.client import Postmark
    from mailframe.send.excluded import Exclude
    from mailframe.send.sendable import Sendable


class SendMethod(Generic[FrameT]):
    """A campaign with the method ``send``; ``Campaign`` and ``DatasetCampaign`` are."""

    __slots__ = ()

    @property
    @abstractmethod
    def _sendable(self) -> Sendable:
        """What is sent."""

    def send(
        self,
        server: Postmark,
        *,
        on_invalid: Literal["raise", "skip"] = "raise",
        limit: int | None = None,
        workers: int = 1,
        progress: bool = True,
        ledger: LedgerName | None = DEFAULT_LEDGER,
        allow_changed: bool = False,
        allow_repeat: bool = False,
        resend: Iterable[object] | None = None,
        approved: str | None = None,
        dry_run: bool = False,
        recount: bool | None = None,
        results: str | os.PathLike[str] | None = None,
        exclude: Exclude = None,
        rate: str | None = None,
        window: tuple[str | time, str | time] | None = None,
        tz: str | tzinfo | None = None,
        stop_when: Mapping[str, float | str] | None = None,
        at_most: str | None = None,
        check_suppressed: bool = True,
    ) -> FrameT:
        """Post every message in batches, and return the frame with the status of each row.

        Args:
            server: ``sandbox.server`` or ``mf.Postmark()``.
            on_invalid: if a row has an error, ``raise`` sends nothing, ``skip`` the other rows.
            limit: the maximum number of messages; other rows stay ``unsent``. With a ledger the
                next call continues: ``limit=100`` today and ``limit=1_000`` tomorrow is a ramp-up.
            workers: the number of batches in flight; at most so many are unconfirmed after a crash.
            progress: whether to show a progress bar.
            ledger: the file that records each send, or ``postgresql://…``; ``MAILFRAME_LEDGER`` or
                one per user by default. With None nothing is recorded: a second call sends again.
            allow_changed: whether the rest gets this letter if rows were sent with an earlier one.
            allow_repeat: whether to send even if the same recipients have, or may have, the
                identical message: under another name or key, or from another row of this frame.
            resend: the keys of rows to send again although they were accepted or rejected before.
            approved: the approved ``fingerprint``; if the campaign has another one, nothing is
                sent. Case, spaces and dashes are ignored.
            dry_run: whether to stop before the first request, without a change of the ledger.
            recount: whether to ask before each batch if another ledger sends the campaign, too;
                None asks a live server, and no sandbox.
            results: a ``.parquet`` file for the results, with the key columns in place of all
                columns; it is written part by part, and takes the place of an existing file when
                the run has ended, with or without an error. ``mf.read_results`` reads it.
            exclude: who is left out, with the status ``skipped`` and the reason ``excluded``:
                addresses, keys, a frame or a ``.csv`` or ``.parquet`` file with them, or one truth
                value per row. What is in no row is ignored. Errors of these rows do not count.
            rate: the most messages in any second, minute, hour or day, such as ``5000/h``: a whole
                number and ``/s``, ``/min``, ``/h`` or ``/day``. Batches are smaller and spread over
                the time; what the ledger has of this campaign within the unit counts, too.
            window: two times of the day, such as ``("09:00", "18:00")``: batches go from the first
                to before the second, and the send waits for them. The second may be of the next
                day, as in ``("22:00", "06:00")``.
            tz: the time zone of *window*, such as ``Europe/Vienna``.
            stop_when: the shares of this call's messages beyond which it ends, from 100 messages
                on: ``{"rejected": 0.05, "bounced": "2%", "complained": "0.1%"}``. Postmark is asked
                for bounces and complaints every 30 seconds.
            at_most: how many emails a person may have, such as ``1 per 7 days`` (hours, days or
                weeks): those of all campaigns in the ledger count. Who has so many is ``skipped``
                with the reason ``frequency_cap``.
            check_suppressed: whether to ask Postmark first which streams it has and who is
                suppressed in them; these rows are ``skipped`` with the reason ``suppressed``. If
                Postmark does not answer, nothing is sent; with False it rejects these messages.

        Returns:
            The caller's kind of frame, rows, order, index and columns, and ``status``, ``reason``,
            ``MessageID``, ``ErrorCode``, ``Message``, ``SubmittedAt``, ``To``, ``batch`` and
            ``changed``. A batch without a clear answer is ``unknown``, is not repeated, and stops
            the send: later rows are ``unsent``. An interrupt (■) stops after the batches in flight,
            a second at once.
            With *results*, the number of rows of each status, as ``results.mail.summary()``.

        Raises:
            InvalidRows: a row has an error and *on_invalid* is ``raise``; nothing was sent.
            NotApproved: the fingerprint is not the approved one; nothing was sent.
            SendError: the send could not continue; the subclass says why. It has ``.results``.
            ResultsError: *results* cannot be written; where that shows before the first request,
                nothing was sent.
        """
        ledger = ledger_path(ledger)  # its URL must not be in a traceback with local variables
        options = SendOptions(
            on_invalid=on_invalid,
            limit=limit,
            workers=workers,
            progress=progress,
            ledger=ledger,
            allow_changed=allow_changed,
            allow_repeat=allow_repeat,
            resend=None if resend is None else key_list(resend),
            approved=approved,
            dry_run=dry_run,
            recount=recount,
            results=None if results is None else results_path(results),
            exclude=exclude,
            pacing=read_pacing(rate=rate, window=window, tz=tz, stop_when=stop_when),
            at_most=read_frequency_cap(at_most),
            check_suppressed=check_suppressed,
        )
        return send(self._sendable, server, options)  # type: ignore[no-any-return]
