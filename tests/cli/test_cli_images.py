"""Images on the command line: a path in, a record or a page out."""

import io
import json
import os
import subprocess
import sys

import pytest
from PIL import Image

import tiny
import whence
from tiny_images import picture
from whence.cli import main


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("models") / "vit"
    for part in tiny.vit_classifier():
        part.save_pretrained(place)
    return place


@pytest.fixture
def file(tmp_path):
    Image.fromarray(picture(1)).save(tmp_path / "garden é.png")
    return tmp_path / "garden é.png"


@pytest.fixture
def run(monkeypatch, capsys, folder):
    """Run a command line on the image model: (exit status, standard output, standard error)."""
    from transformers.utils import logging

    level = logging.get_verbosity()
    monkeypatch.setenv("COLUMNS", "100")

    def command(name, *arguments):
        options = ["--model", folder, "--device", "cpu", "--dtype", "float64"]
        monkeypatch.setattr(sys, "argv", ["whence", *map(str, [name, *arguments, *options])])
        with pytest.raises(SystemExit) as exit_:
            main()
        return exit_.value.code, *capsys.readouterr()

    yield command
    logging.set_verbosity(level)
    logging.enable_progress_bar()


@pytest.mark.parametrize(("option", "units"), [([], None), (["--units", "pixel"], "pixel"), (["--units", "6"], 6)])
def test_json_is_the_record(run, folder, file, option, units):
    status, out, err = run("explain", file, "--json", *option)
    assert (status, err) == (0, "")
    expected = whence.explain(whence.load(folder, device="cpu", dtype="float64"), file, units=units).to_dict()
    found = json.loads(out)
    for record in (found, expected):
        record["provenance"].pop("seconds")
    assert found == expected


def test_a_grid_goes_to_standard_output_and_a_page_to_its_file(run, file, tmp_path):
    page = tmp_path / "page.html"
    status, out, err = run("explain", file, "--html", page, "--target", "good")
    assert status == 0
    assert "3 × 3 patches" in out
    assert err == f"wrote {page}\n"
    assert page.read_text(encoding="utf-8").count("<rect ") == 9


def test_compare(run, file):
    status, out, _ = run("compare", file, "--methods", "attnlrp,raw_attention", "--json")
    assert status == 0
    assert whence.Comparison.from_dict(json.loads(out)).labels == ("attnlrp", "raw_attention")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nothing.png"], "There is no image file 'nothing.png'"),
        (["{file}", "--units", "words"], "Unknown units='words'"),
        (["{file}", "--units", "0"], "Unknown units=0"),
        (["{file}", "--continuation", " cat"], "no continuation"),
        (["{file}", "--target", "godo"], "Did you mean 'good'?"),
    ],
)
def test_errors_are_one_line(run, file, arguments, said):
    status, out, err = run("explain", *(argument.format(file=file) for argument in arguments))
    assert (status, out) == (1, "")
    assert said in err
    assert "Traceback" not in err


def test_an_image_on_standard_input_is_wrong_use(folder):
    written = io.BytesIO()
    Image.fromarray(picture(1)).save(written, "PNG")
    done = subprocess.run(
        [sys.executable, "-c", "from whence.cli import main; main()", "explain", "-", "--model", str(folder)],
        input=written.getvalue(),
        capture_output=True,
        check=False,
        env=os.environ | {"PYTHONIOENCODING": "utf-8"},
    )
    assert done.returncode == 2
    assert b"by its path" in done.stderr
    assert b"Traceback" not in done.stderr
