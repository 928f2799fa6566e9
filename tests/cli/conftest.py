"""Models saved in folders, and a command line run in this process."""

import io
import sys

import pytest

import tiny
from whence.cli import main


@pytest.fixture(scope="session")
def folders(tmp_path_factory):
    """Models saved as a user would have them: a language model, a classifier and one that translates."""
    found = {}
    for name, make in (("lm", tiny.llama_lm), ("classifier", tiny.bert_classifier), ("translator", tiny.t5_seq2seq)):
        model, tokenizer = make()
        found[name] = str(tmp_path_factory.mktemp("models") / name)
        model.save_pretrained(found[name])
        tokenizer.save_pretrained(found[name])
    return found


@pytest.fixture
def run(monkeypatch, capsys, folders):
    """Run a command line in this process: (exit status, standard output, standard error)."""
    from transformers.utils import logging

    level = logging.get_verbosity()
    monkeypatch.setenv("COLUMNS", "300")

    def command(*arguments, stdin=None):
        monkeypatch.setattr(sys, "argv", ["whence", *(folders.get(a, a) for a in map(str, arguments))])
        monkeypatch.setattr(sys, "stdin", io.StringIO(stdin or ""))
        with pytest.raises(SystemExit) as exit_:
            main()
        return exit_.value.code, *capsys.readouterr()

    yield command
    logging.set_verbosity(level)
    logging.enable_progress_bar()
