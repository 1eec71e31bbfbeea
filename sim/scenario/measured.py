"""What a user has measured of a pool's speed: in place of the step-time model, or for it."""

from __future__ import annotations

from pydantic import Field

from sim.catalogue.strict import Strict
from sim.errors import InputError
from sim.quantities.notation import Positive, PositiveSeconds, Seconds
from sim.scenario.layout import Layout


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
