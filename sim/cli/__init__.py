"""The command line, a file for each kind of command."""

from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sim.cli import answers as answers
    from sim.cli import fact_answers as fact_answers
    from sim.cli import tables as tables


def __getattr__(name: str) -> ModuleType:
    """Load the text and the tables of answers when the first answer is given."""
    if name not in ("answers", "fact_answers", "tables"):
        raise AttributeError(f"module 'sim.cli' has no attribute '{name}'")
    return import_module(f"sim.cli.{name}")
