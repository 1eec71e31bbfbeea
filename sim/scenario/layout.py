"""What a user says of a pool in place of the planner and the step-time model: layout and speed."""

from typing import Annotated, Literal

from pydantic import Field

from sim.catalogue.hardware import Schedule
from sim.catalogue.strict import Strict
from sim.errors import InputError
from sim.quantities.notation import Positive, PositiveSeconds, Seconds

MOST_CHIPS = 10_000_000
Chosen = Annotated[int | None, Field(ge=1, le=MOST_CHIPS)]
"""A number that the planner chooses unless it is given."""


class Layout(Strict):
    """How a model is spread over chips, in Megatron's terms."""

    tensor: Chosen = None
    """Chips over which each layer is split."""
    pipeline: Chosen = None
    """Stages, one after another, over which the layers are spread."""
    context: Chosen = None
    """Chips over which one sequence is split."""
    data: Chosen = None
    """Replicas of the model, each with its own part of the batch."""
    expert: Chosen = None
    """Chips over which the experts of a layer are spread."""
    virtual: Chosen = None
    """Pieces of a stage that are interleaved."""
    schedule: Schedule | None = None
    """Order in which a pipeline works through its micro-batches; the stack's unless given."""
    recompute: Literal["none", "selective", "full"] | None = None
    """What is computed again in the backward pass to save memory."""
    zero: Literal[1, 2, 3] = 1
    """What data-parallel ranks share out: the optimizer, its gradients too, or all (FSDP)."""
    expert_tensor: Chosen = None
    """Chips that share one expert; as many as `tensor` unless given."""
    context_exchange: Literal["gather", "ring"] = "gather"
    """How context-parallel ranks pass keys and values on; a ring hides behind attention."""
    layers: Chosen = None
    """Layers on this pool when a pipeline runs across pools."""


class MeasuredRate(Strict):
    """A measured rate: taken as it is, or of one size from which the model goes on to others."""

    tokens_per_second_per_chip: Positive | None = None
    """Tokens per second of one chip while training; or `step`."""
    step: PositiveSeconds | None = None
    """Time of one step on `at_chips`."""
    at_chips: int | None = Field(None, ge=1)
    """Chips it was measured on: the model, calibrated there, tells of other sizes."""
    at_sequences: int | None = Field(None, ge=1)
    """Sequences of a step when it was measured; those of the run unless given."""
    layout: Layout | None = None
    """How the model was spread over them; as in the pool unless given."""

    def check(self) -> None:
        if (self.tokens_per_second_per_chip is None) == (self.step is None):
            raise InputError("give either tokens_per_second_per_chip or step")
        for key in ("step", "at_sequences", "layout"):
            if getattr(self, key) is not None and self.at_chips is None:
                self.refuse(key, f"{key} needs at_chips, the chips it was measured on")


class LayerSeconds(Strict):
    """Measured seconds of one micro-batch, forward and backward, in one tensor-parallel group."""

    first: Seconds = 0.0
    """Of the embedding."""
    layer: PositiveSeconds
    """Of one layer."""
    last: Seconds = 0.0
    """Of the output head."""
