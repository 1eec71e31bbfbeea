"""Is the simulation right? Tables that hold it against what is known."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sim.validation.report import Row

TABLES = ("closed-forms", "published", "steptime", "jobs", "trace", "peers", "stock")


def rows(table: str, effort: float = 1.0) -> list[Row]:
    """The rows of one of the tables.

    Parameters
    ----------
    table : str
        One of `TABLES`.
    effort : float
        Factor on the number of simulated runs behind each row.
    """
    # The tables build on the whole project, and parts of it on the row type of this package: so
    # each is loaded only when it is asked for.
    from sim.validation import closed_forms, jobs, peers, published, step_score, stock, trace

    if table == "closed-forms":
        return closed_forms.closed_forms(effort)
    if table == "published":
        return published.rows()
    if table == "steptime":
        return step_score.rows()
    if table == "jobs":
        return jobs.rows(max(round(40 * effort), 5))
    if table == "trace":
        return trace.rows(max(round(100 * effort), 20))
    if table == "stock":
        return stock.rows(max(round(100 * effort), 20))
    return peers.peers(effort)
