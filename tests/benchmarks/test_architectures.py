"""The coverage benchmark: its models can receive relevance by their inputs alone, and CP-LRP conserves in them."""

import sys
import warnings

import pytest
import torch

from architectures import main, measure, reason
from conservation import conservation
from tiny_models import TASKS, tiny_config, tiny_model

CASES = {
    "causal-lm": """llama gpt2 mixtral qwen3_moe olmoe deepseek_v3 gpt_oss nemotron apertus gemma3 falcon bloom mamba
        jamba falcon_h1 bamba qwen3_next""",
    "masked-lm": "bert deberta-v2",
    "sequence-classification": "bert roberta bart qwen2",
    "token-classification": "distilbert",
    "question-answering": "electra",
    "seq2seq": "t5 bart marian m2m_100",
    "image-classification": "vit dinov2 swin siglip convnext resnet",
}
EVERY = [(task, model_type) for task, types in CASES.items() for model_type in types.split()]
ODD = (("causal-lm", "apertus"), ("sequence-classification", "bart"))
"""xIELU is −α · 10⁻⁶ at zero, which a norm makes larger; BART's classifier takes no embeddings."""


@pytest.fixture(autouse=True)
def quiet():
    """What transformers and torch warn of in tiny configurations is not what is tested."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@pytest.mark.parametrize(("task", "model_type"), EVERY)
def test_cp_lrp_conserves(task, model_type):
    row = measure(model_type, TASKS[task], "cp_lrp")
    assert row.error is not None, row.note
    assert row.error <= 1e-3


@pytest.mark.parametrize("task", ["causal-lm", "masked-lm", "sequence-classification", "seq2seq"])
def test_the_plain_gradient_does_not_conserve(task):
    """Else the benchmark would measure nothing."""
    model_type = CASES[task].split()[0]
    assert conservation(tiny_model(model_type, TASKS[task]), TASKS[task], None).error > 0.1


@pytest.mark.parametrize(("task", "model_type"), [case for case in EVERY if case not in ODD])
def test_nothing_comes_from_nothing(task, model_type):
    """With embeddings, or pixels, all zero the output is zero: no constant is added that could receive relevance."""
    model = tiny_model(model_type, TASKS[task], torch.float32)
    if task == "image-classification":
        arguments = {"pixel_values": torch.zeros(1, 3, 64, 64)}
    else:
        embeddings = torch.zeros(1, 12, model.get_input_embeddings().weight.shape[-1])
        arguments = {"inputs_embeds": embeddings, "use_cache": False}
        arguments |= {"decoder_inputs_embeds": embeddings} if task == "seq2seq" else {}
    with torch.no_grad():
        output = model(**arguments)
    assert output[0].abs().max() < 1e-5


def test_the_same_model_every_time():
    one, two = (tiny_model("llama", TASKS["causal-lm"]) for _ in range(2))
    for a, b in zip(one.parameters(), two.parameters(), strict=True):
        assert torch.equal(a, b)


@pytest.mark.parametrize("model_type", ["gemma3", "qwen2_audio", "mllama"])
def test_configurations_within_configurations_are_tiny_too(model_type):
    task = next(task for task in TASKS.values() if model_type in task.types)
    config = tiny_config(model_type, task)
    assert config.text_config.hidden_size == 64
    assert config.text_config.num_hidden_layers == 2


def test_a_type_that_fails_does_not_stop_the_others():
    row = measure("timm_wrapper", TASKS["image-classification"], "cp_lrp")
    assert row.error is None
    assert row.note == "needs timm, which is not installed"


def test_a_reason_is_one_line_and_no_new_cell():
    assert reason(ValueError("a\n  b | c")) == "ValueError: a b / c"


def test_the_page_counts_what_it_shows(tmp_path, monkeypatch):
    file = tmp_path / "page.md"
    arguments = ["--tasks", "causal-lm,seq2seq", "--types", "llama,reformer,t5", "--markdown", str(file)]
    monkeypatch.setattr(sys, "argv", ["architectures.py", *arguments])
    main()
    page = file.read_text(encoding="utf-8")
    assert "| [causal-lm](#causal-lm) | 2 | 1 | 0 | 1 |" in page
    assert "| [seq2seq](#seq2seq) | 1 | 1 | 0 | 0 |" in page
    assert "| reformer | ReformerModelWithLMHead |  | its reversible blocks" in page
