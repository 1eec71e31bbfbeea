"""How results show themselves: their answer, and not the thousands of numbers behind it."""

from __future__ import annotations

from html import escape


class Answer:
    """A result whose text is its answer.

    A dataclass that inherits this must be made with ``repr=False``, or it would show every field.
    """

    def __repr__(self) -> str:
        """The first line of the answer."""
        lines = str(self).splitlines()
        return f"<{type(self).__name__}: {lines[0]}{' …' if lines[1:] else ''}>"

    def _repr_html_(self) -> str:
        """The whole answer, as a notebook shows it at the end of a cell."""
        return f"<pre>{escape(str(self))}</pre>"
