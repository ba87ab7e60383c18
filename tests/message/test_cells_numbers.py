"""Numbers in messages are exact, or a problem of their row says why they cannot be."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailframe.letter.jinja.filters import money, number
from mailframe.letter.jinja.printing import as_printed
from tests.composing import cells, code_of, codes, compose, frame, text_of
from tests.expressions import col

FLOATS = {
    "float16": (pd.Series, "float16", 2**11),
    "float32": (pd.Series, "float32", 2**24),
    "float64": (pd.Series, "float64", 2**53),
    "Float32": (pd.array, "Float32", 2**24),
    "Float64": (pd.array, "Float64", 2**53),
    "arrow_half": (pd.array, pd.ArrowDtype(pa.float16()), 2**11),
    "arrow_float": (pd.array, pd.ArrowDtype(pa.float32()), 2**24),
    "arrow_double": (pd.array, pd.ArrowDtype(pa.float64()), 2**53),
    "category": (pd.Categorical, None, 2**53),
    "objects": (cells, None, 2**53),
}


@pytest.mark.parametrize("sign", [1, -1], ids=["positive", "negative"])
@pytest.mark.parametrize("fraction", [[], [0.5]], ids=["whole", "mixed"])
@pytest.mark.parametrize("name", FLOATS)
def test_a_whole_float_is_printed_exactly_or_is_an_error_of_its_row(name, fraction, sign):
    """Up to the last whole number that its dtype has; the other row is sent."""
    make, dtype, limit = FLOATS[name]
    values = [float(sign * limit), float(sign * (limit + 4)), *fraction]
    values = (
        make(*values)
        if make is cells
        else make(np.array(values), **({"dtype": dtype} if dtype else {}))
    )
    campaign = compose(frame(v=values), text_body="{{ v }}")
    assert campaign.messages()["TextBody"].tolist()[::2] == [str(sign * limit), *map(str, fraction)]
    [detail] = campaign.problems()["detail"]
    assert "read the column as text or Int64" in detail
    assert campaign.problems()["row"].tolist() == [1]


def test_a_number_behind_a_left_join_is_exact_or_an_error():
    """Pandas makes an int column float if a row is missing."""
    left = pd.DataFrame(
        {"email": ["a@acme.example", "b@acme.example", "c@acme.example"], "id": [1, 2, 3]}
    )
    joined = left.merge(
        pd.DataFrame({"id": [1, 2], "order": [1234567890123456, 2**53 + 2]}), how="left"
    )
    campaign = compose(
        joined, text_body="{{ order }}", metadata={"order": "{{ order }}"}, tag=col("order")
    )
    assert campaign.messages()["TextBody"][0] == "1234567890123456"
    problems = campaign.problems()
    assert problems["row"].tolist() == [1, 1, 1, 2, 2, 2]
    assert set(problems["code"][:3]) == {"unprintable_value"}


@pytest.mark.parametrize(
    "way",
    ["v", "v | int", "'%d' % v", "v + 0", "v | round", "v | tojson", "[v] | tojson", "v ~ ''"],
)
@pytest.mark.parametrize("value", [1e16, 12345678901234567890.0, np.float32(2**24 + 2)])
def test_no_way_of_printing_brings_lost_digits_back(value, way):
    """Neither in a list nor as an int."""
    if way in ("v + 0", "v | round") and isinstance(value, np.float32):
        return  # a calculated number is a float64, which holds it
    assert codes(frame(v=cells(value)), text_body=f"{{{{ {way} }}}}")[0] in (
        "unprintable_value",
        "unsupported_value",
    )


def test_a_float_that_is_too_large_still_compares():
    """Only its last digits are uncertain."""
    assert text_of("{% if v > 5 and v | default(0) %}many{% endif %}", v=1e16) == "many"


@pytest.mark.parametrize(
    ("value", "as_number", "as_money"),
    [
        (1e16, "10,000,000,000,000,000", "$10,000,000,000,000,000.00"),
        (-1e16, "-10,000,000,000,000,000", "-$10,000,000,000,000,000.00"),
        (10**16 + 1, "10,000,000,000,000,001", "$10,000,000,000,000,001.00"),
        (10**40 + 7, f"{10**40 + 7:,}", f"${10**40 + 7:,}.00"),
        (
            Decimal("12345678901234567890123456789012.345"),
            "12,345,678,901,234,567,890,123,456,789,012.345",
            "$12,345,678,901,234,567,890,123,456,789,012.35",
        ),
        ("98765432109876543210987654321.5", "98,765,432,109,876,543,210,987,654,321.5", None),
        (0.1 + 0.2, "0.3", "$0.30"),
        (1 - 0.9 - 0.1, "0", "$0.00"),
    ],
    ids=repr,
)
def test_large_numbers_keep_all_their_digits_in_number_and_money(value, as_number, as_money):
    """Ints of any size, Decimals, text and floats; digits are never rounded away at the front."""
    assert number(value) == as_number
    assert text_of("{{ v | number }}", v=value) == as_number
    if as_money:
        assert money(value, "USD") == as_money


@pytest.mark.parametrize(
    "value", [10**16 + 1, 10**40 + 7, Decimal("12345678901234567890123456789012.25")], ids=repr
)
def test_large_numbers_keep_all_their_digits_in_other_languages(value):
    """Babel's own arithmetic would stop at 28 digits."""
    digits = "".join(character for character in str(value) if character.isdigit())
    assert "".join(filter(str.isdigit, number(value, locale="de"))) == digits
    assert "".join(filter(str.isdigit, money(value, locale="de"))).startswith(digits)


@given(st.integers())
def test_number_writes_every_int_as_python_does(value):
    """Of any size."""
    assert number(value) == f"{value:,}"
    assert number(value, 2) == f"{value:,}.00"


@given(st.integers(min_value=-(2**53), max_value=2**53))
def test_a_whole_float_is_printed_as_its_int(value):
    """Every digit, without an exponent."""
    assert as_printed(float(value)) == str(value)


def test_an_int_that_python_cannot_print_is_an_error_of_its_row():
    """Python writes at most 4,300 digits, and calculates for hours with very long ones."""
    assert code_of("{{ v }}", v=10**4300) == "template_error"
    assert code_of("{{ v // v }}", v=10**40_000) == "unsupported_value"
    assert len(text_of("{{ v }}", v=10**4200)) == 4201
