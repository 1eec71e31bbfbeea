"""Collectives against their formulas."""

import pytest

from sim.throughput.collectives import all_to_all, hierarchical, ring


def test_a_ring_passes_all_but_its_own_part_on() -> None:
    assert ring(800.0, 8, 100.0, 0.5) == pytest.approx(7 / 8 * 8 + 7 * 0.5)


def test_one_rank_has_nothing_to_exchange() -> None:
    assert ring(1e9, 1, 1.0, 1.0) == hierarchical(1e9, 1, 8, 1.0, 1.0, 1.0) == 0.0
    assert all_to_all(1e9, 8, None, 1, 8, 1.0, 1.0, 1.0) == 0.0


def test_a_hierarchical_ring_crosses_the_network_with_a_node_share_only() -> None:
    assert hierarchical(800.0, 32, 8, 1000.0, 10.0, 0.0) == pytest.approx(
        7 / 8 * 0.8 + 3 / 4 * 100 / 10
    )


def test_all_ranks_in_one_node_never_touch_the_network() -> None:
    assert hierarchical(800.0, 8, 8, 100.0, 1e-9, 0.0) == ring(800.0, 8, 100.0, 0.0)


def test_node_limited_routing_sends_a_token_to_three_and_a_half_remote_nodes() -> None:
    tokens = 4096 * 7168 * 2
    seconds = all_to_all(tokens, 8, 4, 64, 8, 1e15, 40e9, 0.0)
    assert seconds == pytest.approx(3.5 * tokens / 40e9)


def test_without_a_limit_a_token_reaches_more_nodes() -> None:
    limited, free = (all_to_all(1.0, 8, groups, 64, 8, 1e15, 1.0, 0.0) for groups in (4, None))
    assert free == pytest.approx(8 * (1 - (7 / 8) ** 8) * 7 / 8)
    assert free > limited


def test_within_a_node_the_scale_up_link_carries_the_copies() -> None:
    seconds = all_to_all(1.0, 6, 3, 8, 8, 10.0, 1e-9, 0.0)
    assert seconds == pytest.approx(3 * 7 / 8 / 10)
