"""The methods of ``df.mail`` that tell what happened after a send."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping

    import pandas as pd

    import mailframe as mf


class OutcomeMethods:
    """The outcomes of results; ``MailAccessor`` has these methods."""

    if TYPE_CHECKING:

        @property
        def _results(self) -> pd.DataFrame:
            """The frame with columns that pandas can use."""

    def refresh(
        self, source: mf.Postmark | pd.DataFrame, *, details: int = 0, progress: bool = True
    ) -> pd.DataFrame:
        """The results with what happened to each message since it was accepted, from Postmark.

        Opens, clicks, bounces and unsubscribes are read from lists, never one request per message,
        and joined by MessageID. Another refresh of what this one returned reads only what is new.
        Privacy proxies open emails that nobody reads, and mail programs that load no images are not
        counted: an open is not a reader.

        Args:
            source: the server that the messages were sent through, or the events of
                ``mf.read_events``, which are joined by MessageID; nothing is asked then, and a
                count without an event is missing.
            details: for how many messages to ask one by one when they were delivered, which no list
                says; those first in the order of the rows that have no ``delivered_at``.
            progress: whether to show a progress bar.

        Returns:
            The same rows and columns, with ``To`` and ``SubmittedAt`` also of the rows of an
            earlier run, and ``outcome``, ``delivered_at``, ``opened_at``, ``opens``,
            ``clicked_at``, ``clicks``, ``bounce_type``, ``bounce_detail`` and ``unsubscribed_at``;
            missing where a row was not accepted, and where Postmark does not store it any more.

        Raises:
            AccountError: Postmark does not answer or refuses; ``results`` has what was read before.
            ResultsError: this is not a results DataFrame.

        >>> people = pd.DataFrame({"email": ["ann@example.com", "bob@example.com"]})
        >>> with mf.Sandbox(in_process=True) as sandbox:
        ...     campaign = people.mail.compose(
        ...         sender="me@acme.example", to="{{ email }}", subject="Hi", text_body="Hi",
        ...         track_opens=True, name="hello",
        ...     )
        ...     results = campaign.send(sandbox.server, progress=False)
        ...     outcome = sandbox.simulate(opens=0.5, seed=2)
        ...     results.mail.refresh(sandbox.server)[["email", "outcome", "opens"]]
                     email   outcome  opens
        0  ann@example.com  accepted      0
        1  bob@example.com    opened      1
        """
        from mailframe.outcomes.refreshing import refresh

        return refresh(self._results, source, details=details, progress=progress)

    def funnel(self, by: Hashable | list[Hashable] | None = None) -> pd.DataFrame:
        """How many of the accepted messages reached each stage, also for each value of a column.

        Privacy proxies open emails that nobody reads, so ``opened`` is good to compare groups, and
        no number of readers.

        Args:
            by: the label of any column, or a list of labels; None is all rows together.

        Returns:
            One row per stage, below each value of *by*: ``accepted``, ``delivered``, ``opened``,
            ``clicked``, ``bounced``, ``unsubscribed``, ``complained``. ``rows`` is their number,
            missing where nothing is known; ``share`` is from 0 to 1, of the rows of which it is
            known. ``delivered`` is missing unless a webhook records deliveries.

        Raises:
            FrameError: there is no such column, or a cell such as a list cannot be counted.
            ResultsError: these are no results after a refresh.
        """
        from mailframe.outcomes.funnel import funnel

        return funnel(self._results, by)

    def compare(
        self,
        outcome: object,
        *,
        by: Hashable | list[Hashable] | None = None,
        baseline: str | None = None,
        level: float = 0.95,
        weights: Mapping[str, float] | None = None,
        holdout: float | None = None,
    ) -> pd.DataFrame:
        """The outcome of each variant, and of those who got the message and the holdout.

        The rows that are compared were posted, now or earlier, or are the holdout, each in the
        group that it was assigned to. It is shown with a sentence for each difference.

        Args:
            outcome: a column of yes and no (True, False, 1, 0) or of other numbers; ``"opened"``,
                ``"clicked"`` or another word of the outcomes of a refresh; or a condition: a
                Series, a callable or ``pd.col``. What happens to emails, only variants can have.
            by: the label of a column from before the assignment, or a list of labels: the
                difference is that of groups with the same shares of its values.
            baseline: the variant that the others are compared with; by default the first name in
                alphabetical order, or of the categories of a categorical column.
            level: the level of the intervals. With more than two variants the intervals hold all
                together, and the p values are adjusted (Bonferroni).
            weights: the weight of each variant, if ``attrs`` lost those of ``compose``; by default
                equal ones. They only check the sizes of the groups.
            holdout: the share of the holdout, likewise; by default its size is not checked then.

        Returns:
            One row per group, by ``comparison`` (``variant``, ``holdout``) and ``group``: ``n``;
            ``expected``, as it was assigned; ``successes`` and ``rate``, or ``total`` and ``mean``
            of numbers; ``difference`` to the first row, ``low``, ``high``, ``p_value``. Rates have
            the interval of Newcombe, means that of Welch.

        Raises:
            MissingExtra: SciPy is not installed: ``pip install "mailframe[stats]"``.
            FrameError: there is no such column, a value is missing or no number, or a value of
                *by* has too few rows of a group.
            ResultsError: this is not a results DataFrame, it has no two groups, or several rows of
                one message, as after a merge with a table that has several rows per person.
            MailframeError: *level*, *weights* or *holdout* is wrong.

        Warns:
            MailframeWarning: the sizes of the groups are not those that were assigned, or rows are
                unsent, so that the holdout is of more rows than those who got the message.
        """
        from mailframe.outcomes.compare import compare

        return compare(
            self._results,
            outcome,
            by=by,
            baseline=baseline,
            level=level,
            weights=weights,
            holdout=holdout,
        )

    def links(self) -> pd.DataFrame:
        """The clicks on each link, for the rows of this DataFrame.

        Returns:
            One row per link, the most clicks first: ``link``, ``clicks``, ``rows`` (messages in
            which it was clicked) and ``share``, their share of the accepted rows.

        Raises:
            ResultsError: these are no results after a refresh, or a file, which keeps no links.
        """
        from mailframe.outcomes.links import links

        return links(self._results)
