"""The one script and style sheet that pages hold: what they may not contain, and that they are what is built."""

import hashlib
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

from whence.views.page_script import script, style

ROOT = Path(__file__).parents[2]
FRONTEND = ROOT / "src" / "whence" / "views" / "frontend"
NAMESPACES = {"http://www.w3.org/1999/xhtml", "http://www.w3.org/2000/svg", "http://www.w3.org/1998/Math/MathML"}
FORBIDDEN = (
    r"\bfetch\(|XMLHttpRequest|WebSocket|EventSource|sendBeacon|\bimport\(|importScripts|new Worker|new Image|"
    r"\beval\(|new Function|innerHTML|outerHTML|insertAdjacentHTML|document\.write|setHTML|dangerouslySet|"
    r"localStorage|sessionStorage|indexedDB|document\.cookie|window\.(open|parent|top)"
)


def sources() -> list[Path]:
    return sorted((FRONTEND / "src").rglob("*.*"))


def source_hash() -> str:
    """The hash that build.mjs writes into the first line of the script."""
    files = [*sources(), FRONTEND / "build.mjs", FRONTEND / "package-lock.json"]
    digest = hashlib.sha256()
    for name in sorted(file.relative_to(FRONTEND).as_posix() for file in files):
        digest.update(name.encode() + b"\0" + (FRONTEND / name).read_bytes() + b"\0")
    return digest.hexdigest()


def test_the_script_is_built_from_the_sources_as_they_are() -> None:
    found = script().splitlines()[0]
    wanted = f"/* whence views {source_hash()} */"
    assert found == wanted, "The sources changed since the bundle was built: run 'make frontend'."


def test_building_gives_the_same_bytes(tmp_path) -> None:
    node = shutil.which("node")
    if node is None or not (FRONTEND / "node_modules" / "esbuild").is_dir():
        pytest.skip("no Node, or no packages of the front end to build with: run 'make frontend'")
    subprocess.run([node, FRONTEND / "build.mjs", "--out", tmp_path], check=True, capture_output=True)
    assert (tmp_path / "whence.js").read_text(encoding="utf-8") == script()
    assert (tmp_path / "whence.css").read_text(encoding="utf-8") == style()


def test_the_wheel_holds_what_is_built_and_not_what_it_is_built_from() -> None:
    builder = pytest.importorskip("hatchling.builders.wheel", reason="hatchling is not installed")
    held = {Path(file.distribution_path) for file in builder.WheelBuilder(str(ROOT)).recurse_included_files()}
    views = Path("whence", "views")
    assert {views / "bundle" / "whence.js", views / "bundle" / "whence.css", views / "html.py"} <= held
    assert not [file for file in held if "frontend" in file.parts or "node_modules" in file.parts]


def test_the_wheel_is_told_to_leave_the_sources_out() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wheel = settings["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert wheel["packages"] == ["src/whence"]
    assert [ROOT / one for one in wheel["exclude"]] == [FRONTEND]


def test_both_together_have_at_most_100_kilobytes() -> None:
    assert len(script().encode()) + len(style().encode()) <= 100_000


def test_neither_names_an_address() -> None:
    assert set(re.findall(r"https?:[^\"'`\s)]*", script())) <= NAMESPACES
    assert not re.search(r"https?:|url\(|@import|@font-face", style())


def test_neither_can_end_the_element_that_holds_it() -> None:
    assert not re.search(r"</(script|style)|<!--", script() + style(), re.IGNORECASE)


def test_the_style_sheet_styles_nothing_but_views() -> None:
    sheet = re.sub(r"@media[^{]*\{|\([^()]*\)", "", style())
    selectors = [one for group in re.findall(r"([^{}]+)\{", sheet) for one in group.split(",")]
    assert selectors
    assert all(one.strip().startswith(".whence") for one in selectors)


def test_our_sources_ask_for_nothing_run_no_text_and_write_no_markup() -> None:
    for file in sources():
        assert not re.search(FORBIDDEN, file.read_text(encoding="utf-8")), file.name
