"""The command line, a file for each kind of command."""

from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sim.cli import answers as answers


def __getattr__(name: str) -> ModuleType:
    """Load the text of answers, and all it tells of, when the first answer is given."""
    if name != "answers":
        raise AttributeError(f"module 'sim.cli' has no attribute '{name}'")
    return import_module("sim.cli.answers")
