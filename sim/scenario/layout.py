"""How a model is spread over the chips of a pool, as far as a user says."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from sim.catalogue.hardware import Schedule
from sim.catalogue.strict import Strict

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
