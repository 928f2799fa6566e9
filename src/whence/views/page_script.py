"""The one script of interactive views, as built from `frontend/` into `bundle/`, and the style sheets of all views."""

import base64
import hashlib
from functools import cache
from importlib.resources import files

from markupsafe import Markup


@cache
def script() -> Markup:
    """The script, a module that draws every view whose data a page holds."""
    return Markup(_read("bundle", "whence.js"))


@cache
def script_hash() -> str:
    """The script's hash, as a Content-Security-Policy names the one script that may run."""
    digest = hashlib.sha256(script().encode("utf-8")).digest()
    return f"sha256-{base64.b64encode(digest).decode('ascii')}"


@cache
def style() -> Markup:
    """The style sheet of what the script draws."""
    return Markup(_read("bundle", "whence.css"))


@cache
def static_style() -> Markup:
    """The style sheet of what stands in a page without a script."""
    return Markup(_read("templates", "view.css"))


def _read(folder: str, name: str) -> str:
    return files("whence.views").joinpath(folder, name).read_text(encoding="utf-8")
