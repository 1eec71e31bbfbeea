"""How long it takes to go on after an interruption: choosing nodes, installing them, restarting."""

from __future__ import annotations

from collections.abc import Iterable

from sim.engine.ageing import Failure
from sim.engine.checkpoints import Sawtooth
from sim.quantities.distributions import Constant, Distribution
from sim.scenario import Recovery
from sim.streams import Luck
from sim.throughput import Plan


class RecoveryTimes:
    """Draws the times of the steps of a recovery, by step and number.

    Parameters
    ----------
    recovery : Recovery
    sawtooth : Sawtooth
    luck : Luck
    label : str
        Tells the draws of several jobs apart.
    """

    def __init__(
        self, recovery: Recovery, sawtooth: Sawtooth, luck: Luck, label: str
    ) -> None:
        self.follow(recovery, sawtooth)
        self._field = luck.field(f"recovery{label}")
        self._counts: dict[str, int] = {}
        """Draws so far for each step."""

    def follow(self, recovery: Recovery, sawtooth: Sawtooth) -> None:
        """Take the times of a phase of the run."""
        self._recovery = recovery
        self._sawtooth = sawtooth

    def choose(self) -> float:
        """Seconds to choose the nodes of the job."""
        return self._draw("choose", self._recovery.reschedule)

    def install(self) -> float:
        """Seconds to unpack and install a boxed spare."""
        return self._draw("install", self._recovery.provision)

    def reconfigure(self) -> float:
        """Seconds to take nodes into a job that had gone on with fewer."""
        return self._draw("reconfigure", self._recovery.reconfigure)

    def restart(self, failure: Failure, plan: Plan, *, in_memory: bool) -> float:
        """Seconds of a restart, growing with the size of the job, and of loading the checkpoint.

        Parameters
        ----------
        failure : Failure
            Whose cause may have a restart time of its own.
        plan : Plan
            By which the job goes on.
        in_memory : bool
            Whether the checkpoint is a copy in host memory.
        """
        recovery = self._recovery
        saw = self._sawtooth
        cause = failure.cause
        # By cause, so that how one of them restarts leaves the others alone.
        seconds = self._draw(f"restart.{cause.cause}", cause.restart or recovery.restart)
        if scaling := recovery.restart_scaling:
            chips = sum(plan.used_chips.values())
            seconds *= (chips / scaling.chips) ** scaling.exponent
        return seconds + (saw.memory_load if in_memory else saw.load)

    def _draw(self, step: str, distribution: Distribution) -> float:
        # What does not vary takes no number: its stream stays where it is.
        if type(distribution) is Constant:
            return distribution.value
        count = self._counts.get(step, 0)
        self._counts[step] = count + 1
        purpose = self._field.purpose(step)
        return distribution.one(*self._field.row(purpose, count, 0, distribution.dims))


class Copies:
    """Copies of the state in host memory, each node's kept by itself and by a peer.

    Software failures keep host memory; a node failure loses that node's copy. What is left can be
    used if for no lost node its peer is lost too. Copies are restored at the next mark.
    """

    def __init__(self, kept: bool) -> None:
        self.kept = kept
        """Whether there are copies at all."""
        self._trusted = True
        self._lost: set[tuple[str, int]] = set()

    def lose(self, pool: str, nodes: Iterable[int]) -> None:
        """The copies in the memory of broken nodes are gone."""
        if self.kept:
            self._lost.update((pool, node) for node in nodes)

    def restore(self) -> None:
        """A mark was passed: every node has a copy again."""
        self._trusted = True
        self._lost.clear()

    def distrust(self) -> None:
        """What the copies hold was thrown away, as corrupt or as not worth keeping."""
        self._trusted = False

    @property
    def complete(self) -> bool:
        """Whether the state can be put together from the copies that are left."""
        lost = self._lost
        # Peers are neighbours of even and odd number.
        return not lost or not any((pool, node ^ 1) in lost for pool, node in lost)

    @property
    def usable(self) -> bool:
        """Whether there are copies, complete ones, of work that counts."""
        return self.kept and self._trusted and self.complete
