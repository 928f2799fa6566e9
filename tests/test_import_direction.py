"""Imports point one way: a module imports what lies below it, and nothing else."""

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import whence

SOURCE = Path(whence.__file__).parent
LAYERS = [
    {"errors"},
    {"registry"},
    {"records"},
    {"subjects"},
    {"targets"},
    {"methods"},
    {"gradients", "relevance", "perturbation", "attention", "baselines"},
    {"internals"},
    {"metrics"},
    {"checks", "assistants", "corpus"},
    {"arguments"},
    {"api", "inside"},
    {"cli", "studio"},
]
LEVEL = {part: level for level, parts in enumerate(LAYERS) for part in parts}
VIEWS_MAY_IMPORT = {"errors", "registry", "records", "views"}
HEAVY = {"torch", "transformers", "tokenizers", "scipy", "sklearn"}
MODULES = sorted(path.relative_to(SOURCE).with_suffix("").as_posix() for path in SOURCE.rglob("*.py"))


def imports(module: str, everywhere: bool = True) -> set[str]:
    """The modules named by import statements, those inside functions too unless told otherwise."""
    tree = ast.parse((SOURCE / f"{module}.py").read_text(encoding="utf-8"))
    nodes = ast.walk(tree) if everywhere else tree.body
    found = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} imports relatively"
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def parts(module: str, everywhere: bool = True) -> set[str]:
    """The parts of whence a module imports."""
    return {name.split(".")[1] for name in imports(module, everywhere) if name.startswith("whence.")} - {"__version__"}


@pytest.mark.parametrize("module", [m for m in MODULES if m != "__init__"])
def test_imports_point_down(module):
    part = module.split("/")[0]
    if part == "views":
        assert parts(module) <= VIEWS_MAY_IMPORT
        return
    assert part in LEVEL, f"{part} has no place in the layers"
    for other in parts(module):
        assert other in LEVEL, f"{module} imports {other}, which nothing below the views may"
        assert LEVEL[other] < LEVEL[part] or other == part, f"{module} imports {other}"


@pytest.mark.parametrize(
    "module", [m for m in MODULES if m.split("/")[0] in ("records", "views", "errors", "registry")]
)
def test_records_and_views_import_nothing_heavy(module):
    assert not {name.split(".")[0] for name in imports(module)} & HEAVY


def test_the_package_itself_imports_nothing_at_first():
    assert parts("__init__", everywhere=False) == set()


def test_there_are_no_cycles():
    known = {f"whence.{m.replace('/', '.')}".removesuffix(".__init__") for m in MODULES}
    graph = {
        f"whence.{m.replace('/', '.')}".removesuffix(".__init__"): imports(m, everywhere=False) & known
        for m in MODULES
        if m != "__init__"
    }
    for module, targets in graph.items():
        targets.discard("whence")
        targets -= {module.rpartition(".")[0]}
    try:
        list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        pytest.fail(f"cycle: {' -> '.join(error.args[1])}")


def test_the_test_sees_a_wrong_arrow(tmp_path, monkeypatch):
    (tmp_path / "records").mkdir()
    (tmp_path / "records" / "wrong.py").write_text(
        "def f():\n    from whence.subjects import loading\n    import torch\n"
    )
    monkeypatch.setitem(globals(), "SOURCE", tmp_path)
    with pytest.raises(AssertionError, match="imports subjects"):
        test_imports_point_down("records/wrong")
    with pytest.raises(AssertionError):
        test_records_and_views_import_nothing_heavy("records/wrong")
