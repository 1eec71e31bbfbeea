"""A rate that is known from a count: its interval, its fixed value and what it refuses."""

from __future__ import annotations

import numpy as np
import pytest

from sim.errors import InputError
from sim.quantities.notation import Rate
from sim.quantities.uncertain import Uncertain


def known_from(**count: float) -> Uncertain:
    known = Rate().read(count)
    assert isinstance(known, Uncertain)
    return known


def test_the_interval_of_a_count_covers_the_rate_behind_it():
    """Over rates that Jeffreys' prior may give, 90 % intervals hold the true rate 90 % of the time."""
    random = np.random.default_rng(0)
    inside = []
    for true in np.exp(random.uniform(np.log(2), np.log(200), 1500)):
        known = known_from(events=int(random.poisson(true)), node_days=1000)
        inside.append(known.draw(0.05) <= true <= known.draw(0.95))
    assert np.mean(inside) == pytest.approx(0.9, abs=0.023)


def test_clustered_counts_are_covered_with_their_dispersion_and_not_without():
    random = np.random.default_rng(1)
    hits = {1: 0, 3: 0}
    for _ in range(1000):
        # Each of 20 troubled nodes on average makes three of the events.
        events = 3 * int(random.poisson(20))
        for dispersion in hits:
            known = known_from(events=events, node_days=1000, dispersion=dispersion)
            hits[dispersion] += known.draw(0.05) <= 60 <= known.draw(0.95)
    assert hits[3] / 1000 == pytest.approx(0.9, abs=0.035)
    assert hits[1] / 1000 < 0.75


def test_no_events_are_a_rate_of_zero_at_its_fixed_value_and_half_an_event_in_the_mean():
    known = known_from(events=0, node_days=1000)
    assert float(known) == 0.0
    assert known.distribution.mean == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"events": 3, "node_days": 10, "dispersal": 2}, 'dispersal|did you mean "dispersion"'),
        ({"events": -3, "node_days": 10}, "events: must not be negative"),
        ({"events": 3, "node_days": 0}, "node_days: must be above zero"),
        ({"events": 3, "node_days": 10, "dispersion": 0.5}, "dispersion: must be at least 1"),
        ({"events": 3, "node_days": {"uncertain": [1, 2, 3]}}, "node_days must be a plain number"),
    ],
)
def test_a_count_that_makes_no_sense_is_refused_by_its_key(given, said):
    with pytest.raises(InputError, match=said):
        Rate().read(given)
