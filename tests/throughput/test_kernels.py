"""How wide the matrices are that a chip multiplies."""

from __future__ import annotations

import pytest

from sim.throughput.kernels import inner_width, inverse_expert_width, inverse_width, tokens
from tests.throughput.cases import model, shape


def test_a_dense_layer_by_hand() -> None:
    gpt = model("gpt-175b")
    assert inverse_width(gpt, shape(tensor=8)) == pytest.approx(1 / 2048 + 1 / 12288 + 8 / 36864)
    assert tokens(gpt, shape(micro=4, context=2)) == 4096


def test_an_expert_is_as_wide_as_published_and_sees_its_share_of_the_tokens() -> None:
    v3 = model("deepseek-v3")
    assert inner_width(v3) == pytest.approx(2048, rel=1e-3)
    assert inner_width(model("gpt-175b")) == 4 * 12288
    # Eight of 256 experts over 64 ranks: each is reached by two micro-batches' worth of tokens.
    few = inverse_expert_width(v3, shape(expert=8))
    many = inverse_expert_width(v3, shape(expert=64))
    assert few > many > inverse_width(v3, shape())


def test_narrower_layers_and_smaller_micro_batches_are_less_efficient() -> None:
    gpt = model("gpt-1.7b")
    widths = [inverse_width(gpt, shape(tensor=t)) for t in (1, 2, 4, 8)]
    assert widths == sorted(widths)
    assert inverse_width(gpt, shape(micro=8)) < inverse_width(gpt, shape(micro=1))


def test_an_expert_split_over_fewer_chips_is_wider() -> None:
    v3 = model("deepseek-v3")
    split = inverse_expert_width(v3, shape(tensor=4, expert=64))
    whole = inverse_expert_width(v3, shape(tensor=4, expert=64, expert_tensor=1))
    assert whole < split
