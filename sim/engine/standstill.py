"""A job that does not compute: time passes for something else, and nodes go on failing."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import simpy

from sim.engine.ageing import Due
from sim.engine.fleet import Fleet
from sim.engine.hidden import Fault
from sim.engine.record import Record
from sim.engine.stops import Stop
from sim.engine.training import Training

Process = Generator[simpy.Event, Any, Any]


class Standstill:
    """What a job spends time on beside computing.

    Parameters
    ----------
    env : simpy.Environment
    training : Training
    fleet : Fleet
    save_seconds : float
        Until a checkpoint is durable.
    horizon : float
        Seconds.
    record : Record
    """

    def __init__(
        self,
        env: simpy.Environment,
        training: Training,
        fleet: Fleet,
        save_seconds: float,
        horizon: float,
        record: Record,
    ) -> None:
        self._env = env
        self._training = training
        self._fleet = fleet
        self._save_seconds = save_seconds
        self._horizon = horizon
        self._record = record
        self.leaving: list[Fault] = []
        """Stragglers that were found and work on until the job is saved."""

    def follow(self, save_seconds: float) -> None:
        """Save as in a phase of the run."""
        self._save_seconds = save_seconds

    def save(self) -> Process:
        """Write a checkpoint and wait until it is durable.

        What stops it meanwhile voids it and is returned.
        """
        stop = yield from self.spend("checkpoint", self._save_seconds, exposed=True)
        if stop:
            self._training.stop(self._env.now)
        elif self._env.now < self._horizon:
            self._training.save(self._env.now)
        return stop

    def spend(
        self,
        category: str,
        duration: float,
        *,
        exposed: bool = False,
        for_return: bool = False,
    ) -> Process:
        """Let a time pass that is not computing; nodes go on failing.

        Parameters
        ----------
        category : str
            Of the time ledger.
        duration : float
        exposed : bool
            Whether a failure of an active node ends it, which is returned as a `Stop`. Otherwise it
            is taken in its stride.
        for_return : bool
            Whether a node that comes back ends it.
        """
        if duration <= 0:
            return None
        env = self._env
        fleet = self._fleet
        now: float = env.now
        end = min(now + duration, self._horizon)
        self._record.event(now, "state", what=category)
        while True:
            start = now
            due, failing = fleet.next_failure(start, running=False)
            found = fleet.next_find()
            # Asked every time round: a node that came back has brought a failure of its own.
            until = min(end, due, found)
            woken = yield from fleet.sleeper.sleep(start, until, for_return=for_return)
            now = env.now
            self._record.time[category] += now - start
            if woken.by_return:
                return None
            if not woken.on_time:
                continue
            if until >= end:
                return None
            # A job that fails has to restart anyway: see the table of precedence.
            if due <= found:
                stop = self._fail(now, failing)
            else:
                stop = self.find(now, saving=category == "checkpoint")
            if stop and exposed:
                return stop

    def _fail(self, now: float, failing: Due) -> Stop | None:
        """A failure while the job stands still; None if it concerns none of its nodes."""
        strike = self._fleet.fail(now, failing)
        if not strike.nodes or strike.fault:
            return None
        self._training.lose(strike)
        return Stop(strike.failure, strike.failure.detect)

    def find(self, now: float, *, saving: bool = False) -> Stop | None:
        """A hidden fault is found; None if it is of no concern to the job, or can wait."""
        fault = self._fleet.find()
        at_work = self._fleet.has_at_work(fault)
        if saving and at_work and not fault.silent:
            # What is being saved would be lost with it, and nothing is wrong with that.
            self.leaving.append(fault)
            return None
        spoilt = self._training.find(fault)
        self._fleet.reveal(now, fault)
        if at_work:
            self._training.lose_node(fault)
        elif not spoilt:
            return None
        return Stop(fault.failure, 0.0)

    def take_out_stragglers(self) -> None:
        """Those that were found go, now that the job is saved."""
        for fault in self.leaving:
            self._training.lose_node(fault)
            self._fleet.reveal(self._env.now, fault)
