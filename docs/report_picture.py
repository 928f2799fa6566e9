"""Photographs the top of a page in a browser: python docs/report_picture.py report.html docs/report.png

Wants playwright and chromium (in $WHENCE_CHROMIUM, or on the path).
"""

import os
import shutil
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

WIDTH, HEIGHT = 1040, 1500


def photograph(page: Path, picture: Path) -> None:
    """What a reader sees first, once every view is drawn."""
    program = os.environ.get("WHENCE_CHROMIUM") or shutil.which("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        shown = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
        shown.goto(page.absolute().as_uri())
        shown.wait_for_selector(".whence-mounted")
        shown.screenshot(path=picture)
        browser.close()


if __name__ == "__main__":
    photograph(Path(sys.argv[1]), Path(sys.argv[2]))
