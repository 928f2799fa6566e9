import subprocess
import sys

import pytest

PROGRAM = """
import sys
from whence.records import Attribution, TargetValue, Token
from whence.registry import resolve

record = Attribution((Token("a", 0),), (TargetValue("b", 1, 1.0, 0.0, "logit"),), [[1.0]], [0.0], "m", {{}}, {{}})
shown = resolve("views", {view!r})({argument})
print(sorted({{"torch", "transformers", "matplotlib", "scipy"}} & set(sys.modules)))
"""


VIEWS = ["html", "terminal", "notebook", "notebook_text", "widget", "plot"]


@pytest.mark.parametrize(("view", "argument"), [(view, "record" if view == "plot" else "[record]") for view in VIEWS])
def test_views_load_no_model_library(view: str, argument: str) -> None:
    program = PROGRAM.format(view=view, argument=argument)
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout.splitlines()[-1] == ("['matplotlib']" if view == "plot" else "[]")
