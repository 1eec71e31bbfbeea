"""Named random streams: stateless, so a new component or another draw order disturbs no other
stream.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from zlib import crc32

from numpy.random import PCG64DXSM, Generator, SeedSequence

from sim.quantities.distributions import Distribution, Floats


def stream(seed: int, replication: int, name: str) -> Generator:
    """The generator of one named purpose in one replication.

    Examples
    --------
    >>> first, again, other = (float(stream(0, k, "a").random()) for k in (0, 0, 1))
    >>> first == again, first == other
    (True, False)
    """
    return Generator(_bits(seed, replication, name))


# Scenarios that are compared ask for the same numbers, and a stream takes longer than a draw.
@lru_cache(maxsize=2**16)
def uniform(seed: int, replication: int, name: str) -> float:
    """The first uniform number of one named purpose in one replication."""
    return stream(seed, replication, name).random()


@dataclass(frozen=True)
class Luck:
    """All the randomness of one replication: a stream for each purpose, told apart by name.

    Examples
    --------
    >>> luck = Luck(0, 0)
    >>> float(luck.stream("a").random()) == float(luck.stream("a").random())
    True
    """

    seed: int
    replication: int

    def stream(self, name: str) -> Generator:
        """The generator of one purpose, at its beginning."""
        return stream(self.seed, self.replication, name)

    def uniforms(self, name: str) -> Uniforms:
        """Uniform numbers of one purpose, one after another."""
        return Uniforms(self.stream(name))

    def field(self, name: str) -> Field:
        """Uniform numbers of many purposes for many units."""
        return Field(_bits(self.seed, self.replication, name))


def _bits(seed: int, replication: int, name: str) -> PCG64DXSM:
    return PCG64DXSM(SeedSequence(seed, spawn_key=(replication, crc32(name.encode()))))


class Field:
    """Uniform numbers in [0, 1) for every purpose, unit and number, each in a place of its own.

    All lie in one stream, which a generator can jump along: so a number costs the same wherever it
    lies, and does not depend on which others have been asked for.

    Examples
    --------
    >>> field = Luck(0, 0).field("failures")
    >>> repair = field.purpose("repair")
    >>> field.row(repair, 7, 2, 3)[:2] == field.row(repair, 7, 2, 2)
    True
    """

    # Bits of a place that tell apart the units and numbers of one purpose, the parts of one number,
    # and the columns and units of one part.
    PURPOSE = 64
    NUMBER = 36
    PART = 12
    TOGETHER = 16
    """Units whose rows are drawn together: neighbours fail about as often, and a jump costs as much
    as a hundred numbers."""

    def __init__(self, bits: PCG64DXSM) -> None:
        self._bits = bits
        self._generator = Generator(bits)
        self._here = 0
        """Where in the stream the generator stands."""
        self._purposes: dict[str, int] = {}
        self._parts: dict[tuple[int, int, int, int], Floats] = {}

    def purpose(self, name: str) -> int:
        """Where the numbers of a purpose begin."""
        if name not in self._purposes:
            self._purposes[name] = crc32(name.encode()) << self.PURPOSE
        return self._purposes[name]

    def row(self, purpose: int, unit: int, number: int, columns: int) -> list[float]:
        """The row of a unit that has been asked so many times before."""
        k = unit // self.TOGETHER
        key = purpose, number, k, columns
        part = self._parts.get(key)
        if part is None:
            place = purpose + (number + 1 << self.NUMBER) + (k << self.PART)
            # By column, so that more of them leave the others where they are.
            part = self._parts[key] = self._draw(place, columns, self.TOGETHER)
        row: list[float] = part[:, unit % self.TOGETHER].tolist()
        return row

    def block(self, purpose: int, units: int, columns: int) -> Floats:
        """A first row for each unit, those of the first units the same whatever their number."""
        return self._draw(purpose, units, columns)

    def _draw(self, place: int, rows: int, columns: int) -> Floats:
        """As many numbers as are asked for, from a place on."""
        self._bits.advance(place - self._here)
        self._here = place + rows * columns
        return self._generator.random((rows, columns))


class Uniforms:
    """Uniform numbers in (0, 1) from one stream, fetched in blocks.

    Examples
    --------
    >>> draws = Luck(0, 0).uniforms("congestion")
    >>> 0 < draws.next() < 1
    True
    """

    BLOCK = 128

    def __init__(self, generator: Generator) -> None:
        self._generator = generator
        self._block: list[float] = []

    def next(self) -> float:
        """The next number of the stream."""
        if not self._block:
            # Reversed, as taking from the end of a list is free.
            self._block = self._generator.random(self.BLOCK)[::-1].tolist()
        return self._block.pop()

    def draw(self, distribution: Distribution) -> float:
        """One draw of a distribution."""
        dims = distribution.dims
        # Nearly all need one number, which takes no list.
        if dims == 1:
            return distribution.one(self.next())
        return distribution.one(*[self.next() for _ in range(dims)])
