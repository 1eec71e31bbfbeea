"""Named random streams: the same numbers for ever, and no two names alike."""

import numpy as np
import pytest
from scipy import stats

from sim.streams import Luck, Rows, Uniforms, stream

NUMBERS = 20_000
Z = 4


def test_first_numbers_are_what_they_have_always_been() -> None:
    """The generator, the seeding or the naming changed if this fails: then every result has
    changed.
    """
    golden = [0.6296928554706915, 0.7511779284154564, 0.18103510753254326]
    assert stream(0, 0, "golden").random(3).tolist() == golden


@pytest.mark.parametrize(
    "other", [(1, 0, "a"), (0, 1, "a"), (0, 0, "b"), (0, 0, "A"), (0, 0, "input.a")]
)
def test_another_seed_replication_or_name_is_another_stream(other: tuple[int, int, str]) -> None:
    one, two = stream(0, 0, "a").random(NUMBERS), stream(*other).random(NUMBERS)
    assert not np.intersect1d(one, two).size
    assert abs(np.corrcoef(one, two)[0, 1]) < Z / np.sqrt(NUMBERS)


def test_first_numbers_of_many_streams_are_uniform() -> None:
    """One draw per replication is how unknown constants are drawn, so it has to be uniform across
    replications too.
    """
    by_replication = [stream(0, k, "input.x").random() for k in range(2000)]
    by_name = [stream(0, 0, f"input.{k}").random() for k in range(2000)]
    assert stats.kstest(by_replication, "uniform").pvalue > 1e-4
    assert stats.kstest(by_name, "uniform").pvalue > 1e-4
    assert stats.kstest(np.sqrt(by_name), "uniform").pvalue < 1e-4, "the test can fail"


def test_blocks_give_the_numbers_of_the_generator_in_order() -> None:
    count = 2 * Uniforms.BLOCK + 7
    expected = stream(3, 5, "x").random(count + 10)
    draws = Luck(3, 5).uniforms("x")
    assert [draws.next() for _ in range(count)] == expected[:count].tolist()
    assert [draws.next() for _ in range(10)] == expected[count:].tolist()


def test_the_rows_of_a_block_are_those_of_its_stream_wherever_they_lie() -> None:
    """Parts are drawn alone by jumping there; the last is shorter than the others."""
    units = 2 * Rows.PART + 3
    for number in (0, 1, 7):
        block = stream(3, 5, f"x.{number}").random((units, 4))
        rows = Luck(3, 5).rows("x", units, 4)
        for unit in (units - 1, 0, Rows.PART, Rows.PART - 1):
            assert rows.of(number, unit) == block[unit].tolist()
            assert rows.one(number, unit, 2) == block[unit, 2]
    assert rows.of(7, 0) != rows.of(1, 0)


def test_the_first_block_comes_whole_and_is_kept() -> None:
    units = Rows.PART + 3
    rows = Luck(3, 5).rows("x", units, 2)
    first = rows.first()
    assert (first == stream(3, 5, "x.0").random((units, 2))).all()
    assert [rows.of(0, unit) for unit in range(units)] == first.tolist()
