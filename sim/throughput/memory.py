"""Bytes a chip must hold: weights, gradients, optimizer, activations."""

from sim.throughput.flops import fp8_rate
from sim.throughput.layouts import Placement
from sim.throughput.pipeline import in_flight


def parameters_per_chip(placed: Placement) -> tuple[float, float]:
    """Parameters on a chip: shared ones, with a mean share of embeddings, and routed experts.

    Tensor parallelism divides both, expert parallelism the experts only; these may be split over
    fewer chips than the layers are.
    """
    model = placed.model
    shape = placed.shape
    part = placed.layers / model.layers
    routed = model.experts.parameters if model.experts else 0.0
    shared = (model.parameters - routed) * part / shape.tensor
    return shared, routed * part / shape.expert_split / shape.expert


def state_bytes(placed: Placement) -> float:
    """Bytes of weights and gradients on a chip, and of its share of the optimizer.

    The optimizer is spread over the ranks that hold the same parameters (ZeRO-1, Rajbhandari et
    al., 2020); gradients too under ZeRO-2, and weights under ZeRO-3, where the layer in work and
    the next one are gathered.
    """
    shared, routed = parameters_per_chip(placed)
    ranks = placed.ranks * placed.shape.context
    # An expert is on one rank of each expert group, so fewer ranks share its state.
    copies = max(ranks / placed.shape.expert_ranks, 1.0)
    held = shared * _bytes_per_parameter(placed, ranks)
    held += routed * _bytes_per_parameter(placed, copies)
    if placed.shape.zero == 3:
        held += 2 * placed.constants.element * (shared + routed) / max(placed.layers, 1.0)
    return held


def _bytes_per_parameter(placed: Placement, ranks: float) -> float:
    """Bytes on each of the ranks that share the state of a parameter."""
    constants = placed.constants
    # DualPipe runs the pipeline from both ends, so a chip keeps the weights of two stages.
    copies = 2 if placed.shape.schedule == "dualpipe" else 1
    weights = copies * constants.element
    gradients = constants.gradient
    if placed.shape.zero > 1:
        gradients /= ranks
    if placed.shape.zero == 3:
        weights /= ranks
    return weights + gradients + constants.optimizer / ranks


def activation_bytes(placed: Placement, held: float) -> float:
    """Bytes of the activations of `held` micro-batches on a chip.

    ``34 · s · b · h / t`` a layer for a block of 12·h² parameters (Korthikanti et al., 2022), wider
    blocks in proportion; less when cheap operations are recomputed; ``5 · heads · s² · b / t`` more
    when the attention matrix is kept; the layer's input only, and one layer in work, under full
    recomputation.
    """
    model = placed.model
    shape = placed.shape
    constants = placed.constants
    tokens = shape.micro * model.sequence / (shape.tensor * shape.context)
    selective = shape.recompute != "none"
    kept = constants.selective_activations if selective else constants.activations
    width = max(model.active_parameters / (12.0 * model.layers * model.hidden**2), 1.0)
    layer = kept * width * model.hidden
    if fp8_rate(model, placed.pool.chip):
        layer *= constants.low_precision_activations
    if model.attention == "full" and not selective:
        layer += 5.0 * model.heads * model.sequence
    if shape.recompute == "full":
        inputs = constants.element * model.hidden * placed.layers * held
        return tokens * (inputs + layer)
    return tokens * layer * placed.layers * held


def stage_bytes(placed: Placement) -> float:
    """Bytes a chip needs at its peak."""
    shape = placed.shape
    held = in_flight(shape.schedule, shape.pipeline, shape.virtual, placed.stage)
    # A rank with few micro-batches never fills its pipeline. How many it has is known when they are
    # shared out, and it has more when others fail: at most as if its pool ran them all.
    held = min(held, max(placed.microbatches, -(-placed.batch // placed.ranks)))
    return state_bytes(placed) + activation_bytes(placed, held)
