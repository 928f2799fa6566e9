"""Whatever names a model is loaded as asked, or refused with what to do next; a model that was given is left alone."""

import re

import pytest
import torch
import transformers

import tiny
import whence


def dtypes(subject):
    return {p.dtype for p in subject.model.parameters()}


def test_a_folder_as_text_or_path(saved):
    by_path, by_text = whence.load(saved["llama"]), whence.load(str(saved["llama"]))
    assert by_path.task == by_text.task == "text-generation"
    assert by_path.name == "llama"
    assert by_path.provenance() == by_text.provenance()


def test_the_architecture_says_the_task(saved):
    subject = whence.load(saved["bert"])
    assert subject.task == "text-classification"
    assert subject.labels == list(tiny.LABELS)


def test_a_loaded_folder_gives_the_scores_of_the_model_that_was_saved(saved):
    original = whence.load(tiny.llama_lm(dtype=torch.float32))
    scores = [whence.explain(s, "Paris is in", method="input_x_gradient").scores for s in (original, saved["llama"])]
    assert scores[1] == pytest.approx(scores[0], rel=1e-4, abs=1e-6)


def test_a_pair_is_kept_as_it_is():
    model, tokenizer = tiny.bert_classifier()
    subject = whence.load((model, tokenizer))
    assert subject.model is model
    assert subject.tokenizer is tokenizer
    assert subject.task == "text-classification"


def test_a_subject_passes_through(saved):
    subject = whence.load(saved["bert"])
    assert whence.load(subject) is subject


@pytest.mark.parametrize(
    ("task", "make"),
    [
        ("text-generation", tiny.llama_lm),
        ("text-classification", tiny.bert_classifier),
        ("sentiment-analysis", tiny.bert_classifier),
    ],
)
def test_a_pipelines_model_is_kept_as_it_is(task, make):
    model, tokenizer = make()
    pipeline = transformers.pipeline(task, model=model, tokenizer=tokenizer)
    before = model.config.to_dict(), dtypes(pipeline), next(model.parameters()).device
    subject = whence.load(pipeline)
    assert subject.model is model
    assert subject.tokenizer is tokenizer
    assert (model.config.to_dict(), dtypes(pipeline), next(model.parameters()).device) == before


def test_a_model_that_was_given_stays_in_training_mode():
    model, tokenizer = tiny.bert_classifier()
    model.train()
    whence.load((model, tokenizer))
    assert all(module.training for module in model.modules())
    assert all(p.requires_grad for p in model.parameters())


@pytest.mark.parametrize(
    ("dtype", "expected"),
    [
        (None, torch.float32),
        ("float32", torch.float32),
        ("float64", torch.float64),
        ("bfloat16", torch.bfloat16),
        ("float16", torch.float16),
        (torch.bfloat16, torch.bfloat16),
    ],
    ids=str,
)
def test_dtype_is_the_one_asked_for(saved, dtype, expected):
    subject = whence.load(saved["llama"], dtype=dtype)
    assert dtypes(subject) == {expected}
    assert subject.provenance()["dtype"] == str(expected).removeprefix("torch.")


def test_dtype_auto_is_the_checkpoints_own(saved, tmp_path):
    for part in tiny.llama_lm(dtype=torch.bfloat16):
        part.save_pretrained(tmp_path)
    assert dtypes(whence.load(tmp_path, dtype="auto")) == {torch.bfloat16}
    assert dtypes(whence.load(tmp_path)) == {torch.float32}


@pytest.mark.parametrize("dtype", ["float99", "Tensor", "torch.float32", "int64", torch.int8, 12], ids=str)
def test_an_unknown_dtype_is_refused(saved, dtype):
    with pytest.raises(whence.LoadError, match=str(dtype).removeprefix("torch.")):
        whence.load(saved["llama"], dtype=dtype)


def test_a_dtype_no_model_can_be_made_in_is_refused(saved):
    with pytest.raises(whence.LoadError):
        whence.load(saved["llama"], dtype="float8_e4m3fn")


@pytest.mark.parametrize("device", ["gpu", "quantum", "cpu:x"])
def test_an_unknown_device_is_refused(saved, device):
    with pytest.raises(whence.LoadError, match=f"Cannot use the device '{device}'"):
        whence.load(saved["llama"], device=device)


@pytest.mark.parametrize("device_map", ["cpu", {"": "cpu"}], ids=str)
def test_device_map_is_passed_on(saved, device_map, monkeypatch):
    pytest.importorskip("accelerate")
    seen = []
    load = transformers.AutoModelForCausalLM.from_pretrained.__func__
    monkeypatch.setattr(
        transformers.AutoModelForCausalLM,
        "from_pretrained",
        classmethod(lambda cls, *args, **options: seen.append(options) or load(cls, *args, **options)),
    )
    subject = whence.load(saved["llama"], device_map=device_map)
    assert seen[0]["device_map"] == device_map
    assert subject.device.type == "cpu"
    mapped = whence.explain(subject, "Paris is in").scores
    assert mapped == pytest.approx(whence.explain(saved["llama"], "Paris is in").scores, rel=1e-5, abs=1e-6)


def test_an_unknown_device_map_is_refused(saved):
    with pytest.raises(whence.LoadError, match="device_map"):
        whence.load(saved["llama"], device_map="nonsense")


def test_device_and_device_map_exclude_each_other(saved):
    with pytest.raises(whence.LoadError, match="either device or device_map"):
        whence.load(saved["llama"], device="cpu", device_map="cpu")


@pytest.mark.parametrize(
    ("setting", "value"), [("device", "cpu"), ("dtype", "float32"), ("device_map", "cpu"), ("revision", "main")]
)
def test_a_setting_that_cannot_apply_to_a_loaded_model_is_refused(setting, value):
    with pytest.raises(whence.LoadError, match=f"{setting}= has no effect"):
        whence.load(tiny.llama_lm(), **{setting: value})


@pytest.mark.parametrize(
    ("setting", "value"), [("device", "cpu"), ("dtype", "float64"), ("task", "text-classification")]
)
def test_a_setting_that_cannot_apply_to_a_subject_is_refused(setting, value):
    with pytest.raises(whence.LoadError, match=setting):
        whence.load(whence.load(tiny.llama_lm()), **{setting: value})


def test_a_task_that_a_gguf_file_cannot_serve_is_refused(gguf_file):
    with pytest.raises(whence.LoadError, match="text-classification"):
        whence.load(gguf_file, task="text-classification")


def test_an_unknown_task_is_refused(saved):
    with pytest.raises(whence.LoadError, match=r"Unknown task 'chat'.*text-generation, text-classification"):
        whence.load(saved["llama"], task="chat")


@pytest.mark.parametrize(
    ("make", "task"), [(tiny.llama_lm, "text-classification"), (tiny.bert_classifier, "text-generation")]
)
def test_a_task_the_model_is_not_made_for_is_refused(make, task):
    with pytest.raises(whence.LoadError):
        whence.load(make(), task=task)


@pytest.mark.parametrize("name", ["nobody/nothing", "nothing-of-this-name"])
def test_a_hub_id_that_cannot_be_reached_is_named(name):
    with pytest.raises(whence.LoadError, match=f"Cannot load '{name}': .*(connect|cached|offline)"):
        whence.load(name)


def test_a_misspelt_embedded_name_is_corrected():
    with pytest.raises(whence.LoadError, match=r"Did you mean 'smollm2'"):
        whence.load("smolm2")


@pytest.mark.parametrize("name", ["./no/such/folder", "/no/such/folder", "~/no such folder"])
def test_a_path_that_is_not_there_is_not_looked_up_on_the_hub(name):
    with pytest.raises(whence.LoadError, match="is not a folder with a model"):
        whence.load(name)


def test_an_empty_name_is_refused(saved, monkeypatch):
    monkeypatch.chdir(saved["llama"])
    with pytest.raises(whence.LoadError):
        whence.load("")


def test_an_unsupported_architecture_is_named(spoilt):
    folder = spoilt("llama", config={"architectures": ["LlamaModel"]})
    with pytest.raises(whence.LoadError, match=r"LlamaModel.*\*ForCausalLM, \*ForSequenceClassification"):
        whence.load(folder)


def test_an_architecture_that_is_not_stated_can_be_given_as_a_task(spoilt):
    folder = spoilt("llama", config={"architectures": None})
    with pytest.raises(whence.LoadError, match=r"no stated architecture.*task="):
        whence.load(folder)
    assert whence.load(folder, task="text-generation").task == "text-generation"


@pytest.mark.parametrize("name", ["T5EncoderModel", "BertForNextSentencePrediction"])
def test_an_unsupported_model_is_named(name):
    kind = getattr(transformers, name)
    small = {"d_model": 8, "d_kv": 4, "d_ff": 8, "num_layers": 1, "num_heads": 2} if name[0] == "T" else {}
    small = small or {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 8}
    with pytest.raises(whence.LoadError, match=name):
        whence.load((kind(kind.config_class(vocab_size=60, **small)), tiny.bert_tokenizer()))


MODELS = {
    "text-generation": tiny.gpt2_lm,
    "text-classification": tiny.bert_classifier,
    "fill-mask": tiny.bert_masked_lm,
    "token-classification": tiny.bert_token_classifier,
    "question-answering": tiny.bert_question_answering,
    "text2text-generation": tiny.bart_seq2seq,
}


@pytest.mark.parametrize("task", MODELS)
def test_every_task_loads_from_its_model_and_from_its_folder(task, tmp_path):
    model, tokenizer = MODELS[task](dtype=torch.float32)
    assert whence.load((model, tokenizer)).task == task
    for part in (model, tokenizer):
        part.save_pretrained(tmp_path)
    for asked in (None, task):
        subject = whence.load(tmp_path, task=asked, device="cpu")
        assert (subject.task, subject.provenance()["task"]) == (task, task)
    other = "text-generation" if task != "text-generation" else "fill-mask"
    with pytest.raises(whence.LoadError):
        whence.load((model, tokenizer), task=other)


@pytest.mark.parametrize(
    ("alias", "task"),
    [("ner", "token-classification"), ("masked-lm", "fill-mask"), ("translation_en_to_de", "text2text-generation")]
    + [(name, "text2text-generation") for name in ("translation", "summarization", "seq2seq")]
    + [("sentiment-analysis", "text-classification"), ("qa", "question-answering")],
)
def test_tasks_go_by_other_names(alias, task):
    assert whence.load(MODELS[task](), task=alias).task == task


def test_an_unknown_task_is_refused_with_the_nearest():
    with pytest.raises(whence.LoadError, match=r"Did you mean 'summarization'.*fill-mask"):
        whence.load(tiny.gpt2_lm(), task="sumarization")


def test_a_model_that_reads_images_too_is_refused():
    """Its class name ends like an encoder-decoder's of text."""
    config = transformers.LlavaConfig(
        vision_config=transformers.CLIPVisionConfig(
            hidden_size=8, intermediate_size=8, num_hidden_layers=1, num_attention_heads=2, image_size=8, patch_size=4
        ),
        text_config=transformers.LlamaConfig(
            vocab_size=60, hidden_size=8, intermediate_size=8, num_hidden_layers=1, num_attention_heads=2
        ),
    )
    with pytest.raises(whence.UnsupportedError, match="no encoder-decoder of text alone"):
        whence.load((transformers.LlavaForConditionalGeneration(config), tiny.bert_tokenizer()))


def test_a_folder_without_a_tokenizer_is_refused(spoilt):
    folder = spoilt("llama")
    for file in folder.glob("*tokenizer*"):
        file.unlink()
    with pytest.raises(whence.LoadError, match="tokenizer"):
        whence.load(folder)


def test_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(whence.LoadError, match=r"config\.json"):
        whence.load(tmp_path)


def test_a_truncated_weights_file_is_a_load_error(spoilt):
    folder = spoilt("llama")
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(whence.LoadError, match="spoilt-llama"):
        whence.load(folder)


def test_a_checkpoint_with_weights_missing_is_refused(spoilt):
    from safetensors.torch import load_file, save_file

    folder = spoilt("llama")
    weights = load_file(folder / "model.safetensors")
    del weights["model.layers.0.mlp.down_proj.weight"]
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(whence.LoadError, match="down_proj"):
        whence.load(folder)


def test_a_task_whose_head_the_checkpoint_lacks_is_refused(saved):
    with pytest.raises(whence.LoadError, match="score"):
        whence.load(saved["llama"], task="text-classification")


MODEL, TOKENIZER = object(), object()


@pytest.mark.parametrize(
    "source",
    [
        None,
        5,
        [],
        {},
        (1, 2),
        (MODEL,),
        (MODEL, TOKENIZER, 1),
        MODEL,
        (TOKENIZER, MODEL),
        (MODEL, None),
        (MODEL, "gpt2"),
    ],
    ids=lambda wrong: re.sub(r" at 0x\w+", "", str(wrong)),
)
def test_wrong_objects_are_refused(source):
    model, tokenizer = tiny.bert_classifier()
    real = {id(MODEL): model, id(TOKENIZER): tokenizer}
    if isinstance(source, tuple):
        source = tuple(real.get(id(part), part) for part in source)
    with pytest.raises(whence.LoadError, match=r"Cannot load a|Wanted"):
        whence.load(real.get(id(source), source))
