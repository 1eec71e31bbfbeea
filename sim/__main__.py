"""The command line: `python -m sim …`, also installed as `sim`."""

from __future__ import annotations

import os
import sys

from sim.cli.app import app
from sim.errors import CheckFailed, InputError


def _joined(arguments: list[str]) -> list[str]:
    """``-p NAME VALUE``, as papermill takes it, as the one word ``NAME=VALUE`` that Typer can
    repeat.
    """
    words: list[str] = []
    rest = iter(arguments)
    for word in rest:
        words.append(word)
        if word == "-p" and (name := next(rest, None)) is not None:
            value = None if "=" in name else next(rest, "")
            words.append(name if value is None else f"{name}={value}")
    return words


def main() -> None:
    """Run the command line: 0 done, 1 a check failed, 2 wrong input or usage, 130 interrupted."""
    try:
        try:
            app(_joined(sys.argv[1:]), prog_name="sim")
        finally:
            sys.stdout.flush()
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
    except CheckFailed as error:
        print(f"failed: {error}", file=sys.stderr)
        sys.exit(1)
    except BrokenPipeError:
        # What is still unwritten goes nowhere, or Python would complain of it at its own end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except SystemExit as end:  # by Typer; 130 after Ctrl-C
        if end.code == 130:
            kept = (
                "what an experiment had finished is kept in the folder of --out, if one was given"
            )
            print(f"interrupted; {kept}; no figure was changed", file=sys.stderr)
        raise


if __name__ == "__main__":
    main()
