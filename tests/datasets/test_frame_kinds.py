"""A source is a frame of any kind that ``compose`` takes, too."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import mailframe as mf
from tests.frame_kinds import KINDS
from tests.message.test_frame_kinds import TYPES

BIG = 1152921504606846977
LETTER = mf.Letter(
    sender="me@acme.example",
    to="{{ email }}",
    subject="Hi",
    text_body="{{ id }} {{ seats | default('-') }} {{ tags | default([]) | join('+') }}",
)
ROWS = pa.table(
    {
        "email": ["a@acme.example", "b@acme.example", "c@acme.example"],
        "id": [BIG, BIG + 1, None],
        "seats": [5.0, None, 7.0],
        "tags": [["a", "b"], [], None],
    }
).slice(0, 2)


@pytest.mark.parametrize("kind", KINDS)
def test_a_dataset_of_any_kind_is_the_composed_campaign(kind, tmp_path):
    """Byte by byte; a reader, which gives its rows once, is read once."""
    source = KINDS[kind](ROWS)
    composed = mf.compose(KINDS[kind](ROWS), LETTER, name="kinds", key="id")
    folder = mf.write_messages(source, LETTER, tmp_path / "messages", key="id")
    campaign = mf.messages(folder, name="kinds")
    assert campaign.problems().empty
    assert campaign.fingerprint == composed.fingerprint
    assert [campaign.message(row).body for row in range(2)] == [
        message.body for batch in composed.batches() for message in batch
    ]
    assert mf.survey(KINDS[kind](ROWS), LETTER).columns["seats"].is_whole


def is_of_parquet(cells: pa.Array | pa.ChunkedArray) -> bool:
    """Whether this version of pyarrow writes the cells to Parquet and reads them."""
    file = pa.BufferOutputStream()
    try:
        pq.write_table(pa.table({"cells": cells}), file)
        pq.read_table(pa.BufferReader(file.getvalue()))
    except (pa.ArrowNotImplementedError, OSError, pa.ArrowInvalid):
        return False
    return True


def test_columns_of_every_type_have_the_same_messages_from_a_file(tmp_path):
    """Of a Parquet file, and of a table: the composed campaign, also with a date out of range."""
    columns = {name: cells for name, (cells, _, _) in TYPES.items() if is_of_parquet(cells)}
    columns["infinite"] = pa.array([2**31 - 1, 0], pa.int32()).cast(pa.date32())
    columns["chunks"] = pa.array(["a", None])
    names = {name: name.replace(" ", "_") for name in columns}
    rows = ROWS.select(["email", "id"])
    for name, cells in columns.items():
        rows = rows.append_column(names[name], cells)
    prints = [TYPES[name][1].replace("v", "X") for name in TYPES if name in columns]
    letter = LETTER.replace(
        text_body=" ".join(
            f"{{% set X = row['{names[name]}'] %}}{{% if X is defined %}}{text}{{% endif %}}"
            for name, text in zip(columns, prints, strict=False)
        )
    )
    pq.write_table(rows, tmp_path / "rows.parquet")
    composed = mf.compose(rows, letter, name="types", key="id")
    assert composed.problems().num_rows == 0
    for place, source in enumerate([tmp_path / "rows.parquet", rows]):
        folder = mf.write_messages(source, letter, tmp_path / f"m{place}", key="id")
        campaign = mf.messages(folder, name="types")
        assert campaign.fingerprint == composed.fingerprint
        assert [campaign.message(row).body for row in range(2)] == [
            message.body for batch in composed.batches() for message in batch
        ]
