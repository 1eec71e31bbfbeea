"""The article is quoted word by word, without its text being here."""

import re
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest

from sim import documents
from sim.catalogue import sources
from sim.errors import InputError
from sim.experiments.articles import Limit, Reading, article, words
from sim.experiments.claim_checks import judge
from sim.publish import claim_pages

SENTENCES = documents.read(Path(__file__).parent / "article_sentences.yaml").data
GIVEN = """\
title: Another text
source: its publisher
sentences:
  one:
    sentence: It was fast.
    speaker: its author
    readings:
      - says: on as many chips
        needs: It took two months.
        scenario: deepseek-v3
        metric: wall_days
        limit: {at_most: 61, source: the text, status: reported}
"""


def fingerprint(sentence: str) -> str:
    return sha256(" ".join(sentence.split()).encode()).hexdigest()[:16]


def quoted() -> list[str]:
    """Ellipses stand only between sentences."""
    return [part for one in article().sentences.values() for part in re.split(r" … ", one.sentence)]


def test_every_checkable_sentence_is_quoted_to_its_full_stop_and_in_order() -> None:
    expected = [digits for digits, use in SENTENCES if use == "quoted"]
    assert [fingerprint(sentence) for sentence in quoted()] == expected
    assert all(re.search(r"[.“]$", sentence) for sentence in quoted())


def test_one_letter_more_or_less_is_found() -> None:
    known = {digits for digits, _ in SENTENCES}
    for sentence in quoted():
        assert fingerprint(sentence[:-1]) not in known
        assert fingerprint(sentence.replace("e", "E", 1)) not in known


def test_the_article_and_every_source_are_cited() -> None:
    used = {article().source}
    for sentence in article().sentences.values():
        used |= {fact.source for fact in sentence.evidence}
        used |= {reading.limit.source for reading in sentence.readings if reading.limit}
        used |= {reading.plus.source for reading in sentence.readings if reading.plus}
    assert used <= sources().keys()


@pytest.mark.parametrize("name", article().sentences)
def test_every_word_is_told_in_both_languages(name: str) -> None:
    sentence = article().sentences[name]
    assert sentence.translation
    texts = [sentence.speaker, *(fact.says for fact in sentence.evidence)]
    for reading in sentence.readings:
        texts += [reading.says, reading.needs, reading.caveat]
        texts += [reading.limit.note] if reading.limit else []
        texts += [reading.against.says] if reading.against else []
        assert words(reading.needs).endswith(".")
        assert words(reading.caveat).endswith(".")
    for text in texts:
        assert isinstance(text, str) or text.keys() == {"en", "de"}
        assert words(text, "de")


def test_an_assumed_limit_has_a_range_and_says_why() -> None:
    for sentence in article().sentences.values():
        for reading in sentence.readings:
            if reading.limit:
                assert words(reading.limit.note)
            if reading.limit and reading.limit.status == "assumption":
                assert reading.limit.range


def test_six_sentences_stand_in_the_readme() -> None:
    shown = [one for one in article().sentences.values() if one.readme]
    assert len(shown) == 6
    assert all(one.readings[0].limit for one in shown)


def readings(name: str) -> dict[str, Reading]:
    return {words(one.says): one for one in article().sentences[name].readings}


def test_the_readings_that_a_referee_asks_for_are_there() -> None:
    of_them = readings("two-thousand-for-sixteen")
    plain = next(iter(of_them.values()))
    chips = {pool.chip.name for pool in plain.changed_scenario.fleet.values()}
    assert chips == {"H800-SXM-80", "A100-PCIe-40"}
    cost = list(readings("much-cheaper").values())
    assert cost[0].limit == cost[1].limit
    assert cost[0].against is None, "as at OpenAI or Google DeepMind"
    assert cost[1].plus is not None
    assert cost[2].against is not None
    assert cost[2].against.scenario == "sixteen-thousand"
    sanctions = article().sentences["sanctions-do-not-work"]
    worlds = {one.against.worlds for one in sanctions.readings if one.against}
    assert sanctions.joint
    assert len(worlds) > 1


@pytest.fixture
def written(tmp_path: Path) -> Callable[[str], Path]:
    def write(text: str) -> Path:
        path = tmp_path / "text.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_a_text_of_ones_own_is_judged(written: Callable[[str], Path]) -> None:
    table = judge(2, of=article(written(GIVEN)))
    assert table.loc[0, "sentence"] == "It was fast."
    assert table.loc[0, "runs"] == 2


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("metric: wall_days", "metric: wal_days", "line 8: deepseek-v3: no metric 'wal_days'"),
        ("scenario: deepseek-v3", "scenario: deepseek-v33", "line 8: "),
        ("status: reported", "status: report", "line 12: "),
        ("at_most: 61, ", "", "give either at_most or at_least"),
        ("at_most: 61", "at_most: 61, range: [70, 80]", "the range does not hold 61"),
        ("        metric: wall_days\n", "", "go together"),
        ("speaker: its author", "spoken: its author", "allowed: sentence, speaker"),
    ],
)
def test_what_is_wrong_in_it_is_told_with_its_place(
    written: Callable[[str], Path], old: str, new: str, told: str
) -> None:
    path = written(GIVEN.replace(old, new))
    with pytest.raises(InputError) as caught:
        judge(2, of=article(path))
    assert told in str(caught.value)
    assert "text.yaml" in str(caught.value)
    assert "at least 1 item" not in str(caught.value), "the reading is there, though it is wrong"


def test_a_text_without_a_reading_is_refused(written: Callable[[str], Path]) -> None:
    path = written(GIVEN.split("    readings:")[0] + "    readings: []\n")
    with pytest.raises(InputError, match="at least 1 item"):
        article(path)


def test_a_limit_without_a_note_ends_in_no_colon(written: Callable[[str], Path]) -> None:
    text = article(written(GIVEN))
    told = claim_pages.told(judge(2, of=text), text)
    assert "at most 61 days; fact (reported), the text; " in told


def test_a_row_that_is_not_there_is_refused(written: Callable[[str], Path]) -> None:
    with pytest.raises(InputError, match="no row 2; there are 1 to 1"):
        judge(2, of=article(written(GIVEN)), rows=[2])


def test_a_list_is_no_article(written: Callable[[str], Path]) -> None:
    with pytest.raises(InputError, match="a mapping"):
        article(written("- one\n"))


def test_it_is_a_limit_from_one_side() -> None:
    both = {"at_most": 1, "at_least": 1, "source": "it", "status": "reported"}
    with pytest.raises(ValueError, match="either"):
        Limit.model_validate(both)
