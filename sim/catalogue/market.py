"""What can be bought, mended and paid: policy events, flows of chips, repair shops, costs."""

import datetime as dt
from typing import Annotated, Any, Literal

from pydantic import Field

from sim.catalogue.strict import Duration, Lots, Strict, Titled
from sim.errors import InputError
from sim.quantities.notation import (
    Dollars,
    Efficiency,
    Multiple,
    Number,
    PerSecond,
    Positive,
    PositivePerSecond,
    Quantity,
    Seconds,
    Share,
)


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
    abroad: Number = 1.0
    """Factor on the flow of chips to places abroad from then on."""
    access: Share | None = None
    """Share of the chips abroad that runs may use from then on; as before if None."""

    def acts(self) -> list[tuple[dt.date, str, str]]:
        """What it does, one by one: the date, what changes, and the chip or the factor."""
        chips = {
            "blocks": self.blocks,
            "opens": self.opens,
            "ends_support": self.ends_support,
        }
        acts = [(self.date, key, chip) for key, names in chips.items() for chip in names]
        factors = {"trickle": self.trickle, "price": self.price, "abroad": self.abroad}
        for key, factor in factors.items():
            if factor != 1.0:
                acts.append((self.date, key, str(float(factor))))
        return acts


class Flow(Titled):
    """Chips that come to a fleet over the years."""

    chip: str
    """A chip of the fleet, or a pool's name."""
    origin: Literal["licensed", "domestic", "grey", "abroad"]
    """Policy blocks and opens licensed flows, and changes by a factor what is grey or abroad."""
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
    most: Number | None = None
    """Chips that licences allow in all; no limit if None."""
    choice: Share = 0.0
    """Where sources disagree: an unknown that their flows share by its name."""
    chosen: tuple[float, float] = (0.0, 1.0)
    """Values of `choice` with which this flow comes: from, and up to."""

    @property
    def comes(self) -> bool:
        """Whether this flow is the one of several alternatives that comes."""
        low, high = self.chosen
        return low <= self.choice < high or self.choice == high == 1.0

    def check(self) -> None:
        dates = [*(date for date, _ in self.chips), self.until]
        # Chips of a stretch without length would come at an infinite rate.
        if dates != sorted(set(dates)):
            raise InputError("the dates of chips and until must rise")


class Product(Strict):
    """A chip that is made of dies and of stacks of memory."""

    plan: Flow
    """What would be made if neither ran out."""
    dies: Positive
    """Of a chip."""
    stacks: Positive
    """Of memory, of a chip."""


class Production(Titled):
    """Chips made from two stocks that deplete: dies and stacks of memory (HBM).

    A stock begins empty and takes in its flows; what a bank held counts as an early delivery.
    """

    dies: dict[str, Flow] = Field(min_length=1)
    """Flows of dies, by any name."""
    stacks: dict[str, Flow] = Field(min_length=1)
    """Flows of stacks of memory, by any name."""
    good: Efficiency = 1.0
    """Share of the packaged chips that work."""
    products: dict[str, Product] = Field(min_length=1)
    """By any name; all share the two stocks in proportion to their plans."""


class Prior(Strict):
    """What is known of a quantity that several scenarios take for not known."""

    title: str
    """One line that says what it is."""
    amount: Any
    """In the unit of the quantity; what names the prior reads it."""


class Shares(Titled):
    """Which part of a stock of chips one run could have, by two routes that are alternatives.

    Route A: the largest owner's part of the stock, times one run's part of an owner's fleet. Route
    B: the owner's part, less inference, times the run's part of a year's training compute, times
    the year over the length of the run.
    """

    route: Literal["A", "B"] = "A"
    """Which of the two routes is taken."""
    owner: Share
    """Part of the stock at home that the largest owner has."""
    owner_abroad: Share = 0.0
    """Part of the chips abroad that their largest user has."""
    run: Share
    """Route A: part of an owner's fleet that one run holds."""
    inference: Share = 0.0
    """Route B: part of the owner's fleet that serves models."""
    of_year: Share = 1.0
    """Route B: part of the owner's training compute of a year that one run takes."""

    def of_fleet(self, years: float) -> float:
        """Part of its owner's fleet that a run of this length can have.

        Examples
        --------
        >>> two = {"owner": 0.25, "run": 0.1, "inference": 0.5, "of_year": 0.1}
        >>> Shares(**two).of_fleet(0.25), Shares(**two, route="B").of_fleet(0.25)
        (0.1, 0.2)
        """
        if self.route == "A":
            return self.run
        return min((1 - self.inference) * self.of_year / years, 1.0)


class Need(Titled):
    """Compute that a run needs, in FLOP, and how that changes over the years."""

    date: dt.date
    """The day from which it grows or falls."""
    flop: Positive
    """Compute on that day (FLOP)."""
    growth: PositivePerSecond
    """Factor a year from the date on: above 1 the need grows, below 1 it falls."""
    as_it_was: bool = False
    """Whether it is a trend of the world as it was, which is no need of another one."""


class RepairShop(Titled):
    """A shop that mends dead chips."""

    capacity: PositivePerSecond
    """Chips it can take on in the long run; on ``capacity × mean turnaround`` benches."""
    turnaround: Duration
    """How long a chip is in the shop."""
    success: Share = 1.0
    """Share of the chips that can be mended."""
    cost: Dollars = 0.0
    """Per chip taken on."""


class CostMethod(Titled):
    """How purchase and energy are charged to a run."""

    decline: Positive
    """Loss of value of training hardware, orders of magnitude a year."""
    server_multiplier: Multiple
    """Price of a server over the price of its bare chips."""
    interconnect_share: Share
    """Share of the network in server and network together."""
    delivery: Seconds = 0.0
    """From the release of a chip until the first can be bought."""
    power_multiplier: Positive
    """Power of the server over the rated power of its chips."""
    load: Share
    """Average over rated power."""
    pue: Multiple
    """Power usage effectiveness: energy of the site over that of its servers."""
    electricity: Annotated[float, Quantity("USD/J")]
    """Price of electricity."""
