"""Lessons as a student sees them: JupyterLab in a real browser, every cell run, a slider moved with the
keyboard, a photo uploaded.

Needs Chromium (Debian: apt install chromium). Where CI=true its absence is a failure, elsewhere a skip.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import ConsoleMessage, Error, Page, sync_playwright

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
LESSONS = ["00_welcome.ipynb", "02_rate_distortion.ipynb", "10_lambda.ipynb"]
LMBDA = ".widget-slider:has(.widget-label:text-is('λ'))"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """JupyterLab on loopback over a copy of the lessons, with settings of its own; yields its address."""
    folder = tmp_path_factory.mktemp("lab")
    root = folder / "notebooks"
    shutil.copytree(NOTEBOOKS, root)
    settings = folder / "settings"
    news = settings / "@jupyterlab" / "apputils-extension"
    news.mkdir(parents=True)
    (news / "notification.jupyterlab-settings").write_text(
        json.dumps({"fetchNews": "false", "checkForUpdates": False})
    )
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    places = {
        "JUPYTER_CONFIG_DIR": folder / "config",
        "JUPYTER_RUNTIME_DIR": folder / "runtime",
        "JUPYTERLAB_SETTINGS_DIR": settings,
        "JUPYTERLAB_WORKSPACES_DIR": folder / "workspaces",
        "IPYTHONDIR": folder / "ipython",
    }
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ServerApp.ip=127.0.0.1"]
    command += [
        f"--ServerApp.port={port}",
        "--ServerApp.port_retries=0",
        "--IdentityProvider.token=",
        "--ServerApp.password=",
        "--ServerApp.disable_check_xsrf=True",
    ]
    command += [f"--ServerApp.root_dir={root}"]
    environment = os.environ | {name: str(path) for name, path in places.items()}
    with (
        (folder / "server.log").open("wb") as log,
        subprocess.Popen(command, env=environment, stdout=log, stderr=log) as process,
    ):
        address = f"http://127.0.0.1:{port}"
        try:
            wait_until(lambda: answers(f"{address}/api/status"), 120, "JupyterLab did not start")
            yield address
        finally:
            process.terminate()


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    """A page of headless Chromium."""
    if CHROMIUM is None:
        message = "Chromium is not installed (Debian: apt install chromium)"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser.new_page(viewport={"width": 1400, "height": 1000})
        browser.close()


@pytest.fixture
def problems(page: Page) -> Iterator[list[str]]:
    """What goes wrong in the page during one test: uncaught errors, and errors in the browser's console."""
    found: list[str] = []

    def uncaught(error: Error) -> None:
        found.append(str(error))

    def logged(message: ConsoleMessage) -> None:
        if message.type == "error":
            found.append(f"{message.text} ({message.location.get('url', '')})")

    page.goto("about:blank")  # the page of the test before may still complain that its kernel is gone
    page.on("pageerror", uncaught)
    page.on("console", logged)
    yield found
    page.remove_listener("pageerror", uncaught)
    page.remove_listener("console", logged)


def answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=5) as answer:
            return answer.status == 200
    except OSError:
        return False


def wait_until(condition, seconds: float, message: str) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, message
        time.sleep(0.25)


def kernel_is_ready(server: str) -> bool:
    """Idle and connected to a page; before that, Run All Cells is dropped without a word."""
    with urllib.request.urlopen(f"{server}/api/sessions", timeout=10) as answer:
        sessions = json.load(answer)
    return any(
        session["kernel"]["execution_state"] == "idle" and session["kernel"]["connections"] > 0
        for session in sessions
    )


def end_kernels(server: str) -> None:
    with urllib.request.urlopen(f"{server}/api/sessions", timeout=10) as answer:
        for session in json.load(answer):
            urllib.request.urlopen(
                urllib.request.Request(f"{server}/api/sessions/{session['id']}", method="DELETE"), timeout=30
            )


def run_all(page: Page, server: str, name: str) -> None:
    """Open a lesson, run all its cells from the menu, wait until each has a number."""
    page.goto(f"{server}/lab/tree/{name}?reset")
    page.wait_for_selector(".jp-NotebookPanel .jp-Cell", timeout=120_000)
    wait_until(lambda: kernel_is_ready(server), 120, "The kernel did not start")
    page.evaluate("document.querySelectorAll('.jp-OutputArea-output').length")
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.locator('.lm-Menu-item[data-command="runmenu:run-all"]').click()
    cells = len(
        [cell for cell in json.loads((NOTEBOOKS / name).read_text())["cells"] if cell["cell_type"] == "code"]
    )

    def finished() -> bool:
        return busy_cells(page) == 0 and kernel_is_ready(server) and last_number(page) >= cells

    wait_until(finished, 300, f"{name} did not run to its end")


def busy_cells(page: Page) -> int:
    return page.evaluate(
        "[...document.querySelectorAll('.jp-CodeCell .jp-InputPrompt')]"
        ".filter(p => p.innerText.includes('*')).length"
    )


def last_number(page: Page) -> int:
    """The highest execution number, after scrolling to the end: cells out of sight are not drawn."""
    page.evaluate("document.querySelector('.jp-WindowedPanel-outer')?.scrollTo(0, 1e7)")
    numbers = page.evaluate(
        "[...document.querySelectorAll('.jp-InputPrompt')]"
        ".map(p => parseInt(p.innerText.replace(/\\D/g, '')) || 0)"
    )
    return max(numbers, default=0)


@pytest.mark.parametrize("name", LESSONS)
def test_the_lmbda_slider_moved_by_keyboard_changes_the_figure_and_nothing_fails(
    page: Page, server: str, problems: list[str], name: str
) -> None:
    """Would break if figures were tied to Output widgets, if drawing raised an error, or if a package for
    widgets were missing.
    """
    try:
        run_all(page, server, name)
        assert (
            page.locator(
                '.jp-RenderedText[data-mime-type="application/vnd.jupyter.stderr"] .ansi-red-fg'
            ).count()
            == 0
        )
        assert (
            page.locator('.jp-OutputArea-output[data-mime-type="application/vnd.jupyter.error"]').count() == 0
        )

        page.evaluate("document.querySelector('.jp-WindowedPanel-outer')?.scrollTo(0, 0)")
        wait_until(lambda: scroll_to(page, f"{LMBDA} .noUi-handle"), 60, "No slider for λ is shown")
        cell = page.locator(".jp-CodeCell", has=page.locator(LMBDA)).first
        picture, readout = cell.locator("img").last, cell.locator(f"{LMBDA} .widget-readout").first
        before_picture, before_number = picture.get_attribute("src"), readout.inner_text()
        cell.locator(f"{LMBDA} .noUi-handle").first.focus()
        for _ in range(5):
            page.keyboard.press("ArrowRight")
        wait_until(lambda: readout.inner_text() != before_number, 20, "The slider's number does not change")
        wait_until(
            lambda: picture.get_attribute("src") != before_picture,
            20,
            "The figure does not follow the slider",
        )
        assert (
            cell.locator('.jp-OutputArea-output[data-mime-type="application/vnd.jupyter.stderr"]').count()
            == 0
        ), "redrawing failed"
        assert not problems, problems
    finally:
        end_kernels(server)


def test_an_own_photo_chosen_in_the_browser_is_compressed(page: Page, server: str, tmp_path: Path) -> None:
    """Would break if the upload's value were read as another version of ipywidgets gives it (the sample is
    shown then), or if the figure did not follow.
    """
    photo = tmp_path / "stripes.png"
    Image.fromarray(np.tile(np.array([0, 255], np.uint8), (48, 96))).save(photo)
    try:
        run_all(page, server, "00_welcome.ipynb")
        page.evaluate("document.querySelector('.jp-WindowedPanel-outer')?.scrollTo(0, 0)")
        wait_until(lambda: scroll_to(page, ".widget-upload"), 60, "No button for an upload is shown")
        cell = page.locator(".jp-CodeCell", has=page.locator(".widget-upload"))
        picture = cell.locator("img").last
        flat = "image => image.naturalHeight"  # the photo is four times as wide as high, the sample is not
        height = picture.evaluate(flat)
        with page.expect_file_chooser() as chooser:
            cell.locator(".widget-upload").click()
        chooser.value.set_files(photo)
        wait_until(
            lambda: picture.evaluate(flat) < 0.7 * height,
            20,
            "The figure does not show the photo that was uploaded",
        )
        assert (
            cell.locator('.jp-OutputArea-output[data-mime-type="application/vnd.jupyter.stderr"]').count()
            == 0
        ), "compressing failed"
    finally:
        end_kernels(server)


def scroll_to(page: Page, selector: str) -> bool:
    """Scroll down a screen at a time until the element is drawn."""
    if page.locator(selector).count():
        page.locator(selector).first.scroll_into_view_if_needed()
        return True
    page.evaluate("document.querySelector('.jp-WindowedPanel-outer')?.scrollBy(0, 700)")
    return False
