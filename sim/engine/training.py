"""What a job has trained, what it could fall back to, and the ledger of its time."""

from __future__ import annotations

from sim.engine.checkpoints import Mark, Speed
from sim.engine.fleet import Strike
from sim.engine.hidden import Corruption, Fault
from sim.engine.progress import Progress
from sim.engine.record import Record
from sim.engine.recovery import Copies


class Training:
    """The trained state of one job.

    Parameters
    ----------
    progress : Progress
    in_memory : bool
        Whether copies are kept in host memory between checkpoints on storage.
    record : Record
    """

    def __init__(self, progress: Progress, record: Record, *, in_memory: bool) -> None:
        self.progress = progress
        self.finished = False
        """Whether the goal was reached."""
        self._record = record
        self._copies = Copies(kept=in_memory)
        self._corruption = Corruption(progress)
        self._fallen = False
        """Whether the job has yet to roll back."""
        self._seen = (0.0, 0.0)
        """Time and position when it was last asked how fast the job goes."""
        self._clean: Mark | None = None
        """Where it has to roll back behind corruption: the newest checkpoint free of it."""
        self._speed: Speed | None = None
        """At which it trained last."""
        self._steps_back = 0.0
        """Steps that have to be thrown away at least."""

    def resume(self, faults: list[Fault], now: float) -> None:
        """The job trains again, with these hidden faults in its nodes."""
        if faults or self._corruption.spoilt:
            self._corruption.resume(faults, now)

    def advance(self, start: float, now: float, speed: Speed) -> None:
        """Train from one moment to another."""
        self._speed = speed
        progress = self.progress
        before = progress.checkpoints.passed
        productive, stall, blocked = progress.advance(start, now - start, speed)
        # A new copy replaces whatever the last failures had destroyed.
        if self._copies.kept and progress.checkpoints.passed > before:
            self._copies.restore()
        time = self._record.time
        time["productive"] += productive
        time["stall"] += stall
        time["checkpoint"] += blocked

    def spoil(self, fault: Fault, now: float) -> None:
        """A node that trains has a hidden fault."""
        if fault.silent:
            self._corruption.begin(fault, now)

    def find(self, fault: Fault) -> bool:
        """A hidden fault is found; whether it has spoilt something that is left."""
        clean = self._corruption.find(fault)
        if clean is None:
            return False
        self._fallen = True
        if self._clean is None or clean.tokens < self._clean.tokens:
            self._clean = clean
        return True

    def lose(self, strike: Strike) -> None:
        """The copies in the memory of broken nodes are gone."""
        cause = strike.failure.cause
        if cause.rollback_steps and self._speed:
            # It may come while the job stands still, with nothing else to roll back for.
            self._fallen = True
            self._steps_back = max(self._steps_back, cause.rollback_steps)
        if cause.hardware:
            self._copies.lose(strike.pool.name, strike.nodes)

    def lose_node(self, fault: Fault) -> None:
        """The copy in the memory of a node taken out for a hidden fault is gone."""
        if fault.failure.cause.hardware:
            self._copies.lose(fault.pool, [fault.node])

    def stop(self, now: float) -> None:
        """The job has stopped, and will have to roll back."""
        self._fallen = True
        self.progress.checkpoints.settle(now)

    def save(self, now: float) -> None:
        """A planned checkpoint is durable, and every node has a copy of it in memory."""
        self.progress.save(now)
        self._copies.restore()

    @property
    def in_memory(self) -> bool:
        """Whether the job can restart from copies in host memory.

        What a fault found late had corrupted is in the copies as well, and they are newer than the
        steps that are thrown away.
        """
        return self._copies.usable and self._clean is None and not self._steps_back

    def roll_back(self, now: float) -> None:
        """Fall back to the newest checkpoint that can be used; the work since becomes rework."""
        if not self._fallen:
            return
        progress = self.progress
        mark = progress.usable(memory=self.in_memory)
        if self._clean or self._steps_back:
            self._copies.distrust()
        # A checkpoint that is newer than the first corrupt step is no use, durable or not.
        if self._clean and self._clean.tokens < mark.tokens:
            mark = self._clean
            progress.checkpoints.trust_none_after(mark)
        if self._steps_back and self._speed:
            mark = progress.further_back(mark, self._steps_back, self._speed)
            progress.checkpoints.trust_none_after(mark)
        self._fallen = False
        self._clean = None
        self._steps_back = 0.0
        lost = progress.roll_back(mark)
        self._record.time["productive"] -= lost
        self._record.time["rework"] += lost
        self._record.event(now, "rework", amount=lost)

    def likely_end(self, now: float, horizon: float) -> float:
        """When the goal is reached if all goes on as since the last call, or the horizon (s)."""
        time, tokens = self._seen
        self._seen = (now, self.progress.tokens)
        done = self.progress.tokens - tokens
        left = self.progress.goal - self.progress.tokens
        if done <= 0:
            return horizon
        return min(now + left * (now - time) / done, horizon)

    def finish(self) -> bool:
        """The last token of a phase is trained; whether it is that of the run."""
        self.progress.finish()
        self.finished = self.progress.tokens == self.progress.goal
        return self.finished

    def kept(self, now: float) -> float:
        """Tokens kept when the job ends: all at the goal, else those of the durable checkpoint."""
        if self.finished:
            return self.progress.goal
        self.progress.checkpoints.settle(now)
        return self.progress.checkpoints.durable.tokens
