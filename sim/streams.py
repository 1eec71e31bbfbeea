"""Named random streams: without state, so that no new component or draw order disturbs another."""

from __future__ import annotations

from dataclasses import dataclass
from zlib import crc32

import numpy as np
from numpy.random import PCG64DXSM, Generator, SeedSequence
from numpy.typing import NDArray


def stream(seed: int, replication: int, name: str) -> Generator:
    """The generator of one named purpose in one replication.

    Examples
    --------
    >>> first, again, other = (float(stream(0, k, "a").random()) for k in (0, 0, 1))
    >>> first == again, first == other
    (True, False)
    """
    # Not Python's own hash, which differs from one process to the next.
    number = crc32(name.encode())
    return Generator(PCG64DXSM(SeedSequence(seed, spawn_key=(replication, number))))


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

    def rows(self, name: str, units: int, columns: int) -> Rows:
        """Uniform numbers of one purpose for many units."""
        return Rows(self, name, units, columns)


class Rows:
    """Uniform numbers in [0, 1): numbered blocks, each a stream, with a row for each unit.

    The first block is drawn whole. Few rows of the later ones are ever needed, so only the part
    that a row lies in is drawn.

    Parameters
    ----------
    luck : Luck
    name : str
        What the numbers are for.
    units, columns : int
        Shape of a block.

    Examples
    --------
    >>> rows = Rows(Luck(0, 0), "failures", units=3000, columns=3)
    >>> rows.of(2, unit=2999) == stream(0, 0, "failures.2").random((3000, 3))[2999].tolist()
    True
    """

    PART = 256

    def __init__(self, luck: Luck, name: str, units: int, columns: int) -> None:
        self._luck = luck
        self._name = name
        self._units = units
        self._columns = columns
        self._parts: dict[tuple[int, int], NDArray[np.float64]] = {}

    def first(self) -> NDArray[np.float64]:
        """The first block, a row for each unit."""
        block = self._luck.stream(f"{self._name}.0").random((self._units, self._columns))
        for start in range(0, self._units, self.PART):
            self._parts[0, start // self.PART] = block[start : start + self.PART]
        return block

    def of(self, number: int, unit: int) -> list[float]:
        """The row of a unit in the block of a number."""
        return self._part(number, unit // self.PART)[unit % self.PART].tolist()

    def one(self, number: int, unit: int, column: int) -> float:
        """One number of that row."""
        return self._part(number, unit // self.PART).item(unit % self.PART, column)

    def _part(self, number: int, k: int) -> NDArray[np.float64]:
        part = self._parts.get((number, k))
        if part is None:
            start = k * self.PART
            rows = min(self.PART, self._units - start)
            generator = self._luck.stream(f"{self._name}.{number}")
            # The generator can jump: what lies before the part costs nothing, and the part is the
            # same as if the whole block had been drawn.
            generator.bit_generator.advance(start * self._columns)  # type: ignore[attr-defined]
            part = generator.random((rows, self._columns))
            self._parts[number, k] = part
        return part


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
