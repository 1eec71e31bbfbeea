"""How wide the matrices are that a chip really multiplies.

A product of an (M × K) and a (K × N) matrix moves ``2·(1/M + 1/K + 1/N)`` bytes a FLOP in pairs, so
the traffic of a layer follows from the harmonic means of its sides (Williams et al., Roofline,
CACM 2009).
"""

from sim.catalogue.hardware import Model
from sim.throughput.layouts import Shape


def inverse_width(model: Model, shape: Shape) -> float:
    """Mean of ``1/M + 1/K + 1/N`` over the products of a dense layer, in bytes a FLOP at 2 bytes.

    Of the products of a block of 12·h² parameters, each weighed by its work, one side is h, the
    other 3·h/t on average after the tensor split; M is the number of tokens of a micro-batch.
    """
    narrow = 3 * model.hidden / shape.tensor
    return 1 / tokens(model, shape) + 1 / model.hidden + 1 / narrow


def inverse_expert_width(model: Model, shape: Shape) -> float:
    """The same mean over a layer with routed experts, whose products are those of each expert.

    A grouped kernel multiplies, for each expert, the tokens that reach it: those of a micro-batch
    on all ranks the experts are spread over, times the experts a token visits, over all experts.
    """
    experts = model.experts
    dense = inverse_width(model, shape)
    if not experts or not experts.count:
        return dense
    each = experts.parameters / (model.layers - experts.dense_layers) / experts.count
    work = model.active_parameters - model.vocabulary * model.hidden
    share = min(each * experts.per_token * model.layers / work, 1.0)
    reached = tokens(model, shape) * shape.expert_ranks * experts.per_token / experts.count
    # Two of the three products of an expert are wide together, one is not.
    narrow = 1.5 * inner_width(model) / shape.expert_split
    return (1 - share) * dense + share * (1 / reached + 1 / model.hidden + 1 / narrow)


def tokens(model: Model, shape: Shape) -> float:
    """Tokens of a micro-batch on the chips of a stage."""
    return shape.micro * model.sequence / shape.context


def inner_width(model: Model) -> float:
    """Inner width of an expert of three matrices, or four times `hidden` in a dense model."""
    experts = model.experts
    if not experts or not experts.count:
        return 4.0 * model.hidden
    each = experts.parameters / (model.layers - experts.dense_layers) / experts.count
    return each / (3 * model.hidden)
