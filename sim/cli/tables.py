"""The table of each answer for a spreadsheet: rows made from the JSON, with unit and status."""

from __future__ import annotations

from typing import Any

from sim.cli.answers import STEP_UNITS

Row = dict[str, Any]


def written(rows: list[Row]) -> str:
    """Write rows with one header; what is counted has the unit `number`."""
    # Loaded here, as it takes longer than a few runs.
    import pandas as pd

    # As objects, or whole numbers would become fractions in a column with gaps.
    table = pd.DataFrame(rows, dtype=object)
    table["unit"] = table["unit"].replace("", "number")
    return table.to_csv(index=False, lineterminator="\n").removesuffix("\n")


def run(answer: Row) -> list[Row]:
    """A row a metric; where the spread is split, with the share of each source."""
    rows = _metrics(answer, answer)
    for row in rows:
        parts = answer.get("split", {}).get(row["metric"], {})
        row |= {
            f"share_{name}": part["share"] for name, part in parts.items() if "share" in part
        }
    return rows


def sweep(answer: Row) -> list[Row]:
    """A row a point and metric."""
    points = answer["points"]
    return [point["at"] | row for point in points for row in _metrics(point, answer)]


def _metrics(point: Row, answer: Row) -> list[Row]:
    units = answer["units"]
    # A point may have chips, and so metrics, that the scenario itself lacks.
    rows = [
        {"metric": x, "unit": units.get(x, ""), **row} for x, row in point["metrics"].items()
    ]
    rest = {"finished": point["finished"], "status": answer["status"]}
    return _all(rows, interval="95 % of the mean", **rest)


def _all(rows: list[Row], **rest: Any) -> list[Row]:
    """Rows that have something in common, such as what lies between `lo` and `hi`."""
    return [row | rest for row in rows]


def compare(answer: Row) -> list[Row]:
    """One row: the metric of both sides, and the mean and the median of their difference."""
    a, b = answer["a"], answer["b"]
    parts = {"a": a["summary"], "b": b["summary"]}
    parts |= {"difference": answer["difference"], "difference_median": answer["median"]}
    row = {key: answer[key] for key in ("metric", "pairs", "censored")}
    for name, values in parts.items():
        row |= {f"{name}_{key}": value for key, value in values.items()}
    # Both are told where they differ: the difference is worth no more than either.
    status = " and ".join(dict.fromkeys((a["status"], b["status"])))
    unit = a["units"][answer["metric"]]
    return _all([row], unit=unit, interval="95 % of the mean or median", status=status)


def sensitivity(answer: Row) -> list[Row]:
    """A row an unknown constant."""
    metric = answer["metric"]
    unit = "share of the variance" if answer["method"] == "sobol" else answer["units"][metric]
    rest = {"interval": "95 %: ± conf", "status": answer["status"]}
    return _all(answer["unknowns"], metric=metric, unit=unit, **rest)


def size_stock(answer: Row) -> list[Row]:
    """A row a number tried: `p` is the probability with which it is enough."""
    path = answer["path"]
    unit = "nodes" if path.endswith("_spares") else answer["unit"]
    rows = [{"value": int(number), **share} for number, share in answer["tried"].items()]
    rest = {"by": answer["by"], "status": answer["status"]}
    return _all(rows, path=path, unit=unit, interval="95 % of p", **rest)


def advise(answer: Row) -> list[Row]:
    """A row an option; `value`, `behind`, `lo` and `hi` are in its unit."""
    rows = [{**o.pop("at"), "cost_usd": o.pop("cost"), **o} for o in answer["options"]]
    rest = {"unit": answer["unit"], "status": answer["status"]}
    return _all(rows, interval="95 % of behind, for all options at once", **rest)


def worlds(answer: Row) -> list[Row]:
    """A row for each world, date and quantity; `abroad` is how often the largest run is there."""
    # Loaded here, as tables take longer to load than a few runs.
    from sim.experiments.worlds import AS_IT_WAS

    abroad = {(row["world"], row["date"]): row["share"] for row in answer["abroad"]}
    found = []
    for row in answer["largest"]:
        world, date = row["world"], row["date"]
        # How far a stock reaches over a need is a ratio.
        unit = answer["units"].get(f"largest.{date}_{row['quantity']}", "ratio")
        status = answer["status" if world == AS_IT_WAS else "world_status"]
        rest = {"abroad": abroad.get((world, date)), "status": status}
        found.append(row | {"unit": unit, "interval": "95 % of the median"} | rest)
    return found


def step_time(answer: Row) -> list[Row]:
    """A row a number of the step, or of each part or pool of it."""
    found = []
    for quantity, unit in STEP_UNITS.items():
        values = answer[quantity]
        if not isinstance(values, dict):
            values = {"": values}
        rows = [
            {"quantity": quantity, "of": of, "value": value} for of, value in values.items()
        ]
        found += _all(rows, unit=unit, status=answer["status"])
    return found


def validate(answer: Row) -> list[Row]:
    """A row a number that is held against another; the status is that of what is expected."""
    tables = {name: rows for name, rows in answer.items() if isinstance(rows, list)}
    return [row for name, rows in tables.items() for row in _all(rows, table=name)]


def claims(answer: Row) -> list[Row]:
    """A row a reading of a sentence."""
    return answer["claims"]


def fit(answer: Row) -> list[Row]:
    """A row a fitted parameter."""
    units = answer["units"]
    rows = [
        {"parameter": x, **row, "unit": units[x]} for x, row in answer["parameters"].items()
    ]
    return _all(rows, interval="95 %", status=answer["status"])
