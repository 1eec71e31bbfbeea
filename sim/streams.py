"""Named random streams: stateless, so a new component or another draw order disturbs no other stream."""

from __future__ import annotations

from zlib import crc32

import numpy as np
from numpy.random import PCG64DXSM, Generator, SeedSequence
from numpy.typing import NDArray


def stream(seed: int, replication: int, name: str) -> Generator:
    """The generator of one named purpose in one replication.

    Examples
    --------
    >>> float(stream(0, 0, "a").random()) == float(stream(0, 0, "a").random()) != float(stream(0, 1, "a").random())
    True
    """
    return Generator(PCG64DXSM(SeedSequence(seed, spawn_key=(replication, crc32(name.encode())))))


class Rows:
    """Uniform numbers in [0, 1) in rows, one for each of `units`; every block of rows has a stream of its own.

    Examples
    --------
    >>> rows = Rows(0, 0, "failures", units=4, columns=3)
    >>> len(rows.of(2, unit=1)), rows.block(2).shape
    (3, (4, 3))
    """

    def __init__(self, seed: int, replication: int, name: str, units: int, columns: int) -> None:
        self._key, self._name, self._shape = (seed, replication), name, (units, columns)
        self._blocks: list[NDArray[np.float64]] = []

    def block(self, number: int) -> NDArray[np.float64]:
        """The block of a number, a row for each unit."""
        while len(self._blocks) <= number:
            self._blocks.append(stream(*self._key, f"{self._name}.{len(self._blocks)}").random(self._shape))
        return self._blocks[number]

    def of(self, number: int, unit: int) -> list[float]:
        """The row of a unit in the block of a number."""
        return self.block(number)[unit].tolist()


class Uniforms:
    """Uniform numbers in (0, 1) from one stream, fetched in blocks.

    Examples
    --------
    >>> draws = Uniforms(0, 0, "congestion")
    >>> 0 < draws.next() < 1
    True
    """

    BLOCK = 128

    def __init__(self, seed: int, replication: int, name: str) -> None:
        self._generator = stream(seed, replication, name)
        self._block: list[float] = []

    def next(self) -> float:
        """The next number of the stream."""
        if not self._block:
            self._block = self._generator.random(self.BLOCK)[::-1].tolist()
        return self._block.pop()
