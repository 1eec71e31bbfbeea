"""What can be bought, mended and paid: policy events, flows of chips, repair shops, costs."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal

from pydantic import Field, model_validator

from sim.catalogue.strict import Duration, Inline, Lots, Strict
from sim.errors import InputError
from sim.quantities.notation import Dollars, Number, PerSecond, Positive, Quantity, Share


class PolicyEvent(Strict):
    """A dated act of a government or vendor that changes what can be bought or mended.

    What is opened on the day of a block is open from that day on.
    """

    title: str = ""
    """One line that says what it is."""
    date: dt.date
    """The day from which it holds."""
    blocks: tuple[str, ...] = ()
    """Chips that can no longer be bought from their maker."""
    opens: tuple[str, ...] = ()
    """Chips that can be bought from their maker from then on."""
    licensed: Share = 1.0
    """Share of the open flow that the opened chips then have, unless they have more already."""
    ends_support: tuple[str, ...] = ()
    """Chips that their maker no longer replaces."""
    trickle: Number = 1.0
    """Factor on the flow of the grey market from then on."""
    price: Positive = 1.0
    """Factor on its prices from then on."""

    def acts(self) -> list[tuple[dt.date, str, str]]:
        """What it does, one by one: the date, what changes, and the chip or the factor."""
        chips = {"blocks": self.blocks, "opens": self.opens, "ends_support": self.ends_support}
        acts = [(self.date, key, chip) for key, names in chips.items() for chip in names]
        for key, factor in (("trickle", self.trickle), ("price", self.price)):
            if factor != 1.0:
                acts.append((self.date, key, str(float(factor))))
        return acts


class Flow(Inline):
    """Chips that come to a fleet over the years."""

    title: str = ""
    """One line that says what it is."""
    chip: str
    """A chip of the fleet, or a pool's name."""
    origin: Literal["licensed", "domestic", "grey"]
    """Policy blocks and opens licensed flows; it changes the trickle and the price of grey ones."""
    chips: tuple[tuple[dt.date, Number], ...] = Field(min_length=1)
    """Chips that come evenly from each date to the next, and from the last to `until`."""
    until: dt.date
    """When the listed amounts end."""
    then: PerSecond = 0.0
    """The flow after that."""
    scale: Positive = 1.0
    """Factor on all of it: what is not known."""
    share: Positive = 1.0
    """This fleet's share of it, and of every lot."""
    lots: Lots | None = None
    """Chips of one lot; lots come at random (compound Poisson). Monthly amounts unless given."""
    premium: Positive = 1.0
    """Price over the chip's own."""

    @model_validator(mode="after")
    def _in_order(self) -> Flow:
        dates = [*(date for date, _ in self.chips), self.until]
        # Chips of a stretch without length would come at an infinite rate.
        if dates != sorted(set(dates)):
            raise InputError("the dates of chips and until must rise")
        return self


class RepairShop(Inline):
    """A shop that mends dead chips."""

    title: str = ""
    """One line that says what it is."""
    capacity: Annotated[float, Quantity("1/s", positive=True)]
    """Chips it can take on in the long run; on ``capacity × mean turnaround`` benches."""
    turnaround: Duration
    """How long a chip is in the shop."""
    success: Share = 1.0
    """Share of the chips that can be mended."""
    cost: Dollars = 0.0
    """Per chip taken on."""


class CostMethod(Inline):
    """How purchase and energy are charged to a run."""

    title: str = ""
    """One line that says what it is."""
    decline: Positive
    """Loss of value of training hardware, orders of magnitude a year."""
    server_multiplier: Annotated[float, Quantity(least=1.0)]
    """Price of a server over the price of its bare chips."""
    interconnect_share: Share
    """Share of the network in server and network together."""
    power_multiplier: Positive
    """Power of the server over the rated power of its chips."""
    load: Share
    """Average over rated power."""
    pue: Annotated[float, Quantity(least=1.0)]
    """Power usage effectiveness: energy of the site over that of its servers."""
    electricity: Annotated[float, Quantity("USD/J")]
    """Price of electricity."""
