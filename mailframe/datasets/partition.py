"""``render_partition``: the messages of a part of a frame as a table, for any engine."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pandas as pd

from mailframe.datasets import rendering
from mailframe.datasets.job import Job
from mailframe.message.arrow_columns import with_usable_columns
from mailframe.message.input_frame import check_frame
from mailframe.message.keys import key_columns
from mailframe.message.preflight import letter_problems

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mailframe.letter.letter import Letter
    from mailframe.message.frame_facts import FrameFacts


def render_partition(
    pdf: pd.DataFrame, letter: Letter, key: str | Sequence[str] | None, facts: FrameFacts
) -> pd.DataFrame:
    """The messages of a part of a frame, for ``mapInPandas``, Ray, Daft or ``map_partitions``.

    Args:
        pdf: some rows of the frame, with all of its columns.
        letter: the templates. A value that varies by row is a template or ``mf.each(…)``.
        key: the column, or columns, that identify a row; None for the address.
        facts: what ``mf.survey`` returned for the whole frame.

    Returns:
        One row per row of *pdf*, with its index: the key columns; ``mf_body``, the exact bytes of
        the message, and ``mf_to``, its recipient, both missing for a row with an error;
        ``mf_stream``, ``mf_size`` (bytes), digests of the recipient, the message and what its
        recipient sees (``mf_person``, ``mf_content``, ``mf_mail``); ``mf_problems``, a list in JSON
        or missing, and ``mf_live_problems``, if a live server gives others; ``mf_job``, what it is
        a part of, in JSON. Written as Parquet, all of them are a folder for ``mf.messages``.

    Raises:
        LetterError: as ``compose``; or a value of the letter needs the whole frame.
        FrameError: a key column is missing, or the columns are not those of *facts*.
    """
    pdf = with_usable_columns(check_frame(pdf))
    columns = key_columns(pdf, list(key) if isinstance(key, tuple) else key)
    bound = rendering.bound_part(letter, pdf, columns, facts)
    keys = pdf[list(columns)].reset_index(drop=True)
    parts = [part for _, part in rendering.rendered_chunks(bound)]
    made = pd.concat(parts, ignore_index=True) if parts else rendering.no_rows()
    problems = rendering.problems_json(letter_problems(bound, pdf.columns))
    job = json.dumps(Job.of(letter, columns, facts).note() | {"letter_problems": problems})
    made[rendering.JOB] = pd.Series([job] * len(pdf), dtype=object)
    return pd.concat([keys, made], axis=1).set_axis(pdf.index, axis=0)
