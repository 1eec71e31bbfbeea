"""The files that install, describe and cite the project say the same."""

import os
import re
import tomllib
from fnmatch import fnmatch
from importlib.metadata import entry_points, version
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from sim import documents

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
SETUPTOOLS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
REQUIREMENTS = [
    Requirement(text)
    for group in (PROJECT["dependencies"], *PROJECT["optional-dependencies"].values())
    # The compiler of `make fast` is pinned in the Makefile: no result depends on it.
    if group is not PROJECT["optional-dependencies"]["compile"]
    for text in group
]
README = (ROOT / "README.md").read_text(encoding="utf-8")
LOCK = (ROOT / "requirements.lock").read_text()
CITATION = documents.read(ROOT / "CITATION.cff").data


def locked() -> list[Requirement]:
    return [
        Requirement(line.removesuffix("\\"))
        for line in LOCK.splitlines()
        if re.match("[a-z0-9]", line)
    ]


def texts() -> dict[str, str]:
    """Every text file of the project, except what is installed or built."""
    found = {}
    for folder, inner, files in os.walk(ROOT):
        skipped = {
            ".git",
            ".venv",
            "build",
            "dist",
            "runs",
            "__pycache__",
            "mixedfleet.egg-info",
            "node_modules",
        }
        inner[:] = [name for name in inner if name not in skipped and not name.endswith("_cache")]
        for path in (Path(folder, name) for name in files):
            try:
                found[path.relative_to(ROOT).as_posix()] = path.read_text(encoding="utf-8")
            except UnicodeDecodeError:
                continue
    return found


@pytest.mark.parametrize("requirement", REQUIREMENTS, ids=str)
def test_each_dependency_is_locked_once_within_its_bound_and_installed_so(
    requirement: Requirement,
) -> None:
    name = canonicalize_name(requirement.name)
    [pin] = [pin for pin in locked() if canonicalize_name(pin.name) == name]
    [exact] = pin.specifier
    assert exact.operator == "=="
    assert pin.marker is None, "one version for all Pythons"
    assert requirement.specifier.contains(exact.version)
    assert version(name) == exact.version


def test_each_locked_package_has_hashes_and_none_is_pip() -> None:
    blocks = re.split(r"\n(?=[a-z0-9])", LOCK)[1:]
    assert len(blocks) == len(locked()) > len(REQUIREMENTS)
    assert all("--hash=sha256:" in block for block in blocks)
    assert "pip" not in {pin.name for pin in locked()}


def test_the_lock_names_no_host_and_no_folder() -> None:
    assert LOCK.startswith("#")
    assert not re.search(r"://|--index|--find-links|[ =]/", LOCK)


def test_the_environment_takes_a_python_that_will_do_and_the_lock() -> None:
    environment = documents.read(ROOT / "environment.yml").data
    python, pip, packages = environment["dependencies"]
    assert (environment["name"], environment["channels"], pip) == (
        PROJECT["name"],
        ["conda-forge"],
        "pip",
    )
    assert packages == {"pip": ["-r requirements.lock"]}
    [found] = re.findall(
        r"^python=(3\.\d+)$", python
    )  # the one form in which Binder understands it
    assert SpecifierSet(PROJECT["requires-python"]).contains(found)


@pytest.mark.parametrize("name", ["postBuild", ".ci/run"])
def test_scripts_can_be_run_and_stop_at_the_first_error(name: str) -> None:
    assert os.access(ROOT / name, os.X_OK)
    assert (ROOT / name).read_text().startswith("#!/usr/bin/env bash\nset -euo pipefail\n")


def test_one_version_everywhere() -> None:
    assert CITATION["version"] == PROJECT["version"] == version("mixedfleet")
    assert f"## [{PROJECT['version']}]" in (ROOT / "CHANGELOG.md").read_text()


def test_one_licence_everywhere() -> None:
    assert CITATION["license"] == PROJECT["license"] == "MIT"
    assert "Copyright (c) 2026 The mixedfleet authors" in (ROOT / "LICENSE").read_text()
    assert CITATION["authors"] == PROJECT["authors"] == [{"name": "The mixedfleet authors"}]


def test_every_file_of_the_package_is_installed_with_it() -> None:
    patterns = ["*.py", *SETUPTOOLS["package-data"]["*"]]
    files = [
        path
        for path in (ROOT / "sim").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    ]
    assert [
        path for path in files if not any(fnmatch(path.name, pattern) for pattern in patterns)
    ] == []


def test_the_command_is_installed() -> None:
    [command] = entry_points(group="console_scripts", name="sim")
    assert command.value == PROJECT["scripts"]["sim"]
    assert callable(command.load())


def test_the_readme_opens_the_start_of_this_release_on_binder() -> None:
    project = CITATION["repository-code"].removeprefix("https://github.com/")
    release = f"https://mybinder.org/v2/gh/{project}/v{PROJECT['version']}"
    notebook = "notebooks/00_start_here.ipynb"
    badge = (
        f"[![Binder](https://mybinder.org/badge_logo.svg)]({release}?urlpath=lab/tree/{notebook})"
    )
    assert README.count(badge) == README.count("mybinder.org/v2/") == 1
    assert (ROOT / notebook).exists()


@pytest.mark.parametrize("requirement", REQUIREMENTS, ids=str)
def test_each_dependency_has_its_line_in_the_readme(requirement: Requirement) -> None:
    rows = [
        line.split("|")[1]
        for line in README.partition("## Packages")[2].splitlines()
        if line.startswith("| ")
    ]
    assert [row for row in rows if requirement.name in row.replace(",", " ").split()] != []


def test_the_address_stands_in_the_citation_alone() -> None:
    address = CITATION["repository-code"]
    holders = {
        name: text
        for name, text in texts().items()
        if address.removeprefix("https://github.com/") in text
    }
    assert holders.keys() <= {"CITATION.cff", "README.md"}
    assert holders["CITATION.cff"].count(address) == 1
    assert address not in holders.get("README.md", "")
