"""YAML documents: the line of every key, and plain data only, whatever a file tries."""

import datetime as dt
import os
import time
from pathlib import Path

import pytest

from sim import catalogue
from sim.documents import DEEPEST, LARGEST, Document, Pieces, parse, read
from sim.errors import InputError


def refusal(text: str) -> str:
    with pytest.raises(InputError) as caught:
        parse(text, "f.yaml")
    return str(caught.value)


def test_knows_the_line_of_every_key() -> None:
    document = parse("a: 1\nb:\n  c: {d: 2}\n  e:\n    - f: 3\n    - 4\n", "f.yaml")
    assert document.data == {"a": 1, "b": {"c": {"d": 2}, "e": [{"f": 3}, 4]}}
    lines = {
        ("a",): 1,
        ("b",): 2,
        ("b", "c", "d"): 3,
        ("b", "e"): 4,
        ("b", "e", 0, "f"): 5,
        ("b", "e", 1): 6,
    }
    assert lines.items() <= document.lines.items()
    assert document.where(("b", "e", 1)) == "f.yaml, line 6"
    assert document.where(("b", "missing", "deeper")) == "f.yaml, line 2", (
        "the deepest key that is there"
    )
    assert Document("plain data", {}, {}).where(("a",)) == "plain data"


def test_is_yaml_1_2() -> None:
    text = "a: yes\nb: 010\nc: 1:30\nd: 14.8e12\ne: 2024-06-01\nf: ~\n"
    expected = {"a": "yes", "b": 10, "c": "1:30", "d": 14.8e12, "e": dt.date(2024, 6, 1), "f": None}
    assert parse(text, "f").data == expected


def test_anchors_and_merge_keys_are_plain_data() -> None:
    text = "x: &x {a: 1, b: 2}\ny: {<<: *x, b: 3}\nz: *x\n"
    assert parse(text, "f").data == {
        "x": {"a": 1, "b": 2},
        "y": {"a": 1, "b": 3},
        "z": {"a": 1, "b": 2},
    }


NINE = ",".join("x" * 9)
BOMB = f"a: &a [{NINE}]\n" + "".join(
    f"{new}: &{new} [{','.join([f'*{old}'] * 9)}]\n"
    for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "f.yaml: is empty"),
        ("# nothing\n", "f.yaml: is empty"),
        ("a: 1\nb: 2\na: 3\n", "f.yaml, line 3: the key 'a' is already there on line 1"),
        ("x: {a: 1, a: 2}", "f.yaml, line 1: the key 'a' is already there on line 1"),
        (
            "x: 1\n\nboom: !!python/object/apply:os.system ['x']",
            "f.yaml, line 3: the tag !!python/object/apply:os.system",
        ),
        (
            "!!python/object/apply:os.system ['x']",
            "f.yaml, line 1: the tag !!python/object/apply:os.system",
        ),
        (
            "!!python/name:os.system x: 1",
            "line 1: the tag !!python/name:os.system is not allowed; only plain data is",
        ),
        (
            "a: !<tag:yaml.org,2002:python/object/apply:os.system> [x]",
            "line 1: the tag !!python/object/apply:os.system",
        ),
        (
            "%TAG ! tag:yaml.org,2002:python/\n---\na: !object/apply:os.system [x]",
            "line 3: the tag !!python/object",
        ),
        ("a: !own x", "the tag !own is not allowed"),
        ("a: !!binary aGk=", "the tag !!binary is not allowed"),
        ("a: !!set {x}", "the tag !!set is not allowed"),
        (BOMB, "more than 100,000 values, written out or by aliases"),
        ("a: &a [*a]", "nested more than 40 levels deep, or refers to itself"),
        (
            "a: " + "[" * (DEEPEST + 1) + "]" * (DEEPEST + 1),
            "line 1: is nested more than 40 levels deep",
        ),
        ("a: " + "[" * 500 + "]" * 500, "f.yaml: is nested more than 40 levels deep"),
        ("a: *b", "line 1: is not YAML (found undefined alias 'b')"),
        ("a: [1, 2\n", "is not YAML (expected ',' or ']'"),
        ("a: b: c", "line 1: is not YAML (mapping values are not allowed here)"),
        ("a:\n\tb: 1", "line 2: is not YAML (found character '\\t'"),
        ("a: 1\n---\nb: 2\n", "line 2: is not YAML (but found another document)"),
        ("a: \x00", "f.yaml: is not YAML"),
        (
            "a:\n  b: 2024-13-01",
            "f.yaml, line 2: '2024-13-01' cannot be read (month must be in 1..12)",
        ),
        ("a: " + "9" * 5000, "f.yaml, line 1: '999999"),
        ("a: 1\n3: b", "f.yaml, line 2: the key 3 is not text; put it in quotes"),
        ("a: 1\n~: b", "f.yaml, line 2: the key ~ is not text; put it in quotes"),
        ("[1, 2]: b", "f.yaml, line 1: a key must be text, not a list or mapping"),
        ("a: {<<: 3}", "is not YAML (expected a mapping or list of mappings for merging"),
    ],
    ids=lambda text: text[:20],
)
def test_refuses_with_the_line(text: str, says: str) -> None:
    start = time.perf_counter()
    message = refusal(text)
    assert says in message
    assert "\n" not in message
    assert len(message) < 300
    assert time.perf_counter() - start < 5


@pytest.mark.parametrize(
    ("text", "line", "key", "given"),
    [
        ("a:\n  b: 1\n  b: 2\n", 3, "a.b", "b"),
        ("a:\n  - !own x\n", 2, "a.0", "x"),
        ("a:\n  b: 2024-13-01\n", 2, "a.b", "2024-13-01"),
        ("a: 1\n3: b\n", 2, "3", "3"),
        ("a:\n  [1, 2]: b\n", 2, "a.?", None),
        ("!own x", 1, None, "x"),
        ("a: b: c", 1, None, None),
        ("", None, None, None),
    ],
    ids=str,
)
def test_a_refusal_is_also_data(
    text: str, line: int | None, key: str | None, given: str | None
) -> None:
    with pytest.raises(InputError) as caught:
        parse(text, "f.yaml")
    error = caught.value
    assert (error.file, error.line, error.key, error.given) == ("f.yaml", line, key, given)


def test_a_refused_tag_runs_nothing(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    refusal(
        f"a: !!python/object/apply:pathlib.Path.touch [!!python/object/apply:pathlib.Path ['{mark}']]"
    )
    assert not mark.exists()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"\x00\x01\xff\xfe\x80", "is no UTF-8 text from byte 2 on"),
        ("a: 1".encode("utf-16"), "is no UTF-8 text from byte 0 on"),
        (b"#" * (LARGEST + 1), "is larger than 500,000 bytes"),
        (b"", "is empty"),
        (b'a: "\\U00FFFFFF"', "is not YAML"),
    ],
    ids=["binary", "utf-16", "large", "empty", "no character"],
)
def test_refuses_a_file_that_is_no_yaml_text(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "f.yaml"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"f\.yaml: ") as caught:
        read(path)
    assert says in str(caught.value)


def test_refuses_what_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match=r"nowhere: cannot be read \(No such file or directory\)"
    ) as caught:
        read(tmp_path / "nowhere")
    assert caught.value.file == str(tmp_path / "nowhere")
    with pytest.raises(InputError, match="is a folder, not a file"):
        read(tmp_path)
    with pytest.raises(InputError, match="cannot be read"):
        read("a\0b")
    if os.path.exists("/dev/zero"):
        with pytest.raises(InputError, match="is not a regular file"):
            read("/dev/zero")


def test_reads_what_windows_writes(tmp_path: Path) -> None:
    path = tmp_path / "f.yaml"
    path.write_bytes("\ufeffa: 1\r\nb: ü\r\n".encode())
    assert read(path).data == {"a": 1, "b": "ü"}


def test_letters_as_json_writes_them_are_whole() -> None:
    assert parse(r'{"title": "\ud83d\ude00", "\ud83d\ude00": 1}', "f").data["title"] == "😀"
    with pytest.raises(InputError, match=r"f, line 2: .* has half a letter"):
        parse('a: 1\nb: "\\ud83d"', "f")


@pytest.mark.parametrize("kind", [*catalogue.kinds(), "sources"])
def test_a_table_read_in_pieces_is_the_table_read_whole(kind: str) -> None:
    path = catalogue.FOLDER / f"{kind}.yaml"
    whole = read(path)
    pieces = Pieces(path)
    assert list(pieces) == list(whole.data)
    for name, body in whole.data.items():
        assert pieces[name] == body
        below = {where: line for where, line in whole.lines.items() if where[:1] == (name,)}
        found = pieces.document(name)
        assert {where: found.line(where) for where in below} == below


def test_a_piece_is_read_with_those_alone_whose_anchors_it_needs(tmp_path: Path) -> None:
    path = tmp_path / "table.yaml"
    path.write_text("# above\na: {x: &one 1}\nb:\n  x: *one\nc: [broken\n")
    pieces = Pieces(path)
    assert pieces["b"] == {"x": 1}
    assert pieces.document("b").line(("b", "x")) == 4
    assert "c" in pieces
    with pytest.raises(InputError, match="line 6"):
        pieces["c"]
