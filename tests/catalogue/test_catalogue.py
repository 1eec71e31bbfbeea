"""The catalogue: every fact loads and says where it is from, and a bad entry is named with file and
line.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sim import catalogue
from sim.catalogue import FOLDER, STATUSES, Entry
from sim.catalogue.kinds import KINDS
from sim.errors import InputError
from sim.quantities.distributions import Triangular
from sim.quantities.uncertain import Uncertain
from sim.quantities.unknowns import unknowns

SHARED = {
    *(f"chips.{die}.kernel_efficiency" for die in ("A100-PCIe", "A100-SXM", "Hopper-SXM")),
    *("supply.grey-epoch.scale", "supply.grey-epoch.premium", "supply.world.china"),
    "needs.gpt-4.flop",
}
"""Unknowns of several entries."""
ENTRIES = [entry for kind in catalogue.kinds() for entry in catalogue.table(kind).values()]


def test_every_table_has_a_type_and_a_file() -> None:
    assert {*catalogue.kinds(), "sources"} <= {path.stem for path in FOLDER.glob("*.yaml")}
    assert all(catalogue.table(kind) for kind in catalogue.kinds())


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: f"{entry.kind}-{entry.name}")
def test_every_fact_has_a_known_source_and_an_allowed_status(entry: Entry) -> None:
    assert entry.facts
    assert isinstance(entry.item, KINDS[entry.kind])
    for fact in entry.facts:
        assert fact.status in STATUSES, fact.path
        assert fact.source in catalogue.sources(), fact.path
        assert fact.path.startswith(f"{entry.kind}.{entry.name}."), fact.path


def test_every_source_has_title_address_and_licence() -> None:
    for key, source in catalogue.sources().items():
        assert set(source) == {"title", "url", "licence"}, key
        assert source["title"], key


# A prior is read and named by the key of the scenario that asks for it.
READ_HERE = [entry for entry in ENTRIES if entry.kind != "priors"]


@pytest.mark.parametrize("entry", READ_HERE, ids=lambda entry: f"{entry.kind}-{entry.name}")
def test_a_value_with_a_range_is_an_unknown_constant_named_after_its_place(entry: Entry) -> None:
    found = unknowns(entry.item)
    ranged = [
        fact
        for fact in entry.facts
        if fact.range
        or (isinstance(fact.value, dict) and fact.value.keys() & {"uncertain", "node_days"})
    ]
    assert bool(found) == bool(ranged)
    own = f"{entry.kind}.{entry.name}."
    for fact in ranged:
        shared = [name for name in found if name.startswith(own) or name in SHARED]
        assert fact.path in found or any(name not in fact.path for name in shared), fact.path
    assert all(name.startswith(own) or name in SHARED for name in found)


def test_chips_of_one_die_share_the_unknown_of_their_kernels() -> None:
    items = {
        name: catalogue.entry("chips", name).item
        for name in ("H100-SXM-80", "H800-SXM-80", "A100-SXM-80", "A800-SXM-80")
    }
    names = {name: item.kernel_efficiency.name for name, item in items.items()}  # type: ignore[attr-defined]
    assert set(names.values()) == {
        "chips.Hopper-SXM.kernel_efficiency",
        "chips.A100-SXM.kernel_efficiency",
    }
    assert names["H100-SXM-80"] == names["H800-SXM-80"] != names["A800-SXM-80"]
    pair = (items["H100-SXM-80"], items["H800-SXM-80"])
    assert len({item.kernel_efficiency.distribution for item in pair}) == 1  # type: ignore[attr-defined]


def test_a_range_is_a_triangle_with_the_value_as_its_mode() -> None:
    efficiency = catalogue.entry("chips", "H800-SXM-80").item.kernel_efficiency  # type: ignore[attr-defined]
    [fact] = [
        fact
        for fact in catalogue.entry("chips", "H800-SXM-80").facts
        if fact.path.endswith("kernel_efficiency")
    ]
    assert isinstance(efficiency, Uncertain)
    assert fact.range
    assert efficiency.distribution == Triangular(fact.range[0], fact.value, fact.range[1])
    assert fact.path == "chips.H800-SXM-80.kernel_efficiency"


@pytest.mark.parametrize(
    ("kind", "name", "says"),
    [
        (
            "chps",
            "H800-SXM-80",
            "the catalogue has no table 'chps' (did you mean \"chips\"?); allowed: chips, models",
        ),
        (
            "chips",
            "H800-SXM-8O",
            "no 'H800-SXM-8O' among the chips (did you mean \"H800-SXM-80\"?); known: A100-PCIe-40",
        ),
        ("chips", "h800", 'did you mean "H800-SXM-80"?'),
        ("stacks", "zzz", "no 'zzz' among the stacks; known: megatron-lm"),
    ],
)
def test_unknown_names_get_the_nearest_and_all_known_ones(kind: str, name: str, says: str) -> None:
    with pytest.raises(InputError) as caught:
        catalogue.entry(kind, name)
    assert says in str(caught.value)


def test_unknown_names_are_also_data() -> None:
    with pytest.raises(InputError) as caught:
        catalogue.entry("chips", "h800")
    assert caught.value.given == "h800"
    assert caught.value.allowed == tuple(catalogue.table("chips"))
    with pytest.raises(InputError) as caught:
        catalogue.table("chps")
    assert (caught.value.given, caught.value.allowed) == ("chps", catalogue.kinds())


GOOD = """\
one:
  source: DSV3
  status: reported
  values:
    title: A stack
    overlap: {value: 0.5, range: [0.4, 0.6]}
    fixed: 2 s
two:
  source: DSV3
  status: reported
  values:
    overlap: 0.7
    kernels: {value: 1, range: [0.9, 1.1], shared: speed, status: assumption, note: a guess}
    maturity: {value: 1, range: [0.9, 1.1], shared: speed, source: DSV2}
"""
Load = Callable[[str], dict[str, Entry]]


@pytest.fixture
def load(tmp_path: Path) -> Iterator[Load]:
    """Read a table of stacks from text."""

    def read(text: str) -> dict[str, Entry]:
        (tmp_path / "stacks.yaml").write_text(text)
        # Entries are read when they are asked for; here all are.
        return dict(catalogue._table.__wrapped__("stacks", tmp_path))

    yield read


def test_provenance_is_the_entrys_unless_the_value_has_its_own(load: Load) -> None:
    entry = load(GOOD)["two"]
    facts = {fact.path.removeprefix("stacks.two."): fact for fact in entry.facts}
    assert (facts["overlap"].source, facts["overlap"].status, facts["overlap"].range) == (
        "DSV3",
        "reported",
        None,
    )
    assert (facts["kernels"].status, facts["kernels"].note) == ("assumption", "a guess")
    assert (facts["maturity"].source, facts["maturity"].status) == ("DSV2", "reported")
    assert entry.item.name == "two"  # type: ignore[attr-defined]


def test_shared_values_are_one_unknown(load: Load) -> None:
    assert unknowns(load(GOOD)["two"].item).keys() == {"stacks.two.speed"}
    across = load(GOOD.replace("shared: speed", "shared: all.speed"))["two"]
    assert unknowns(across.item).keys() == {"stacks.all.speed"}


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("overlap: {value: 0.5, range: [0.4, 0.6]}", "overlap: 1.5", "line 6: stacks.one.overlap: must be at most 1"),
        ("fixed: 2 s", "fixed: 2 GB", "line 7: stacks.one.fixed: '2 GB' is a quantity of another kind"),
        ("fixed: 2 s", "fixed: 2", "line 7: stacks.one.fixed: a unit is missing"),
        ("fixed: 2 s", "fixd: 2 s", 'stacks.one.fixd: is unknown (did you mean "fixed"?)'),
        ("range: [0.4, 0.6]", "range: [0.6, 0.7]", "line 6: stacks.one.overlap: expected low ≤ mode ≤ high"),
        ("range: [0.4, 0.6]", "range: [0.6]", "stacks.one.overlap: a range is [low, high]"),
        ("range: [0.4, 0.6]", "rnge: [0.4, 0.6]", "stacks.one.overlap: rnge unknown; allowed: note, range, shared"),
        ("status: assumption", "status: guess", "line 13: stacks.two.kernels has status 'guess'; allowed: measured,"),
        ("source: DSV2", "source: DSV-2", "line 14: stacks.two.maturity has the unknown source 'DSV-2' (did you mean"),
        ("    overlap: 0.7\n", "", "line 11: stacks.two.overlap: Field required"),
        ("  status: reported\n  values:\n    title", "  values:\n    title", "stacks.one.title has status 'None'"),
        ("  values:\n    title: A stack\n", "  vals:\n    title: A stack\n", "line 1: stacks.one: expected source"),
        ("two:", "one:", "line 8: the key 'one' is already there on line 1"),
    ],
)  # fmt: skip
def test_a_bad_entry_is_named_with_file_and_line(load: Load, old: str, new: str, says: str) -> None:
    assert GOOD.count(old) == 1
    with pytest.raises(InputError, match=r"stacks\.yaml, line ") as caught:
        load(GOOD.replace(old, new))
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "line", "key", "given", "allowed"),
    [
        ("fixed: 2 s", "fixed: 2 GB", 7, "fixed", "2 GB", "a quantity in s, like '30 min'"),
        ("fixed: 2 s", "fixd: 2 s", 7, "fixd", "fixd", ("like", *KINDS["stacks"].model_fields)),
        ("range: [0.4, 0.6]", "range: [0.6]", 6, "overlap", [0.6], "[low, high]"),
        ("range: [0.4, 0.6]", "rnge: 1", 6, "overlap", "rnge", tuple(sorted(catalogue.FACT_KEYS))),
        ("overlap: {value: 0.5,", "overlap: {status: x, value: 0.5,", 6, "overlap", "x", STATUSES),
    ],
)
def test_a_bad_entry_is_also_data(
    load: Load, old: str, new: str, line: int, key: str, given: object, allowed: object
) -> None:
    with pytest.raises(InputError) as caught:
        load(GOOD.replace(old, new))
    error = caught.value
    assert Path(str(error.file)).name == "stacks.yaml"
    assert (error.line, error.key) == (line, f"stacks.one.{key}")
    assert (error.given, error.allowed) == (given, allowed)


@pytest.mark.parametrize(
    "text", ["- 1\n", "one: 3\n", "one: {source: DSV3, status: reported, values: 3}\n"]
)
def test_a_table_that_is_no_mapping_of_entries(load: Load, text: str) -> None:
    with pytest.raises(InputError, match=r"stacks\.yaml"):
        load(text)
