"""Compressed replies are decoded once, in small pieces, and completely."""

from __future__ import annotations

import gzip
import json
import zlib
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mailframe.postmark.decoding import (
    MAX_REPLY_VALUES,
    PIECE_BYTES,
    DecodingError,
    decoded,
    json_objects,
    parse_json,
)


def raw_deflate(body: bytes) -> bytes:
    """Compress without the header of zlib."""
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(body) + packer.flush()


PACKED = {
    "": bytes,
    "identity": bytes,
    "gzip": gzip.compress,
    "X-GZIP": gzip.compress,
    "deflate": zlib.compress,
    " deflate ": raw_deflate,
    "identity, gzip": gzip.compress,
}


def in_chunks(body: bytes, size: int) -> list[bytes]:
    """The body in chunks of *size* bytes."""
    return [body[start : start + size] for start in range(0, len(body), size)]


@pytest.mark.parametrize("encoding", PACKED)
@given(
    body=st.binary(max_size=300), times=st.integers(0, 1_500), size=st.sampled_from([1, 7, 65_536])
)
@example(body=b"\0" * 258, times=1_016, size=65_536)  # four pieces to the byte
def test_a_compressed_body_is_decoded_completely_in_small_pieces(encoding, body, times, size):
    """The chunks do not matter."""
    body *= times if size > 1 else min(times, 3)
    pieces = list(decoded(in_chunks(PACKED[encoding](body), size), encoding=encoding))
    assert b"".join(pieces) == body
    assert all(len(piece) <= PIECE_BYTES for piece in pieces) or encoding in ("", "identity")


def test_two_members_of_gzip_are_one_body():
    """RFC 1952 allows several members."""
    body = gzip.compress(b"ab") + gzip.compress(b"c")
    assert b"".join(decoded([body], encoding="gzip")) == b"abc"


@pytest.mark.parametrize(
    "encoding", ["gzip, gzip", "gzip, deflate", "br", "zstd", "compress", "gzip;q=1", "GZIP,GZIP"]
)
def test_an_encoding_that_was_not_asked_for_is_refused(encoding):
    """This includes nested encodings."""
    with pytest.raises(DecodingError):
        decoded([b""], encoding=encoding)


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
@pytest.mark.parametrize(
    "damage", [lambda body: body[:-1], lambda body: b"x" + body, lambda body: body + b"x"]
)
def test_an_incomplete_body_is_refused(encoding, damage):
    """It is cut off, or has other bytes before or after it."""
    with pytest.raises(DecodingError):
        list(decoded([damage(PACKED[encoding](b"[]" * 99))], encoding=encoding))


def test_each_chunk_has_a_piece():
    """So a reader can check the time even if a chunk has no output."""
    assert len(list(decoded(in_chunks(gzip.compress(b""), 1), encoding="gzip"))) >= len(
        gzip.compress(b"")
    )


@pytest.mark.parametrize("more", [-1, 0, 1])
def test_a_reply_has_a_million_values_at_most(more):
    """A list of n values has one bracket and n - 1 commas."""
    values = MAX_REPLY_VALUES + more
    body = b"[0" + b",0" * (values - 1) + b"]"
    if more <= 0:
        assert len(parse_json(body)) == values
    else:
        with pytest.raises(ValueError, match="more than 1,000,000 values"):
            parse_json(body)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(
    items=st.lists(st.dictionaries(st.text(), JSON, max_size=3), max_size=5),
    around=st.dictionaries(st.sampled_from(["N", "M"]), st.integers() | st.text(), max_size=2),
    indent=st.sampled_from([None, 1]),
    cuts=st.lists(st.integers(0, 400), max_size=6),
)
def test_a_list_is_read_while_it_arrives(items, around, indent, cuts):
    """Wherever its text is cut; without its end it is an error."""
    body = json.dumps({**around, "L": items}, ensure_ascii=False, indent=indent).encode()
    edges = [0, *sorted(min(cut, len(body)) for cut in cuts), len(body)]
    pieces = [body[start:end] for start, end in pairwise(edges)]
    assert list(json_objects(pieces, name="L")) == items
    with pytest.raises(ValueError, match=r"JSON|list"):
        list(json_objects([body[:-1]], name="L"))
