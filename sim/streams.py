"""Named random streams: stateless, so a new component or another draw order disturbs no other
stream.
"""

from __future__ import annotations

from typing import Any
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
    return Generator(_bits(seed, replication, name))


def _bits(seed: int, replication: int, name: str) -> PCG64DXSM:
    return PCG64DXSM(SeedSequence(seed, spawn_key=(replication, crc32(name.encode()))))


class Rows:
    """Uniform numbers in [0, 1): blocks with a row for each of `units`, every block the numbers of
    one stream.

    The first block is drawn whole; of later ones, where few rows are asked for, only the part a row
    lies in.

    Examples
    --------
    >>> rows = Rows(0, 0, "failures", units=3000, columns=3)
    >>> rows.of(2, unit=2999) == stream(0, 0, "failures.2").random((3000, 3))[2999].tolist()
    True
    """

    PART = 256

    def __init__(self, seed: int, replication: int, name: str, units: int, columns: int) -> None:
        self._key, self._name, self._units, self._columns = (
            (seed, replication),
            name,
            units,
            columns,
        )
        self._parts: dict[tuple[int, int], NDArray[np.float64]] = {}
        self._streams: dict[int, tuple[PCG64DXSM, Any, Generator]] = {}
        """The stream of each block, and how it began."""

    def first(self) -> NDArray[np.float64]:
        """The first block, a row for each unit."""
        block = stream(*self._key, f"{self._name}.0").random((self._units, self._columns))
        self._parts = {
            (0, k): block[k * self.PART : (k + 1) * self.PART]
            for k in range(-(-self._units // self.PART))
        }
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
            if number not in self._streams:
                bits = _bits(*self._key, f"{self._name}.{number}")
                self._streams[number] = bits, bits.state, Generator(bits)
            bits, beginning, generator = self._streams[number]
            bits.state = beginning
            bits.advance(k * self.PART * self._columns)
            rows = min(self.PART, self._units - k * self.PART)
            part = self._parts[number, k] = generator.random((rows, self._columns))
        return part


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
