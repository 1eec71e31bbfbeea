"""Who wins when several things fall on one instant: the one table of precedence.

A job sleeps until the first of them. What is first is the smallest pair of time and rank, so the
pair says both when the job wakes and what for.

| rank | what happens | why before the next |
|---|---|---|
| `FINISH` | the last token is trained, or the last checkpoint durable | work done needs no luck |
| `RETURN` | a node comes back, or is delivered | it can take the place of one that fails now |
| `POLICY` | a control takes effect | its date begins the day, before anything of that day |
| `FAILURE` | a component fails | the fault stops a job that a slower network only slows |
| `FOUND` | a hidden fault is found | a job that has just failed starts anew anyway |
| `PHASE` | the date comes at which a phase of the run ends | its stop makes up for a window |
| `WINDOW` | a planned stop begins | what has failed stops the job anyway |
| `FABRIC` | congestion begins or ends | changes the rate of what is left |
| `HORIZON` | the scenario ends | all that falls on the last instant still happens |

Returns and controls are events of SimPy: they were put into its queue before the job began to wait
and SimPy serves those first that were put there first. Among equals the lower entity goes first: a
pool by its place in the fleet, a node by its number.
"""

from __future__ import annotations

FINISH, RETURN, POLICY, FAILURE, FOUND, PHASE, WINDOW, FABRIC, HORIZON = range(9)
