"""Time of a tour: each row is rendered once with its branches, then stops are selected."""

from __future__ import annotations

import io
from contextlib import redirect_stderr
from typing import TYPE_CHECKING, Any, Final

import mailframe as mf
from benchmarks.frame import people
from benchmarks.report import Figure, Part, Ratio, Target
from benchmarks.timing import CPU, Case, Spread, interleaved
from mailframe.message.binding import bind
from mailframe.message.render import Renderer
from mailframe.review.tour import tour

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mailframe.message.binding import BoundLetter

_BODY: Final = """\
{% macro price(seats) %}{{ (seats * 4) | money("EUR") }}{% endmacro -%}
Hello {{ first_name | default("there") }},

{% if plan == "Free" -%}
your free plan goes on.
{%- elif plan == "Team" -%}
your team plan for {{ company }} renews at {{ price(seats) }}.
{%- elif plan == "Business" -%}
your business plan for {{ company }} renews at {{ price(seats) }}.
{%- else -%}
your plan {{ plan }} renews at {{ price(seats) }}.
{%- endif %}
{% if credit is missing %}You have no credit.
{%- elif credit < 0 %}You owe {{ credit | money("EUR") }}.
{%- else -%}
Your credit is {{ credit | money("EUR") }}.{% endif %}
{% if is_annual -%}
It is a yearly plan, {{ "the last for now" if tickets > 7 else "as before" }}.{% endif %}
{{ seats }} {{ "seat" if seats == 1 else "seats" }}
{%- if last_login %}, seen on {{ last_login | date }}{% endif %}.
{% for _ in range(tickets) %}*{% else %}No tickets.{% endfor %}
{{ satisfaction | default("no") }} points, {{ city or "nowhere" }}.
"""
LETTER: Final = mf.Letter(
    sender="Acme <hello@acme.example>",
    to="{{ first_name }} {{ last_name }} <{{ email }}>",
    subject=(
        "{{ first_name }}, your {{ plan }} plan "
        "{{ 'ends' if is_trial else 'renews' }} on {{ renews_on | date }}"
    ),
    text_body=_BODY,
)
_MIN_BRANCHES: Final = 20
_TARGET: Final = Target("a tour of 100,000 rows in at most 10 s", at_most=1.0)
_TARGET_S: Final = 10.0 / 100_000


def touring(*, sizes: Sequence[int], repeat: int) -> Part:
    """Time the tour of frames of these sizes, and the rendering alone.

    Args:
        sizes: rows of each frame.
        repeat: how often each runs, in turns.

    Raises:
        AssertionError: the letter has fewer than 20 branches, too few for the figure.
    """
    figures: list[Figure] = []
    taken: dict[str, list[float]] = {}
    for rows in sizes:
        taken = interleaved(_cases(rows), repeat=repeat)
        figures += [
            Figure(f"{rows:,} rows: {name}", Spread.of(seconds), "s")
            for name, seconds in taken.items()
        ]
    whole, bare = taken["tour"], taken["rendering alone"]
    share = Ratio(
        f"{sizes[-1]:,} rows: tour, as a share of 10 s for 100,000",
        _share(whole, sizes[-1]),
        _TARGET,
    )
    beside = Ratio(
        f"{sizes[-1]:,} rows: tour against rendering alone",
        Spread.of([one / other for one, other in zip(whole, bare, strict=True)]),
    )
    about = (
        f"a letter of {_branches()} branches, with a progress bar, "
        f"{repeat} repeats in turns, CPU time"
    )
    return Part("tour", about, (share, beside), tuple(figures))


def _share(seconds: Sequence[float], rows: int) -> Spread:
    return Spread.of(seconds).times(1 / (_TARGET_S * rows))


def _cases(rows: int) -> dict[str, Case[Any]]:
    frame = people(rows)
    bound = bind(LETTER, frame)

    def whole(bound: BoundLetter) -> int:
        with redirect_stderr(io.StringIO()):
            return len(tour(bound, frame.index))

    def bare(bound: BoundLetter) -> int:
        return sum(1 for _ in Renderer(bound).drafts())

    return {
        "tour": Case(lambda: bound, whole, CPU),
        "rendering alone": Case(lambda: bound, bare, CPU),
    }


def _branches() -> int:
    """The branches of the letter: those that 1,000 rows take, and the others."""
    frame = people(1_000)
    stops = tour(bind(LETTER, frame), frame.index, progress=False)
    count = len(stops.branches) + len(stops.untaken)
    if count < _MIN_BRANCHES:
        raise AssertionError(f"the letter has {count} branches, not {_MIN_BRANCHES} or more")
    return count
