"""Every notebook as people meet it: in JupyterLab in a real browser, run from top to bottom."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import papermill
import pytest

from sim import documents
from sim.publish import figures
from sim.publish.notebook_parameters import ENVIRONMENT

pytestmark = pytest.mark.browser

NOTEBOOKS = figures.notebooks()
SHOTS = figures.repository() / "build" / "screenshots"
TOKEN = "a-token-for-this-test"
FLAGS = [
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]
PATIENCE = 300_000  # milliseconds for a notebook to run
SETTINGS = {
    # Cells out of sight stay in the page, so that they can be looked at.
    "notebook-extension/tracker": {"windowingMode": "none"},
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
}
STATE = """() => {
    const prompts = [...document.querySelectorAll('.jp-CodeCell .jp-InputArea-prompt')].map(p => p.textContent.trim());
    const error = document.querySelector('[data-mime-type="application/vnd.jupyter.error"]');
    return error !== null || (prompts.length > 0 && prompts.every(p => /^\\[\\d+\\]:$/.test(p)));
}"""


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A JupyterLab of its own on the notebooks, with the parameters of the quick profile put in."""
    root = tmp_path_factory.mktemp("lab")
    quick = documents.read(figures.repository() / "notebooks" / "quick.yaml").data
    for notebook in NOTEBOOKS:
        values = quick.get(notebook.stem, {})
        papermill.execute_notebook(
            notebook, root / notebook.name, values, prepare_only=True, progress_bar=False
        )
    for name, values in SETTINGS.items():
        path = root / ".settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(values))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        sys.executable,
        "-m",
        "jupyterlab",
        "--no-browser",
        "--allow-root",
        "--ip=127.0.0.1",
        f"--port={port}",
        "--ServerApp.port_retries=0",
        f"--IdentityProvider.token={TOKEN}",
        f"--notebook-dir={root}",
    ]
    home = {
        "JUPYTERLAB_SETTINGS_DIR": str(root / ".settings"),
        "IPYTHONDIR": str(root / ".ipython"),
    }
    environment = {**os.environ, **ENVIRONMENT, **home}
    with (
        (root / "lab.log").open("w") as log,
        subprocess.Popen(command, cwd=root, env=environment, stdout=log, stderr=log) as server,
    ):
        try:
            wait_for(f"http://127.0.0.1:{port}/api/status", server, root / "lab.log")
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()


def ask(address: str, method: str = "GET") -> bytes:
    request = urllib.request.Request(
        address, method=method, headers={"Authorization": f"token {TOKEN}"}
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return answer.read()


def wait_for(address: str, server: "subprocess.Popen[bytes]", log: Path) -> None:
    for _ in range(240):
        try:
            ask(address)
            return
        except OSError:
            assert server.poll() is None, log.read_text()
            time.sleep(0.5)
    pytest.fail(log.read_text())


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Debian's Chromium, driven by Playwright."""
    playwright = pytest.importorskip("playwright.sync_api")
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
    assert chromium, (
        "there is no Chromium; apt-get install chromium, or name another by CHROMIUM=/path"
    )
    with playwright.sync_playwright() as driver:
        window = driver.chromium.launch(executable_path=chromium, args=FLAGS)
        yield window
        window.close()


@pytest.fixture
def page(browser: Any, lab: str) -> Iterator[Any]:
    """A window; when it closes, so do the kernels."""
    one = browser.new_page(viewport={"width": 1280, "height": 1500})
    yield one
    one.close()
    for session in json.loads(ask(f"{lab}/api/sessions")):
        ask(f"{lab}/api/sessions/{session['id']}", "DELETE")


def run_all(page: Any, lab: str, name: str) -> None:
    """Open a notebook, run all its cells and wait until the last has, or one has failed."""
    page.goto(f"{lab}/lab/tree/{name}?token={TOKEN}&reset")
    page.locator(".jp-Notebook .jp-CodeCell").first.wait_for(timeout=120_000)
    wait_for_kernel(f"{lab}/api/sessions", name)
    page.locator(".lm-MenuBar-itemLabel", has_text=re.compile("^Run$")).click()
    page.locator(".lm-Menu-itemLabel", has_text=re.compile("^Run All Cells$")).click()
    try:
        page.wait_for_function(STATE, timeout=PATIENCE)
    finally:
        SHOTS.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=SHOTS / f"{name.removesuffix('.ipynb')}.png")


def wait_for_kernel(address: str, name: str) -> None:
    """Before its kernel is there, JupyterLab asks which one to take."""
    states: list[str] = []
    for _ in range(240):
        states = [
            s["kernel"]["execution_state"] for s in json.loads(ask(address)) if s["path"] == name
        ]
        if states == ["idle"]:
            return
        time.sleep(0.5)
    pytest.fail(f"{name}: the kernel is {states}")


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_from_top_to_bottom_and_shows_a_figure(
    lab: str, page: Any, notebook: Path
) -> None:
    run_all(page, lab, notebook.name)
    errors = page.locator('[data-mime-type="application/vnd.jupyter.error"]').all_inner_texts()
    warnings = page.locator('[data-mime-type="application/vnd.jupyter.stderr"]').all_inner_texts()
    figures = page.locator(".jp-OutputArea-output img").filter(visible=True)
    if figures.count():
        figures.first.scroll_into_view_if_needed()
    page.screenshot(path=SHOTS / f"{notebook.stem}.png")
    assert errors == []
    assert [text for text in warnings if "Warning" in text or "Error" in text] == []
    assert figures.count() >= 1
    assert figures.first.evaluate("image => image.naturalWidth") > 400
    for figure in figures.all():
        assert figure.get_attribute("alt")


def test_a_handle_of_the_explorer_moves_the_figure_and_the_line_to_copy(
    lab: str, page: Any
) -> None:
    run_all(page, lab, "10_explorer.ipynb")
    handles = page.locator(".jp-OutputArea-output .widget-vbox")
    figure, line = handles.locator("img"), handles.locator("textarea")
    before = figure.get_attribute("src")
    assert "failures" not in line.input_value()
    slider = handles.locator(".widget-hslider", has_text="how often nodes fail")
    slider.locator(".noUi-handle").focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function(
        "was => document.querySelector('.widget-vbox img')?.src !== was", arg=before, timeout=30_000
    )
    figure.wait_for()
    assert "failures.scale=2" in line.input_value()
    figure.scroll_into_view_if_needed()
    page.screenshot(path=SHOTS / "explorer_moved.png")
    assert figure.get_attribute("src") not in (before, None)
