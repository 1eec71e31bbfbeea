"""Quantities: every kind of unit, and everything that is not a quantity refused quickly and in
words.
"""

import math
import time
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from sim.errors import InputError
from sim.quantities.distributions import Lognormal, Triangular
from sim.quantities.notation import (
    UNCERTAIN,
    Bytes,
    BytesPerSecond,
    Dollars,
    DollarsPerSecond,
    FlopPerSecond,
    Number,
    PerSecond,
    Positive,
    PositiveSeconds,
    Quantity,
    Seconds,
    Share,
    Tokens,
    Watts,
)
from sim.quantities.uncertain import Uncertain
from sim.quantities.units import COMMON, EXAMPLES, number, parse, registry, whole

YEAR = 365.25 * 86400


class Everything(BaseModel):
    number: Number = 0
    positive: Positive = 1
    share: Share = 0
    seconds: Seconds = 0
    positive_seconds: PositiveSeconds = 1
    bytes: Bytes = 1
    bandwidth: BytesPerSecond = 1
    flops: FlopPerSecond = 1
    watts: Watts = 1
    dollars: Dollars = 0
    rent: DollarsPerSecond = 0
    rate: PerSecond = 0
    tokens: Tokens = 1


def read(**field: object) -> float:
    [name] = field
    return getattr(Everything.model_validate(field), name)


def refusal(**field: object) -> str:
    with pytest.raises(ValidationError) as caught:
        read(**field)
    return caught.value.errors()[0]["msg"]


@pytest.mark.parametrize(
    ("field", "text", "expected"),
    [
        ("seconds", "30 min", 1800),
        ("seconds", "30min", 1800),
        ("seconds", "2 h", 7200),
        ("seconds", "1 yr", YEAR),
        ("seconds", "6 months", YEAR / 2),
        ("seconds", "5 us", 5e-6),
        ("seconds", 0, 0),
        ("positive_seconds", "1e-3 s", 1e-3),
        ("bytes", "80 GB", 80e9),
        ("bytes", "1 GiB", 2**30),
        ("bandwidth", "200 Gbit/s", 25e9),
        ("bandwidth", "3.35 TB/s", 3.35e12),
        ("flops", "989 TFLOP/s", 989e12),
        ("watts", "10.2 kW", 10200),
        ("dollars", "35000 USD", 35000),
        ("rent", "2 USD/h", 2 / 3600),
        ("rate", "500 per month", 500 / (YEAR / 12)),
        ("rate", "0.5 1/s", 0.5),
        ("rate", "3 / day", 3 / 86400),
        ("number", 14.8e12, 14.8e12),
        ("number", "14.8e12", 14.8e12),
        ("number", np.int64(512), 512),
        ("number", Fraction(1, 4), 0.25),
        ("share", "5 %", 0.05),
        ("tokens", "14.8e12 tokens", 14.8e12),
        ("tokens", 14.8e12, 14.8e12),
    ],
)
def test_reads_into_si(field: str, text: object, expected: float) -> None:
    assert read(**{field: text}) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("seconds", "2 GB", "another kind; expected a quantity in s, like '30 min'"),
        ("bytes", "2 s", "another kind; expected a quantity in byte, like '80 GB'"),
        ("bytes", "80 Gb", 'another kind (did you mean "GB"?)'),
        ("bandwidth", "400 Gb/s", 'another kind (did you mean "Gbit/s"?)'),
        ("flops", "989 TFLOPS", 'no known unit (did you mean "TFLOP/s"?)'),
        ("watts", "700 USD", "another kind; expected a quantity in W, like '700 W'"),
        ("tokens", "64 chips", "another kind; expected a number of tokens"),
        ("number", "64 chips", "expected a plain number"),
        ("seconds", "30 minuts", 'no known unit (did you mean "minutes"?)'),
        ("seconds", "1 m", "another kind"),
        ("seconds", "3 degC", "cannot be read"),
        ("seconds", 120, "a unit is missing; expected a quantity in s, like '30 min'"),
        ("seconds", "120", "a unit is missing"),
        ("rate", 3, "like '500 per month'"),
        ("seconds", "min", "cannot be read"),
        ("seconds", "", "cannot be read"),
        ("seconds", "nan s", "cannot be read"),
        ("seconds", "1e999 s", "must be finite"),
        ("number", math.nan, "must be finite"),
        ("number", -math.inf, "must be finite"),
        ("number", 10**400, "must be finite"),
        ("number", True, "expected a plain number"),
        ("number", None, "expected a plain number"),
        ("number", [3], "expected a plain number"),
        ("seconds", "-1 s", "must not be negative"),
        ("number", -1, "must not be negative"),
        ("positive", 0, "must be above zero"),
        ("positive_seconds", 0, "must be above zero"),
        ("share", 1.01, "must be at most 1"),
        ("seconds", "1,5 h", "cannot be read"),
        ("seconds", "2 h + 30 min", "cannot be read"),
        ("seconds", "1±0.1 s", "cannot be read"),
        ("number", "pi", "cannot be read"),
    ],
)
def test_refuses_in_words(field: str, value: object, says: str) -> None:
    assert says in refusal(**{field: value})


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('x')",
        "9**9**9 s",
        "3 s*9**9**9",
        "1 m**9**9**9**9",
        "1 s^9999999",
        "1" * 100_000 + " s",
        "1 " + "s" * 100_000,
        "1 s" + "*s" * 50_000,
        "(" * 50_000,
        "1e" + "9" * 50_000 + " s",
        "1 s\n; import os",
        "{}",
        "\x00",
        "١ s",
    ],
    ids=lambda text: text[:12],
)
def test_hostile_text_is_refused_fast_and_briefly(text: str) -> None:
    start = time.perf_counter()
    message = refusal(seconds=text)
    assert time.perf_counter() - start < 0.5
    assert len(message) < 250


@given(st.text(max_size=70))
def test_any_text_is_a_finite_number_or_a_value_error(text: str) -> None:
    try:
        assert math.isfinite(number(text, "s"))
    except ValueError as error:
        assert "30 min" in str(error) or "finite" in str(error)


@given(st.floats(-1e300, 1e300))
def test_reads_every_float_python_writes(value: float) -> None:
    assert parse(repr(value), "") == value


@pytest.mark.parametrize(("value", "unit"), [(-0.0, ""), ("-0.0", ""), ("-0 s", "s"), (-0.0, "s")])
def test_nothing_has_no_sign(value: object, unit: str) -> None:
    assert math.copysign(1.0, number(value, unit)) == 1.0


@pytest.mark.parametrize("unit", EXAMPLES)
def test_each_example_in_a_message_is_itself_allowed(unit: str) -> None:
    assert parse(EXAMPLES[unit], unit) > 0


def test_uncertain_quantities_have_units_too() -> None:
    value = read(seconds={"uncertain": ["10 min", "30 min", "1 h"]})
    assert isinstance(value, Uncertain)
    assert (value, value.distribution, value.name) == (1800, Triangular(600, 1800, 3600), "")
    drawn = read(positive={"uncertain": {"lognormal": {"median": 2, "sigma": 0.1}}, "name": "x"})
    assert isinstance(drawn, Uncertain)
    assert (drawn.distribution, drawn.name) == (Lognormal(2, 0.1), "x")
    assert read(seconds=value) is value, "what is read already is taken as it is"


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("seconds", {"uncertain": ["1 s", "2 GB", "3 s"]}, "'2 GB' is a quantity of another kind"),
        ("seconds", {"uncertain": [1, 2, 3]}, "a unit is missing"),
        ("share", {"uncertain": [0.5, 0.9, 1.1]}, "must be at most 1"),
        ("share", {"uncertain": {"exponential": {"mean": 0.1}}}, "must be at most 1"),
        ("number", {"uncertain": [-1, 0, 1]}, "must not be negative"),
        ("positive", {"uncertain": [0, 0, 1]}, "must be above zero"),
        ("number", {"uncertain": [3, 2, 1]}, "expected low ≤ mode ≤ high"),
        ("number", {"uncertain": [1, 1, 1]}, "low < high"),
        ("number", {"uncertain": [1, 2]}, "expected [low, mode, high]"),
        ("number", {"uncertain": [1, 2, {"uncertain": [1, 2, 3]}]}, "expected a plain number"),
        ("number", {"uncertan": [1, 2, 3]}, "or {uncertain: [low, mode, high]}"),
        ("number", {"uncertain": [1, 2, 3], "nme": "x"}, "or {uncertain: [low, mode, high]}"),
        ("number", {"uncertain": [1, 2, 3], "name": 3}, "or {uncertain: [low, mode, high]}"),
        ("number", {"uncertain": {"sum": [1, 2]}}, "cannot be a sum"),
        ("number", {}, "or {uncertain: [low, mode, high]}"),
    ],
)
def test_refuses_uncertain_nonsense(field: str, value: object, says: str) -> None:
    assert says in refusal(**{field: value})


@pytest.mark.parametrize(
    ("unit", "value", "allowed"),
    [
        ("s", "3 GB", "a quantity in s, like '30 min'"),
        ("s", "x", "a quantity in s, like '30 min'"),
        ("s", "3 sx", "a quantity in s, like '30 min'"),
        ("s", 3, "a quantity in s, like '30 min'"),
        ("chip", "3 GB", "a number of chips, like '64 chips'"),
        ("", "3 s", "a plain number"),
        ("", math.inf, "a finite number"),
        ("", None, "a plain number"),
        ("", -1, "must not be negative"),
        ("", {"uncertain": [1, 2]}, "[low, mode, high]"),
        ("", {"uncertan": [1, 2]}, "a plain number, or {uncertain: [low, mode, high]}"),
    ],
)
def test_a_refusal_is_also_data(unit: str, value: object, allowed: str) -> None:
    with pytest.raises(InputError) as caught:
        Quantity(unit).read(value)
    assert caught.value.allowed == allowed
    given = value["uncertain"] if isinstance(value, dict) and "uncertain" in value else value
    assert caught.value.given == given


def test_a_whole_quantity_may_be_uncertain_in_between() -> None:
    quantity = Quantity("chip", whole=True)
    assert quantity.read("64 chips") == quantity.read(64) == 64
    assert quantity.read({"uncertain": [1, 2.5, 8]}) == 2.5
    with pytest.raises(ValueError, match="whole"):
        quantity.read(2.5)


@pytest.mark.parametrize("value", [8, 8.0, np.int64(8)])
def test_whole(value: object) -> None:
    assert whole(value) == 8
    assert type(whole(value)) is int


@pytest.mark.parametrize(
    "value", [True, "8", 8.5, math.nan, math.inf, 10**400, None, {"uncertain": [1, 2, 3]}]
)
def test_not_whole(value: object) -> None:
    with pytest.raises(ValueError, match="expected a whole number"):
        whole(value)


def test_schema_tells_text_number_and_uncertain_apart() -> None:
    text, plain, uncertain, _ = Quantity("s").json_schema()["anyOf"]
    assert (text["type"], plain, uncertain) == ("string", {"const": 0}, UNCERTAIN)
    assert Quantity(positive=True).json_schema()["anyOf"][1] == {
        "type": "number",
        "exclusiveMinimum": 0.0,
    }


@pytest.mark.parametrize(
    ("unit", "name"), [(u, name) for u, names in COMMON.items() for name in names]
)
def test_a_common_unit_is_what_pint_takes_it_for(unit: str, name: str) -> None:
    for amount in ("1", "0.3", "7", "1234.5", "2e-3"):
        known = registry().Quantity(f"{amount} {name}").to(unit).magnitude
        assert parse(f"{amount} {name}", unit) == known
