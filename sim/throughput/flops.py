"""Work of a training step, counted in FLOPs a token, forward and backward."""

from typing import Literal, NamedTuple

from sim.catalogue.hardware import Chip, Model


def attention_flops(model: Model, convention: Literal["causal", "full"] = "causal") -> float:
    """FLOPs a token spends on scores and weighted values, over all layers.

    ``3 · L · 2 · (s/2) · heads · (d_qk + d_v)`` when each token attends to its predecessors only,
    twice that when the whole square is counted, as Megatron-LM does (Korthikanti et al., 2022).

    Examples
    --------
    >>> from sim import catalogue
    >>> round(attention_flops(catalogue.entry("models", "deepseek-v3").item) / 1e9, 1)
    30.7
    """
    seen = min(model.window or model.sequence, model.sequence)
    # Of a window of w the first w tokens of a sequence see less; on average w·(1 − w/2s).
    share = seen / model.sequence * (2 - seen / model.sequence)
    causal = 3.0 * model.layers * model.sequence * (model.attention_width or 2 * model.hidden)
    return share * (causal if convention == "causal" else 2 * causal)


def flops_per_token(model: Model, convention: Literal["causal", "full"] = "causal") -> float:
    """Useful FLOPs a token: six per active parameter, and attention (Kaplan et al., 2020).

    Parameters
    ----------
    model : Model
    convention : "causal" or "full"
        Whether masked attention scores count as work ("full") or not.

    Examples
    --------
    >>> from sim import catalogue
    >>> model = catalogue.entry("models", "deepseek-v3").item
    >>> round(flops_per_token(model) / 1e9)  # arXiv 2505.09343 prints 250
    250
    """
    return 6.0 * model.active_parameters + attention_flops(model, convention)


def fp8_rate(model: Model, chip: Chip) -> float | None:
    """FLOP/s of the matrix products of a model's layers, where they run in FP8."""
    return chip.fp8 if model.precision == "fp8" else None


def peak_rate(model: Model, chip: Chip) -> float:
    """FLOP/s that a chip cannot exceed on a model."""
    return fp8_rate(model, chip) or chip.bf16


class ExecutedWork(NamedTuple):
    """What a training step runs, in FLOPs a token."""

    products: float
    """Matrix products of one layer."""
    attention: float
    """Attention of one layer."""
    head: float
    """One output head."""
    layers: int
    """Layers alike: with routed experts, or all of a dense model; prediction modules included."""
    dense_layers: int
    """Layers at the front of a mixture-of-experts model without routed experts."""
    heads: int


def executed(model: Model) -> ExecutedWork:
    """The work as it is run, useful or not.

    Prediction modules are included, and the whole score matrix if attention is full.
    """
    head = 6.0 * model.vocabulary * model.hidden
    dense = model.experts.dense_layers if model.experts else 0
    convention = "full" if model.attention == "full" else "causal"
    return ExecutedWork(
        products=(6.0 * model.active_parameters - head) / model.layers,
        attention=attention_flops(model, convention) / model.layers,
        head=head,
        layers=model.layers - dense + model.prediction_modules,
        dense_layers=dense,
        heads=1 + model.prediction_modules,
    )
