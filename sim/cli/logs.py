"""The commands about logs of outages: one is fitted, or one is written."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from sim import cli, files
from sim.cli.options import (
    Asked,
    One,
    Printed,
    Reading,
    Seed,
    answer,
    pairs,
)
from sim.errors import InputError, optional


def fit(
    *,
    logs: Annotated[list[str], Argument(metavar="LOG…", help="Files of outages.")],
    out: Annotated[Path, Option(help="The failure table to write, a .yaml file.")],
    reading: Reading,
    keep_names: Annotated[
        bool, Option("--keep-names", help="Write the names of nodes instead of numbers.")
    ] = False,
    ahead: Annotated[
        float, Option(min=1, help="Days for which a drift is carried on.")
    ] = 365.25,
    checked: Annotated[
        bool, Option("--check/--no-check", help="Whether to hold the table against the log.")
    ] = True,
    picture: Annotated[
        Path | None, Option(help="Folder for a picture of the log and the forecast.")
    ] = None,
    seed: Seed = 0,
    printed: Printed,
) -> None:
    """Fit a failure table to logs of outages, and say what it is worth.

    Example: `sim fit outages.csv --nodes 512 --from 2025-01-01T00:00Z --to 2025-07-01T00:00Z
    --out my-cluster.yaml`
    """
    import sim
    from sim.failure_logs import check as checks
    from sim.failure_logs import write

    if out.suffix not in (".yaml", ".yml"):
        raise InputError(f"--out {out}: expected a .yaml file")
    given = vars(reading)
    files.check_apart(write.names(out), [*logs, reading.exposure or ""])
    columns = given["columns"]
    given["columns"] = pairs(columns.split(",") if columns else None, "--columns")
    # Asked for first: what is missing is to be said before anything is written.
    draw = optional("sim.pictures.failure_logs", "figures").save if picture else None
    fitted = sim.fit(logs, **given, ahead=ahead, seed=seed)
    found = checks.check(fitted, seed=seed) if checked or picture else None
    written = write.save(fitted, out, keep_names=keep_names)
    if found and draw:
        draw(fitted, found, picture)
    report = checks.report(fitted, found)
    set_here = {name: value for name, value in given.items() if value}
    report |= {"asked": set_here | {"ahead": ahead, "seed": seed}, "status": "fitted"}
    answer(report, cli.answers.fit(report), cli.tables.fit, printed)
    print(
        f"written: {', '.join(cli.answers.short(path) for path in written)}", file=sys.stderr
    )


def log(
    *,
    asked: Asked,
    out: Annotated[Path, Option(help="The log to write: node, start, end, cause, kind.")],
    exposure: Annotated[Path, Option(help="When which node was watched: node, from, to.")],
    one: One,
) -> None:
    """Write what an operator of the simulated cluster would have recorded.

    Example: `sim log deepseek-v3 --out log.csv --exposure nodes.csv`
    """
    import sim
    from sim.failure_logs import record

    files.check_apart([out, exposure], [asked.name])
    result = sim.simulate(asked.scenario(), **vars(one))
    watched = record.exposure_file(result)
    files.write(out, record.log_file(result))
    files.write(exposure, watched)
    print(
        f"written: {cli.answers.short(out)}, {cli.answers.short(exposure)}", file=sys.stderr
    )


COMMANDS = (fit, log)
