"""Named random streams: stateless, so a new component or another draw order disturbs no other stream."""

from __future__ import annotations

from zlib import crc32

from numpy.random import PCG64DXSM, Generator, SeedSequence


def stream(seed: int, replication: int, name: str) -> Generator:
    """The generator of one named purpose in one replication.

    Examples
    --------
    >>> float(stream(0, 0, "a").random()) == float(stream(0, 0, "a").random()) != float(stream(0, 1, "a").random())
    True
    """
    return Generator(PCG64DXSM(SeedSequence(seed, spawn_key=(replication, crc32(name.encode())))))


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
