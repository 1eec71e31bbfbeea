"""The tables of `sim validate`: their rows, which of them fail, and how they read in a terminal."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from tqdm.auto import tqdm

from sim import catalogue
from sim.validation import closed_forms, jobs, peers, published, trace

TABLES = ("closed-forms", "published", "jobs", "trace", "peers")
MEAN_ERROR, WORST_ERROR = 0.06, 0.15
"""Largest errors of published step times on mature stacks that still count as agreement."""

Rows = list[dict[Any, Any]]


def rows(table: str, effort: float = 1.0) -> Rows:
    """One of the tables, worked out anew, as plain data; every row says whether it is `ok`."""
    if table == "closed-forms":
        steps = tqdm(closed_forms.CHECKS, disable=None, leave=False)
        found = [row for name in steps for row in closed_forms.closed_forms(effort, [name])]
        return [asdict(row) for row in found]
    if table == "peers":
        steps = tqdm(catalogue.table("peers"), disable=None, leave=False)
        return [asdict(row) for name in steps for row in peers.peers(effort, [name])]
    if table == "jobs":
        return jobs.rows(max(round(40 * effort), 5)).to_dict("records")
    if table == "trace":
        return trace.rows(max(round(100 * effort), 20)).to_dict("records")
    measured = published.rows()
    close = published.summary(measured).mean <= MEAN_ERROR
    counts = {row.id: row.role == "validation" and row.mature for row in measured}
    return [
        asdict(r) | {"ok": not counts[r.id] or (close and abs(r.error) <= WORST_ERROR)}
        for r in measured
    ]


def text(table: str, found: Rows) -> str:
    """The table for a terminal."""
    return "\n".join([TITLES[table], *(LINES[table](row) for row in found)])


def _closed_form(row: dict[str, Any]) -> str:
    decides = f"within {row['tolerance']:g}" if row["z"] is None else f"z {row['z']:+.2f}"
    twin = f"; rejects: {row['wrong']} ({row['twin']:.5g})" if row["twin"] is not None else ""
    numbers = f"{row['simulated']:>11.6g} {row['exact']:>11.6g} {row['standard_error']:>9.2g}"
    return f"{_mark(row)} {row['id']:4} {numbers}  {decides:14} {row['title']}{twin}"


def _published(row: dict[str, Any]) -> str:
    cause = f" ({row['cause_of_miss']})" if row["cause_of_miss"] else ""
    numbers = f"{row['ours']:>12.6g} {row['published']:>12.6g} {row['error']:>+8.1%}"
    return (
        f"{_mark(row)} {row['role']:13} {numbers}  {row['title']}, {row['unit'] or 'share'}{cause}"
    )


def _job(row: dict[str, Any]) -> str:
    cause = f" ({row['cause_of_miss']})" if row["cause_of_miss"] else ""
    numbers = f"{row['ours']:>8.3f} {row['p5']:>6.3f} to {row['p95']:<6.3f} {'>' * row['bound']:>2}{row['measured']:.3f}"
    return f"{_mark(row)} {row['role']:13} {numbers}  {row['title']}, {row['quantity']}{cause}"


def _trace(row: dict[str, Any]) -> str:
    numbers = f"{row['ours']:>8.4g} {row['p5']:>6.3g} to {row['p95']:<6.3g} {row['measured']:>8g}"
    title = f"{row['title']}, {row['unit']}".removesuffix(", ")
    return f"{_mark(row)} {row['role']:13} {numbers} {row['independent']:>11.3g}  {title}"


def _peer(row: dict[str, Any]) -> str:
    own = "" if row["peer"] is None else f"{row['peer']:g}"
    numbers = f"{row['ours']:>11.6g} {row['standard_error']:>8.2g} {row['expected']:>11.6g} {own:>8} {row['z']:>+6.2f}"
    return f"{_mark(row)} {numbers}  {row['case']}: {row['quantity']} (against {row['against']})"


def _mark(row: dict[str, Any]) -> str:
    return "  ok" if row["ok"] else "FAIL"


TITLES = {
    "closed-forms": f"{'':9}{'simulated':>11} {'exact':>11} {'error':>9}",
    "published": f"{'':18}{'ours':>12} {'published':>12} {'error':>8}",
    "jobs": f"{'':18}{'ours':>8} {'5 to 95 %':>16} {'reported':>7}",
    "trace": f"{'':18}{'ours':>8} {'5 to 95 %':>16} {'measured':>8} {'independent':>11}",
    "peers": f"{'':4} {'ours':>11} {'error':>8} {'expected':>11} {'peer':>8} {'z':>6}",
}
LINES = {
    "closed-forms": _closed_form,
    "published": _published,
    "jobs": _job,
    "trace": _trace,
    "peers": _peer,
}
