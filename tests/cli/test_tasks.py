"""The command line on every task: what the options make of a question, a pair, a choice of tokens."""

import json
import sys

import pytest

import tiny
import whence
from whence.cli import main

MAKERS = {
    "masked": tiny.bert_masked_lm,
    "tokens": tiny.bert_token_classifier,
    "answers": tiny.bert_question_answering,
    "pairs": tiny.bert_classifier,
    "translator": tiny.t5_seq2seq,
}


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    found = {}
    for name, make in MAKERS.items():
        found[name] = str(tmp_path_factory.mktemp("models") / name)
        for part in make():
            part.save_pretrained(found[name])
    return found


@pytest.fixture
def run(monkeypatch, capsys, folders):
    """Run `whence explain` on a model: (exit status, standard output, standard error)."""
    from transformers.utils import logging

    level = logging.get_verbosity()
    monkeypatch.setenv("COLUMNS", "300")

    def command(model, *arguments, command="explain"):
        where = ["--model", folders[model], "--device", "cpu", "--dtype", "float64"]
        monkeypatch.setattr(sys, "argv", ["whence", command, *where, *arguments])
        with pytest.raises(SystemExit) as exit_:
            main()
        return exit_.value.code, *capsys.readouterr()

    yield command
    logging.set_verbosity(level)
    logging.enable_progress_bar()


@pytest.mark.parametrize(
    ("model", "arguments", "data", "more"),
    [
        ("masked", ["[MASK] is in [MASK].", "--at", "4"], "[MASK] is in [MASK].", {"at": 4}),
        ("tokens", ["Paris is in", "--at", "Paris", "--at", "3"], "Paris is in", {"at": ["Paris", 3]}),
        ("answers", ["Who?", "--context", "Paris is"], {"question": "Who?", "context": "Paris is"}, {}),
        ("pairs", ["good", "--text-pair", "bad"], {"text": "good", "text_pair": "bad"}, {}),
        ("translator", ["Paris", "--continuation", "Rome is"], "Paris", {"continuation": "Rome is"}),
        ("translator", ["Paris", "--max-new-tokens", "2"], "Paris", {"max_new_tokens": 2}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_record_is_the_librarys(run, folders, model, arguments, data, more):
    status, out, err = run(model, *arguments, "--json")
    assert (status, err) == (0, "")
    expected = whence.explain(whence.load(folders[model], dtype="float64", device="cpu"), data, **more)
    found = whence.Attribution.from_dict(json.loads(out))
    assert (found.tokens, found.targets) == (expected.tokens, expected.targets)
    assert found.scores.tolist() == expected.scores.tolist()


@pytest.mark.parametrize("model", ["masked", "answers"])
def test_compare_takes_them_too(run, model):
    more = ["--context", "Paris is"] if model == "answers" else []
    status, out, _ = run(model, "[MASK] is", *more, "--methods", "attnlrp,leave_one_out", command="compare")
    assert status == 0
    assert "leave_one_out" in out


@pytest.mark.parametrize(
    ("model", "arguments", "status", "message"),
    [
        ("pairs", ["good", "--text-pair", "bad", "--context", "x"], 2, "either --context or --text-pair"),
        ("answers", ["Who?"], 1, "'question': ..., 'context': ..."),
        ("answers", ["Who?", "--context", ""], 1, "'context'"),
        ("masked", ["Paris"], 1, "no mask in 'Paris'"),
        ("tokens", ["Paris", "--at", "Rome"], 1, "'Rome' covers no token"),
        ("tokens", ["Paris", "--at", "²"], 1, "'²' covers no token"),
        ("pairs", ["good", "--at", "good"], 1, "at= chooses tokens"),
        ("masked", ["[MASK]", "--context", "x"], 1, "this model reads one text"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_what_goes_wrong_is_said(run, model, arguments, status, message):
    found, out, err = run(model, *arguments)
    assert (found, out) == (status, "")
    assert message in err
