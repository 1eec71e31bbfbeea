"""The files that install, describe and cite the project say the same."""

import os
import re
import runpy
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
    # An extra may take another one in.
    if not text.startswith(PROJECT["name"])
]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PACKAGES = (ROOT / "docs/packages.md").read_text(encoding="utf-8")
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
        # The last is written into a source distribution, of what is here.
        for path in (Path(folder, name) for name in files if name != "PKG-INFO"):
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


def test_the_core_is_small_and_an_installed_one_needs_no_notebook() -> None:
    assert len(PROJECT["dependencies"]) <= 12
    extras = {"cluster", "compile", "dev", "figures", "notebooks", "site"}
    assert PROJECT["optional-dependencies"].keys() == extras


def test_the_environment_takes_a_python_that_will_do_and_the_package() -> None:
    environment = documents.read(ROOT / "environment.yml").data
    python, pip, packages = environment["dependencies"]
    assert (environment["name"], environment["channels"], pip) == (
        PROJECT["name"],
        ["conda-forge"],
        "pip",
    )
    assert packages == {"pip": ["-e .[notebooks]"]}
    # An editable package cannot stand beside hashes, so the lock comes after it.
    assert "pip install -r requirements.lock" in (ROOT / "postBuild").read_text()
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


@pytest.mark.parametrize("name", ["sim", "mixedfleet"])
def test_the_command_is_installed(name: str) -> None:
    [command] = entry_points(group="console_scripts", name=name)
    assert command.value == PROJECT["scripts"]["sim"]
    assert callable(command.load())


def test_badges_open_a_branch_until_a_release_is_tagged() -> None:
    project = CITATION["repository-code"].removeprefix("https://github.com/")
    # A release is one with a date; the tag is set with it.
    released = re.search(
        rf"^## \[{re.escape(PROJECT['version'])}\] - \d", (ROOT / "CHANGELOG.md").read_text(), re.M
    )
    name = f"v{PROJECT['version']}" if released else "main"
    notebook = "notebooks/00_start_here.ipynb"
    address = f"https://mybinder.org/v2/gh/{project}/{name}?urlpath=lab/tree/{notebook}"
    badge = f"[![Binder](https://mybinder.org/badge_logo.svg)]({address})"
    assert README.count(badge) == README.count("mybinder.org/v2/") == 1
    assert PROJECT["urls"]["Notebooks"] == address
    assert (ROOT / notebook).exists()


def test_links_of_the_readme_work_on_a_page_of_the_package() -> None:
    text = runpy.run_path(str(ROOT / "setup.py"))["readme"]()
    links = re.findall(r"\]\(([^)]+)\)", text)
    assert len(links) == len(re.findall(r"\]\(([^)]+)\)", README))
    assert all(link.startswith(("https://", "#")) for link in links)
    for path in re.findall(r"/(?:raw|blob)/main/([^)#]+)", text):
        assert (ROOT / path).exists()


@pytest.mark.parametrize("requirement", REQUIREMENTS, ids=str)
def test_each_dependency_has_its_line(requirement: Requirement) -> None:
    rows = [
        line.split("|")[1]
        for line in (ROOT / "docs" / "packages.md").read_text().splitlines()
        if line.startswith("| ")
    ]
    assert [row for row in rows if requirement.name in row.replace(",", " ").split()] != []


def test_the_address_stands_in_the_citation_and_where_it_must() -> None:
    address = CITATION["repository-code"]
    holders = {
        name: text
        for name, text in texts().items()
        if address.removeprefix("https://github.com/") in text
    }
    assert holders.keys() <= {"CITATION.cff", "README.md", "pyproject.toml"}
    # Where packages are listed addresses cannot be worked out.
    assert all(
        url.startswith(address) for name, url in PROJECT["urls"].items() if name != "Notebooks"
    )
    assert holders["CITATION.cff"].count(address) == 1
    assert address not in holders.get("README.md", "")
