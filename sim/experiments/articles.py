"""A text and the readings of its sentences, as a file says them: what would have to be true."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import Field, PrivateAttr, model_validator

from sim import documents
from sim.catalogue import FOLDER, STATUSES
from sim.catalogue.strict import Strict
from sim.documents import Document
from sim.errors import InputError
from sim.results.metrics import check_metric
from sim.scenario import Scenario, load_scenario, patient
from sim.scenario.building import build
from sim.scenario.reading import Source

Words = str | dict[str, str]
"""What is told: in one language, or in several by their codes."""


def words(text: Words, language: str = "en") -> str:
    """What is told in a language; in English, or in the first there is, if it is not told in that.

    Examples
    --------
    >>> words({"en": "half", "de": "die Hälfte"}, "de"), words("half", "de")
    ('die Hälfte', 'half')
    """
    if isinstance(text, str):
        return text
    return text.get(language) or text.get("en") or next(iter(text.values()), "")


class Stated(Strict):
    """Something that a source says, and what that is worth."""

    source: str
    status: str

    @model_validator(mode="after")
    def _known_status(self) -> Stated:
        if self.status not in STATUSES:
            problem = f"no status '{self.status}'"
            raise InputError.no_such(
                problem, self.status, STATUSES, listed="allowed", key="status"
            )
        return self


class Evidence(Stated):
    """A fact that stands beside the model and decides nothing."""

    says: Words


class Known(Stated):
    """A number that is added to what is simulated."""

    value: float


class Limit(Stated):
    """What the metric is compared with, from one side; `range` are other limits one could draw."""

    at_most: float | None = None
    at_least: float | None = None
    range: tuple[float, float] | None = None
    note: Words = ""

    @model_validator(mode="after")
    def _one_side(self) -> Limit:
        if (self.at_most is None) == (self.at_least is None):
            raise InputError("give either at_most or at_least")
        low, high = self.ends
        if not low <= self.value <= high:
            raise InputError(f"the range does not hold {self.value:g}", key="range")
        return self

    @property
    def value(self) -> float:
        """Where it is drawn."""
        return float(self.at_least if self.at_most is None else self.at_most)  # type: ignore[arg-type]

    @property
    def ends(self) -> tuple[float, float]:
        """The least and the greatest limit that somebody could draw."""
        return self.range or (self.value, self.value)


_LOADED: dict[str, Scenario] = {}
"""Scenarios by the key of what they are simulated for: many readings share one."""


class Simulated(Strict):
    """A scenario, in some of its worlds, changed by dotted paths."""

    says: Words
    scenario: str = ""
    worlds: tuple[str, ...] = ()
    set: dict[str, Any] = Field(default_factory=dict)

    @property
    def changed_scenario(self) -> Scenario:
        """The scenario to simulate."""
        if self.key not in _LOADED:
            scenario = load_scenario(self.scenario)
            if self.worlds:
                scenario = scenario.in_world(*self.worlds)
            _LOADED[self.key] = scenario.override(self.set)
        return _LOADED[self.key]

    @property
    def status(self) -> str:
        """That of the scenario if only patience was changed in it: the horizon and the spares."""
        return self.changed_scenario.status if patient(self.set) else "counterfactual"

    @property
    def key(self) -> str:
        """What two of them share if they are the same simulation."""
        return f"{self.scenario} {self.worlds} {self.set}"


class Reading(Simulated):
    """One way to take a sentence, and what would have to be true for it.

    Without a limit it lies outside the model, and `caveat` says why.
    """

    needs: Words
    metric: str = ""
    plus: Known | None = None
    against: Simulated | None = None
    limit: Limit | None = None
    caveat: Words = ""

    @model_validator(mode="after")
    def _can_be_tested(self) -> Reading:
        parts = (self.scenario, self.metric, self.limit)
        if any(parts) != all(parts):
            raise InputError("scenario, metric and limit go together: give all three or none")
        if not self.limit and not self.caveat:
            raise InputError(
                "without a limit, caveat says why it cannot be tested", key="caveat"
            )
        return self

    @property
    def status(self) -> str:
        """That of the scenario, unless the comparator never was."""
        never_was = self.against and self.against.status == "counterfactual"
        return "counterfactual" if never_was else super().status

    @property
    def simulated(self) -> list[Simulated]:
        """The scenario and its comparator, as far as there are any."""
        return [part for part in (self, self.against) if part and part.scenario]


class Sentence(Strict):
    """A sentence word by word, who says it, and its readings, the plainest first."""

    sentence: str
    speaker: Words
    translation: str = ""
    readings: tuple[Reading, ...] = Field(min_length=1)
    joint: bool = False
    """Whether it counts only if all its readings agree."""
    readme: bool = False
    evidence: tuple[Evidence, ...] = ()


class Article(Strict):
    """A text, of which some sentences are held against the simulation."""

    title: str
    source: str
    sentences: dict[str, Sentence] = Field(min_length=1)
    _document: Document | None = PrivateAttr(None)

    def scenarios(self, names: Iterable[str]) -> dict[str, Scenario]:
        """What is simulated for some sentences, each once, by its key.

        Raises
        ------
        InputError
            With the line of a reading whose scenario or metric cannot be.
        """
        found = {}
        for name in names:
            for position, reading in enumerate(self.sentences[name].readings):
                try:
                    for part in reading.simulated:
                        check_metric(reading.metric, part.changed_scenario)
                        found[part.key] = part.changed_scenario
                except InputError as error:
                    if self._document is None:
                        raise
                    path = ("sentences", name, "readings", position)
                    raise self._document.error(path, str(error)) from None
        return found


@cache
def article(path: Path | None = None) -> Article:
    """Read an article: a file of one's own, or the one that comes with the project.

    Raises
    ------
    InputError
        With file, line and key of what is wrong.
    """
    document = documents.read(path or FOLDER / "claims.yaml")
    data = document.data
    if not isinstance(data, dict):
        raise document.error((), "an article is a mapping of keys to values", given=data)
    found, _ = build(Article, Source(data, (document,)), data)
    found._document = document
    return found
