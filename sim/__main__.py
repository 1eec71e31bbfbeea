"""The command line: `python -m sim …`, also installed as `sim`."""

import sys

from sim.cli import terminal


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
    with terminal.prepared() as interrupts:
        try:
            code = _run(_joined(sys.argv[1:]))
        except BaseException:
            # Libraries make other errors of an interrupt that comes while they are loaded.
            if interrupts.seen:
                interrupts.leave()
            raise
        if interrupts.seen:
            interrupts.leave()
    sys.exit(code)


def _run(words: list[str]) -> int:
    """Carry out a command and say in one line what went wrong; returns the exit code."""
    # Loaded here, where an interrupt is waited for.
    from sim.cli.app import run
    from sim.errors import CheckFailed, InputError, readable

    if sys.stdout is None:
        terminal.complain("error: standard output is closed")
        return 2
    try:
        code = run(words)
        sys.stdout.flush()
        return code
    except InputError as error:
        terminal.complain(f"error: {error}")
        return 2
    except CheckFailed as error:
        terminal.complain(f"failed: {error}")
        return 1
    except BrokenPipeError:
        terminal.forget(sys.stdout)
        return 1
    except OSError as error:
        # A full disk, above all; what stands in files is whole.
        where = error.filename or "the output"
        terminal.complain(
            readable(f"error: {where} cannot be used ({error.strerror or error})")
        )
        terminal.forget(sys.stdout)
        return 2


if __name__ == "__main__":
    main()
