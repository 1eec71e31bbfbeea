"""What the article says and what came out, in words: for a terminal, the README and two pages."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache

import pandas as pd

from sim import catalogue, documents
from sim.experiments import articles
from sim.experiments.articles import Article, Sentence, words
from sim.experiments.claim_checks import FEWEST, OUTSIDE, VERDICTS
from sim.experiments.intervals import digits
from sim.pictures.words import plain

Say = Callable[[str], str]
"""What stands for an English phrase in a language."""
PAGES = {"en": "claims.md", "de": "claims_de.md"}
RULES = (
    "A sentence counts by its first reading, the plainest. A reading is supported if it holds "
    "with a probability of 0.9 or more, and contradicted at 0.1 or less, each with the 95 % "
    "interval of that probability and for the whole range of its limit; else it is undecided. "
    "Numbers are medians with 5 to 95 % of runs. What is known only from below, as some runs had "
    "not ended, is told as “at least”. Every row is recomputed by the line below it."
)
ASSUMED = (
    "{assumed} of the {decided} verdicts rest on an assumed limit ({share}), and so do "
    "{assumed_readings} of the {tested} readings tested."
)
NO_VERDICT = f"no verdict below {FEWEST} runs"
HEADINGS = (
    "reading, and what would have to be true",
    "verdict",
    "simulated",
    "limit, and what it rests on",
    "moved most by",
)


@cache
def _translations() -> dict[str, str]:
    return documents.read(catalogue.FOLDER / "claim_words.yaml").data


def speaker_of(language: str) -> Say:
    """What says a phrase in a language; English stands for what has no translation."""
    known = _translations() if language == "de" else {}
    return lambda phrase: known.get(phrase, phrase)


def told(table: pd.DataFrame, article: Article | None = None) -> str:
    """Every reading of every sentence, for a terminal."""
    sentences = (article or articles.article()).sentences
    lines = []
    if table["row"].nunique() > 1:
        lines.append(summary(table))
    for number, rows in table.groupby("row", sort=False):
        first = rows.iloc[0]
        lines.append(f"{number}. {verdict_of(first, 'verdict')}: „{first['sentence']}“")
        said = f"{first['translation']} (said by: {first['speaker']})"
        lines.append(f"   {said.strip()}")
        for _, row in rows.iterrows():
            why = f"{row['needs']} {row['caveat']}".strip()
            lines.append(f"   - {row['reading']}: {verdict_of(row)}. {why}")
            if row["bound"]:
                lines.append(
                    f"     {number_of(row)}; {limit_of(row)}; moved by {cause_of(row)}"
                )
        for fact in sentences[first["claim"]].evidence:
            lines.append(f"   * {words(fact.says)} ({fact.status}, {fact.source})")
    return "\n".join(lines)


def verdict_of(row: pd.Series, of: str = "found") -> str:
    """The verdict on a reading, or on its sentence, if there were runs enough for one."""
    return NO_VERDICT if row["runs"] < FEWEST else row[of]


def number_of(row: pd.Series, language: str = "en", against: str | None = None) -> str:
    """What was simulated of a reading: median, spread, and the share that meets the limit."""
    say = speaker_of(language)
    middle, low, high = (_bounded(row, name, language) for name in ("median", "p5", "p95"))
    other = row["against"] if against is None else against
    than = f"{say('against')} {other}; " if other else ""
    return (
        f"{middle}{_unit(row, language)} ({than}{low} {say('to')} {high}; {say(row['status'])}); "
        f"{say('met in')} {_share(row, language)} {say('of runs')}"
    )


def _unit(row: pd.Series, language: str) -> str:
    return f" {speaker_of(language)(row['unit'])}" if row["unit"] else ""


def _share(row: pd.Series, language: str) -> str:
    """The share that meets the limit, with its interval, no digit finer than that."""
    share, low, high = (100 * row[key] for key in ("share", "share_lo", "share_hi"))
    told = [_in_language(digits(value, low, high), language) for value in (share, low, high)]
    return f"{told[0]} % ({told[1]} {speaker_of(language)('to')} {told[2]})"


def _bounded(row: pd.Series, name: str, language: str) -> str:
    """A quantile, or its least value where runs that had not ended leave the rest open."""
    least = _digits(row[name], language)
    if row[f"{name}_most"] > row[name]:
        return f"{speaker_of(language)('at least')} {least}"
    return least


def _digits(value: float, language: str) -> str:
    return _in_language(f"{value:.3g}".replace("inf", "∞"), language)


def _in_language(number: str, language: str) -> str:
    return number.replace(".", ",") if language == "de" else number


def limit_of(row: pd.Series, language: str = "en", note: str | None = None) -> str:
    """The limit, its range, whether it is a fact, and at which other limits the verdict changes."""
    say = speaker_of(language)
    basis = row["limit_status"]
    basis = say(basis if basis == "assumption" else f"fact ({basis})")
    # That an assumption is one of ours is said once, in the list of sources.
    if row["limit_source"] != "ASSUMED":
        basis += f", {row['limit_source']}"
    ends = ""
    if row["limit_from"] < row["limit_to"]:
        low, high = (_digits(row[key], language) for key in ("limit_from", "limit_to"))
        ends = f" ({low} {say('to')} {high})"
    why = row["rests_on"] if note is None else note
    rests = f": {why}" if why else ""
    text = (
        f"{say(row['bound'])} {_digits(row['limit'], language)}{_unit(row, language)}{ends}; "
        f"{basis}{rests}"
    )
    if row["runs"] < FEWEST:
        return text
    sides = ("supported from", "contradicted below")
    if row["bound"] == "at least":
        sides = ("supported up to", "contradicted above")
    for side, key in zip(sides, ("supported_at", "contradicted_at"), strict=True):
        # Runs that had not ended may leave no limit at which it would be so.
        if 0 < row[key] < math.inf:
            text += f"; {say(side)} {_digits(row[key], language)}"
    return text


def cause_of(row: pd.Series, language: str = "en") -> str:
    """The unknown constant that moves a reading most, in words."""
    say = speaker_of(language)
    if not row["input"]:
        return say("none stands out")
    name, _, owner = plain(row["input"]).removesuffix(")").partition(" (")
    return f"{say(name)} ({say(owner)})" if owner else say(name)


def summary(table: pd.DataFrame, language: str = "en") -> str:
    """How many sentences have which verdict, and how many verdicts rest on assumed limits."""
    say = speaker_of(language)
    if (table["runs"] < FEWEST).any():
        return f"{say(NO_VERDICT)}."
    first = table[table["reading_number"] == 0]
    tested = table[table["bound"] != ""]
    decided = first[first["verdict"] != OUTSIDE]
    assumed = int((decided["limit_status"] == "assumption").sum())
    of = say("Of {sentences} sentences").format(sentences=len(first))
    rest = say(ASSUMED).format(
        assumed=assumed,
        decided=len(decided),
        share=f"{100 * assumed / max(len(decided), 1):.0f} %",
        assumed_readings=int((tested["limit_status"] == "assumption").sum()),
        tested=len(tested),
    )
    return f"{of}: {_counted(first, say)}. {rest}"


def _counted(first: pd.DataFrame, say: Say = str) -> str:
    """How many sentences have which verdict."""
    counts = first["verdict"].value_counts()
    return ", ".join(f"{counts[name]} {say(name)}" for name in VERDICTS if name in counts)


def title(table: pd.DataFrame) -> str:
    """What the figure says; without verdicts where there were too few runs."""
    first = table[(table["reading_number"] == 0) & (table["bound"] != "")]
    if (first["runs"] < FEWEST).any():
        return f"{len(first)} sentences can be tested; {NO_VERDICT}"
    return f"Of {len(first)} sentences that can be tested: {_counted(first)}"


def readme(table: pd.DataFrame) -> str:
    """The sentences that the README shows: verdict, number and a link to all of it."""
    sentences = articles.article().sentences
    lines = [
        summary(table),
        "",
        "| said | verdict | simulated | all of it |",
        "|---|---|---|---|",
    ]
    for _, row in table[table["reading_number"] == 0].iterrows():
        sentence = sentences[row["claim"]]
        if sentence.readme:
            said = (
                f"“{sentence.translation}”"
                if sentence.translation
                else f"„{row['sentence']}“"
            )
            number = f"{row['reading']}: {number_of(row)}" if row["bound"] else ""
            link = f"[`sim claims {row['row']}`](docs/{PAGES['en']}#{row['row']})"
            lines.append(f"| {said} | {verdict_of(row, 'verdict')} | {number} | {link} |")
    return "\n".join(lines) + "\n"


def page(table: pd.DataFrame, language: str = "en") -> str:
    """Every sentence with all its readings, as a page in a language."""
    say = speaker_of(language)
    text = articles.article()
    other = "de" if language == "en" else "en"
    parts = [
        f"# {say('The article, sentence by sentence')}\n\n{summary(table, language)}\n",
        f"{say(RULES)}\n",
        f"{say('Quoted from')}: {_title(text.source, language)}. "
        f"[{say('German version')}]({PAGES[other]})\n",
    ]
    for number, rows in table.groupby("row", sort=False):
        sentence = text.sentences[rows.iloc[0]["claim"]]
        parts.append(f"## {number}\n\n{_section(rows, sentence, language)}")
    return "\n".join(parts)


def _title(source: str, language: str) -> str:
    """The title of a source, of which what describes it is told in the language."""
    name, _, described = catalogue.sources()[source]["title"].rpartition(", ")
    return f"{name}, {speaker_of(language)(described)}"


def _linked(source: str) -> str:
    """The key of a source, as a link to where it can be read."""
    address = catalogue.sources().get(source, {}).get("url")
    return f"[{source}]({address})" if address else source


def _section(rows: pd.DataFrame, sentence: Sentence, language: str) -> str:
    say = speaker_of(language)
    first = rows.iloc[0]
    said = [f"> „{sentence.sentence}“", ""]
    if language == "en":
        said = [f"> „{sentence.sentence}“ *{sentence.translation}*", ""]
    verdict = f"{say('Said by')} {words(sentence.speaker, language)}. "
    verdict += f"**{say(verdict_of(first, 'verdict'))}**."
    if sentence.joint:
        verdict += f" {say('All readings must agree.')}"
    lines = [
        *said,
        verdict,
        "",
        "| " + " | ".join(map(say, HEADINGS)) + " |",
        "|---" * len(HEADINGS) + "|",
    ]
    for _, row in rows.iterrows():
        reading = sentence.readings[int(row["reading_number"])]
        texts = [
            words(part, language) for part in (reading.says, reading.needs, reading.caveat)
        ]
        cells = [f"**{texts[0]}**: {' '.join(texts[1:])}", say(verdict_of(row)), "", "", ""]
        if reading.limit:
            note, source = words(reading.limit.note, language), reading.limit.source
            against = words(reading.against.says, language) if reading.against else ""
            cells[2:] = [
                number_of(row, language, against),
                limit_of(row, language, note).replace(source, _linked(source), 1),
                cause_of(row, language),
            ]
        lines.append("| " + " | ".join(cells) + " |")
    if sentence.evidence:
        lines += ["", f"{say('Beside the model')}:", ""]
    for fact in sentence.evidence:
        lines.append(
            f"- {words(fact.says, language)} ({say(fact.status)}, {_linked(fact.source)})"
        )
    return "\n".join([*lines, "", f"{say('Recompute')}: `sim claims {first['row']}`", ""])
