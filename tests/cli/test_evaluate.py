"""`whence evaluate`, `whence validate`, and the lists of metrics and checks."""

import io
import json
import sys

import pytest

import tiny
import whence
from whence.cli import main, options

ROWS = [{"text": "The film was good."}, {"text": "The film was never too long."}]


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models") / "classifier"
    for part in tiny.bert_classifier():
        part.save_pretrained(folder)
    return str(folder)


@pytest.fixture
def run(monkeypatch, capsys, model):
    """Run a command line in this process: (exit status, standard output, standard error)."""
    from transformers.utils import logging

    level = logging.get_verbosity()
    monkeypatch.setenv("COLUMNS", "80")

    def command(*arguments, stdin=""):
        named = [model if argument == "MODEL" else str(argument) for argument in arguments]
        monkeypatch.setattr(sys, "argv", ["whence", *named])
        monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        with pytest.raises(SystemExit) as exit_:
            main()
        return exit_.value.code, *capsys.readouterr()

    yield command
    logging.set_verbosity(level)
    logging.enable_progress_bar()


def written(folder, rows):
    path = folder / "set.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def evaluate(run, data, *more, methods="saliency, random,", metrics="comprehensiveness,morf_lerf"):
    return run("evaluate", "-m", "MODEL", "--data", data, "--methods", methods, "--metrics", metrics, *more)


def test_one_row_has_no_interval_and_no_star(run, tmp_path):
    table = tmp_path / "board.md"
    status, out, err = evaluate(run, written(tmp_path, ROWS), "--limit", "1", "--markdown", table)
    assert status == 0
    assert "without an interval: fewer than 5 rows" in " ".join(out.split())
    for said in ("95 %", "bootstrap", "*", "1 rows"):
        assert said not in out + err
    assert "1 row in" in err
    assert table.read_text(encoding="utf-8").endswith("Means over 1 row, without an interval: fewer than 5 rows.\n")


def test_the_table_goes_to_standard_output_and_the_cost_to_standard_error(run, tmp_path):
    status, out, err = evaluate(run, written(tmp_path, ROWS * 3))
    assert status == 0
    for said in ("saliency", "random", "comprehensiveness", "morf_lerf", "95 %", "seconds"):
        assert said in out
    assert max(map(len, out.splitlines())) <= 80
    assert err.startswith("masked inputs: ")
    assert "forwards run; 6 rows in" in err


def test_json_is_the_record(run, tmp_path, model):
    path = written(tmp_path, ROWS)
    status, out, _ = evaluate(run, path, "--json", "--dtype", "float64", "--device", "cpu", "--random-orders", "4")
    assert status == 0
    found = whence.Leaderboard.from_dict(json.loads(out))
    subject = whence.load(model, dtype="float64", device="cpu")
    metrics = ["comprehensiveness", "morf_lerf"]
    expected = whence.benchmark(subject, path, methods=["saliency", "random"], metrics=metrics, random_orders=4)
    assert found.cells == expected.cells


def test_bad_rows_are_listed_counted_and_set_the_status(run, tmp_path):
    path = written(tmp_path, [ROWS[0], {"body": "a"}, *[{"text": ""}] * 11])
    status, out, err = evaluate(run, path)
    assert status == 1
    assert "comprehensiveness" in out
    lines = err.splitlines()
    assert lines[1] == "12 of 13 rows were left out:"
    assert lines[2].startswith("  row 2: there is no column to read")
    assert len(lines) == 13
    assert lines[-1] == "  and 2 more"


def test_no_usable_row_is_an_error(run, tmp_path):
    status, out, err = evaluate(run, written(tmp_path, [{"text": ""}]))
    assert (status, out) == (1, "")
    assert "No row of 1 could be used; row 1" in err


def test_a_run_goes_on_from_its_file(run, tmp_path):
    kept = tmp_path / "run.jsonl"
    path = written(tmp_path, ROWS)
    assert evaluate(run, path, "--resume", kept, "--limit", "1")[0] == 0
    first = kept.read_text().splitlines()
    assert evaluate(run, path, "--resume", kept)[0] == 0
    assert kept.read_text().splitlines()[:2] == first
    assert len(kept.read_text().splitlines()) == 3
    status, _, err = evaluate(run, path, "--resume", kept, "--seed", "1")
    assert status == 1
    assert "seed was 0, now 1" in err


def test_columns_are_named_with_commas_in_them(run, tmp_path):
    path = written(tmp_path, [{"a": "The film", "b": "was good.", "label": "good"}])
    status, out, err = evaluate(run, path, "--columns", "text={a}, he said, {b},label=", "--json")
    assert status == 0, err
    assert json.loads(out)["provenance"]["columns"] == {"text": "{a}, he said, {b}", "label": None}
    again = evaluate(run, path, "--columns", "text={a}, he said, {b}", "--columns", "label=", "--json")
    assert json.loads(again[1])["cells"] == json.loads(out)["cells"]


def test_pages_and_tables_are_written(run, tmp_path):
    page, table = tmp_path / "board.html", tmp_path / "board.md"
    status, _, err = evaluate(run, written(tmp_path, ROWS), "--html", page, "--markdown", table)
    assert status == 0
    assert f"wrote {table}" in err
    assert page.read_text(encoding="utf-8").lower().startswith("<!doctype html>")
    assert table.read_text(encoding="utf-8").startswith("Masked units: mask.")


def test_figures_of_boards_and_verdicts_are_written(run, tmp_path):
    drawing, picture = tmp_path / "board.svg", tmp_path / "verdict.png"
    status, _, err = evaluate(run, written(tmp_path, ROWS), "--svg", drawing, "--palette", "PuOr")
    assert status == 0
    assert f"wrote {drawing}" in err
    assert "morf_lerf" in drawing.read_text(encoding="utf-8")
    status, _, err = run("validate", ROWS[0]["text"], "-m", "MODEL", "--checks", "completeness", "--png", picture)
    assert (status, err.splitlines()) == (0, [f"wrote {picture}"])
    assert picture.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("more", "status", "said"),
    [
        (["--methods", "salency"], 2, "Did you mean 'saliency'"),
        (["--metrics", "suficiency"], 2, "Did you mean 'sufficiency'"),
        (["--methods", ","], 2, "name at least one method"),
        (["--columns", "prompt"], 2, "'prompt' names no column"),
        (["--columns", "txt=a"], 2, "cannot mean 'txt'"),
        (["--strategy", "blank"], 2, "Unknown strategy 'blank'"),
        (["--strategy", "all", "--random-orders", "3"], 2, "even number"),
        (["--data", "nowhere.jsonl"], 2, "no file or folder nowhere.jsonl"),
        (["--target", "gold"], 2, "'label'"),
        (["--limit", "0"], 2, "--limit"),
    ],
    ids=str,
)
def test_wrong_use_is_found_before_the_model_is_loaded(run, tmp_path, monkeypatch, more, status, said):
    monkeypatch.setattr(options, "load_model", None)
    found, out, err = evaluate(run, written(tmp_path, ROWS), *more)
    assert (found, out) == (status, "")
    assert said in " ".join(err.replace("│", " ").split())


# ---------------------------------------------------------------------- validate


def test_a_verdicts_json_is_the_record(run):
    status, out, err = run("validate", "The film was good.", "-m", "MODEL", "--checks", "completeness", "--json")
    assert (status, err) == (0, "")
    verdict = whence.Verdict.from_dict(json.loads(out))
    assert [finding.check for finding in verdict.findings] == ["completeness"]


def test_a_data_set_is_validated_with_its_bad_rows_named(run, tmp_path):
    path = written(tmp_path, [*ROWS, {"text": ""}])
    status, out, err = run("validate", "--data", path, "-m", "MODEL", "--checks", "completeness", "--json")
    assert status == 1
    assert json.loads(out)["inputs"] == 2
    assert err.splitlines()[-2:] == ["1 of 3 rows was left out:", "  row 3: the row is empty"]


def test_rows_without_a_label_that_the_model_has_are_left_out_of_what_trains_alone(run, tmp_path):
    rows = [{"text": f"The film was {word}.", "label": i % 2} for i, word in enumerate("abcdefgh")]
    path = tmp_path / "set.csv"
    lines = [f"{row['text']},{row['label']}" for row in rows] + ["fine,", "good,superb", ""]
    path.write_text("\n".join(["text,label", *lines]), encoding="utf-8")
    arguments = ["validate", "--data", path, "-m", "MODEL", "--method", "input_x_gradient", "--json"]
    status, out, err = run(*arguments, "--checks", "label_randomization", "--dtype", "float64")
    assert status == 1
    verdict = json.loads(out)
    assert verdict["inputs"] == 10
    assert verdict["findings"][0]["details"]["trained_on"] == 8
    said = err.splitlines()
    assert said[-3] == "2 of 10 rows were left out:"
    assert said[-2] == "  row 10: of the checks that train: the row has no label"
    assert said[-1].startswith("  row 11: of the checks that train: 'superb' is not a")
    assert [one["row"] for one in verdict["provenance"]["data_set"]["left_out"]] == [10, 11]
    status, _, err = evaluate(run, path, "--target", "label")
    assert status == 1
    assert [line.split(":")[0] for line in err.splitlines()[-2:]] == ["  row 10", "  row 11"]


def test_a_failed_check_sets_the_status_where_asked_to(run):
    arguments = ["validate", "The film was good.", "-m", "MODEL", "--method", "lrp_epsilon"]
    arguments += ["--checks", "completeness", "--json"]
    status, out, _ = run(*arguments)
    assert status == 0
    failed = json.loads(out)["findings"][0]["status"] == "failed"
    assert run(*arguments, "--strict")[0] == int(failed)
    assert failed


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "give either a text or --data"),
        (["a text", "--data", "set.jsonl"], "give either a text or --data"),
        (["a text", "--checks", "completness"], "Did you mean 'completeness'"),
        (["a text", "--method", "salency"], "Did you mean 'saliency'"),
        (["--data", "nowhere.jsonl"], "no file or folder nowhere.jsonl"),
        (["--data", ".", "--columns", "txt=a"], "cannot mean 'txt'"),
        (["--data", ".", "--context", "a text"], "columns of its own"),
    ],
)
def test_wrong_use_of_validate(run, monkeypatch, arguments, said):
    monkeypatch.setattr(options, "load_model", None)
    status, _, err = run("validate", *arguments, "-m", "MODEL")
    assert status == 2
    assert said in " ".join(err.replace("│", " ").split())


# ---------------------------------------------------------------------- lists


@pytest.mark.parametrize("kind", ["metrics", "checks"])
def test_every_registered_one_is_listed(run, kind):
    status, out, err = run(kind)
    assert (status, err) == (0, "")
    status, listed, _ = run(kind, "--json")
    assert [row["name"] for row in json.loads(listed)] == whence.available(kind)
    for row in json.loads(listed):
        assert row["name"] in out
        assert row["summary"].endswith((".", ":"))
