"""Bytes a chip must hold: weights, gradients, optimizer, activations."""

from __future__ import annotations

from sim.catalogue.hardware import Chip, Model, StepTime
from sim.throughput.layouts import Shape
from sim.throughput.pipeline import in_flight


def parameters_per_chip(model: Model, shape: Shape, layers: float) -> tuple[float, float]:
    """Shared and routed-expert parameters on a chip of a stage with `layers` layers (the mean share
    of embeddings).
    """
    part = layers / model.layers / shape.tensor
    routed = model.experts.parameters if model.experts else 0.0
    return (model.parameters - routed) * part, routed * part / shape.expert


def state_bytes(model: Model, shape: Shape, layers: float, data: int, constants: StepTime) -> float:
    """Weights and gradients, and the optimizer's share under ZeRO-1 over the ranks that hold the
    same parameters.
    """
    shared, routed = parameters_per_chip(model, shape, layers)
    copies = 2 if shape.schedule == "dualpipe" else 1  # DualPipe keeps two stages' weights
    resident = copies * constants.element + constants.gradient
    ranks = data * shape.context
    return shared * (resident + constants.optimizer / ranks) + routed * (
        resident + constants.optimizer * shape.expert / ranks
    )


def activation_bytes(
    model: Model, shape: Shape, chip: Chip, layers: float, held: float, constants: StepTime
) -> float:
    """Activations of `held` micro-batches on a stage with `layers` layers.

    ``34 · s · b · h / t`` bytes a layer for a block of 12·h² parameters (Korthikanti et al., 2022),
    wider blocks in proportion; less when cheap operations are recomputed; ``5 · heads · s² · b /
    t`` more when the attention matrix is kept; the layer's input only, and one layer in work, under
    full recomputation.
    """
    tokens = shape.micro * model.sequence / (shape.tensor * shape.context)
    width = max(model.active_parameters / (12.0 * model.layers * model.hidden**2), 1.0)
    selective = shape.recompute != "none"
    layer = (
        (constants.selective_activations if selective else constants.activations)
        * width
        * model.hidden
    )
    if model.precision == "fp8" and chip.fp8:
        layer *= constants.low_precision_activations
    if model.attention == "full" and not selective:
        layer += 5.0 * model.heads * model.sequence
    if shape.recompute == "full":
        return tokens * (constants.element * model.hidden * layers * held + layer)
    return tokens * layer * layers * held


def stage_bytes(
    model: Model,
    shape: Shape,
    chip: Chip,
    layers: float,
    data: int,
    microbatches: int,
    stage: int,
    constants: StepTime,
) -> float:
    """Bytes a chip of the given stage needs at its peak."""
    held = min(in_flight(shape.schedule, shape.pipeline, shape.virtual, stage), microbatches)
    return state_bytes(model, shape, layers, data, constants) + activation_bytes(
        model, shape, chip, layers, held, constants
    )
