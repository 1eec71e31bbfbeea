"""Named random streams: the same numbers for ever, and no two names alike."""

import numpy as np
import pytest
from scipy import stats

from sim.streams import Luck, Uniforms, stream

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


def test_a_row_does_not_depend_on_what_was_asked_before() -> None:
    field = Luck(3, 5).field("x")
    places = [(field.purpose(name), unit, k) for name in "ab" for unit in (0, 9) for k in (0, 3)]
    forward = [field.row(*place, 4) for place in places]
    backward = [field.row(*place, 4) for place in places[::-1]]
    assert forward == backward[::-1]
    assert len({row[0] for row in forward}) == len(places)
    assert Luck(3, 5).field("x").row(*places[-1], 4) == forward[-1]


def test_more_columns_or_units_leave_the_others_where_they_are() -> None:
    field = Luck(3, 5).field("x")
    purpose = field.purpose("a")
    assert field.row(purpose, 7, 2, 9)[:4] == field.row(purpose, 7, 2, 4)
    assert (field.block(purpose, 50, 3)[:20] == field.block(purpose, 20, 3)).all()
    assert field.row(purpose, 0, 0, 3) != field.block(purpose, 1, 3)[0].tolist()


def test_rows_of_a_field_are_uniform_and_no_two_are_alike() -> None:
    field = Luck(0, 0).field("x")
    purpose = field.purpose("a")
    rows = np.array([field.row(purpose, unit, k, 2) for unit in range(200) for k in range(10)])
    assert stats.kstest(rows[:, 0], "uniform").pvalue > 1e-4
    assert len(np.unique(rows)) == rows.size
    first, second = rows[:-1, 0], rows[1:, 0]
    assert abs(np.corrcoef(first, second)[0, 1]) < Z / np.sqrt(len(rows))
