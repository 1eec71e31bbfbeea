"""The commands that hold the simulation against what is known, and an article against it."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from sim import cli
from sim.cli.options import Count, Jobs, Printed, Seed, answer
from sim.errors import CheckFailed, InputError


def validate(
    *,
    table: Annotated[
        str | None,
        Argument(
            metavar="[closed-forms|published|steptime|jobs|logbooks|trace|peers|stock|score|FILE]",
            help="One of the tables, or all; or a file with past jobs or logs of one's own.",
        ),
    ] = None,
    effort: Annotated[
        float, Option(min=0.01, max=100, help="Factor on the number of runs behind a row.")
    ] = 1.0,
    printed: Printed,
) -> None:
    """Hold the simulation against exact answers, published runs, jobs and logbooks, a trace,
    another simulator, and a country's stock; `score` says how often its bands hold what was
    published. Of a file with `jobs:` (scenario, start, end and tokens of each) it says how often
    they hold one's own past jobs, and of one with `logs:` (file, nodes, start and end of each) how
    often half of a log of outages predicts the other half.

    Example: `sim validate closed-forms --effort 0.1`
    """
    from sim import documents, validation
    from sim.failure_logs import halves
    from sim.validation import hindcast, score
    from sim.validation.report import text

    said: list[str] = []
    if table and table not in validation.TABLES:
        if not table.endswith((".yaml", ".yml")):
            known = ", ".join(validation.TABLES)
            listed = f"; there are: {known}; or give a file of past jobs or logs (.yaml)"
            raise InputError.no_such(f"no table '{table}'", table, validation.TABLES, listed)
        of_logs = "logs" in (documents.read(table).data or ())
        own = halves if of_logs else hindcast
        runs = max(round(200 * effort), 20)
        rows = own.rows(table, runs)
        found = {"past_logs" if of_logs else "past_jobs": rows}
        said.append(score.told(rows))
    else:
        names = (table,) if table else validation.TABLES
        found = {name: validation.rows(name, effort) for name in names}
    everything = [row for rows in found.values() for row in rows]
    failed = [row.name for row in everything if not row.ok]
    data = {name: [asdict(row) for row in rows] for name, rows in found.items()}
    tables = [text(rows) for rows in found.values()]
    told = "\n\n".join([*tables, *said])
    answer({"ok": not failed, **data}, told, cli.tables.validate, printed)
    if failed:
        raise CheckFailed(f"{len(failed)} of {len(everything)} rows: {'; '.join(failed)}")


def claims(
    *,
    which: Annotated[
        list[str] | None,
        Argument(metavar="[FILE] [ROW…]", help="An article of your own; rows of the table."),
    ] = None,
    replications: Count = 200,
    seed: Seed = 1,
    jobs: Jobs = 1,
    printed: Printed,
) -> None:
    """Hold an article against the simulation, sentence by sentence.

    Example: `sim claims 7`, or `sim claims examples/claims_of_another_text.yaml`
    """
    from sim.experiments.articles import article
    from sim.experiments.claim_checks import judge
    from sim.publish.claim_pages import told

    rows = [int(word) for word in which or () if word.isdecimal()]
    files = [Path(word) for word in which or () if not word.isdecimal()]
    if len(files) > 1:
        raise InputError(f"give one article, not {' and '.join(map(str, files))}")
    text = article(files[0] if files else None)
    table = judge(replications, seed, of=text, rows=rows, jobs=jobs)
    found = json.loads(table.to_json(orient="records", double_precision=15))
    answer({"claims": found}, told(table, text), cli.tables.claims, printed)


COMMANDS = (validate, claims)
