"""A real browser, Debian's chromium, that has no network and whose every complaint fails the test."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

SCREENSHOTS = Path(__file__).parents[3] / "build" / "screenshots"


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """The browser; skipped with the reason where there is none."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    program = os.environ.get("WHENCE_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        pytest.skip("no chromium: apt-get install chromium, or name one in $WHENCE_CHROMIUM")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@pytest.fixture
def opened(chromium: Any, tmp_path: Path, request: Any) -> Iterator[Callable[..., Any]]:
    """`opened(html)` is the page in the browser; at the end it has asked for nothing, and nothing went wrong in it.

    Its picture is kept in build/screenshots, unless `keep` is false.
    """
    contexts, requests, complaints, pictured = [], [], [], []

    def open_page(
        html: str, *, width: int = 1000, height: int = 900, dark: bool = False, keep: bool = True, **options: Any
    ) -> Any:
        context = chromium.new_context(
            viewport={"width": width, "height": height}, color_scheme="dark" if dark else "light", **options
        )
        contexts.append(context)
        page = context.new_page()
        pictured.extend([page] if keep else [])
        file = tmp_path / f"page{len(contexts)}.html"
        file.write_text(html, encoding="utf-8")
        address = file.as_uri()
        page.on("request", lambda one: requests.append(one.url) if _is_request(one.url, address) else None)
        page.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("dialog", lambda dialog: (complaints.append(f"dialog {dialog.message}"), dialog.dismiss()))
        page.goto(address)
        return page

    yield open_page
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    name = "".join(c if c.isalnum() else "_" for c in request.node.name)[:80]
    for i, page in enumerate(pictured):
        page.screenshot(path=SCREENSHOTS / f"{name}{f'_{i + 1}' if i else ''}.png", full_page=True)
    for context in contexts:
        context.close()
    assert requests == []
    assert complaints == []


def _is_request(url: str, address: str) -> bool:
    return url.split("#")[0] != address and not url.startswith(("data:", "about:srcdoc", "blob:"))
