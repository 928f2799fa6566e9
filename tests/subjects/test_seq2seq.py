"""An encoder-decoder is explained over its source and what its decoder has read, as one sequence."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch
import transformers

import tiny
import whence
from assets import asset
from whence.baselines.random_scores import RandomScores

TEXT, TARGET = "Paris is in France.", "London is in England."
MAKERS = {"t5": tiny.t5_seq2seq, "bart": tiny.bart_seq2seq, "marian": tiny.marian_seq2seq}
SIZES = {f"{side}_{name}": n for side in ("encoder", "decoder") for name, n in (("layers", 2), ("attention_heads", 4))}
SIZES |= {"encoder_ffn_dim": 32, "decoder_ffn_dim": 32, "d_model": 16, "scale_embedding": True}
KIN = ("M2M100", "Pegasus", "MBart", "BlenderbotSmall", "Mvp", "PLBart")
"""Encoder-decoders that scale their embeddings in as many places as there are."""


@pytest.fixture(params=MAKERS)
def subject(request):
    return whence.load(MAKERS[request.param]())


@pytest.fixture(scope="module")
def t5():
    return whence.load(tiny.t5_seq2seq())


def kin(name, **settings):
    tokenizer = tiny.t5_tokenizer()
    config = getattr(transformers, f"{name}Config")(
        vocab_size=len(tokenizer), pad_token_id=0, eos_token_id=1, decoder_start_token_id=1, **(SIZES | settings)
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return getattr(transformers, f"{name}ForConditionalGeneration")(config).double().eval(), tokenizer


def own_logits(subject, inputs):
    """The logits at each slot, by a plain call on ids."""
    ids = torch.tensor(inputs.ids)[None]
    with torch.no_grad():
        logits = subject.model(
            input_ids=ids[:, : inputs.source], decoder_input_ids=ids[:, inputs.source :], use_cache=False
        ).logits
    return logits[0, [slot.index - inputs.source for slot in inputs.slots]]


def assert_embeddings_equal_ids(subject):
    for text, target in ((TEXT, TARGET), ("Rome", "fox")):
        inputs = subject.encode(text, continuation=target)
        expected = own_logits(subject, inputs)
        with torch.no_grad():
            found = subject.logits(subject.collate([inputs]))[0]
        assert torch.allclose(found, expected, rtol=0, atol=1e-12 * float(expected.abs().max()))


def test_embeddings_give_what_ids_give(subject):
    assert_embeddings_equal_ids(subject)


@pytest.mark.parametrize("name", KIN)
def test_embeddings_give_what_ids_give_wherever_a_model_scales_them(name):
    assert_embeddings_equal_ids(whence.load(kin(name)))


def test_where_scales_differ_it_is_seen():
    assert whence.load(tiny.marian_seq2seq())._scales == (4.0, 1.0)
    assert whence.load(kin("Mvp"))._scales == (4.0, 4.0)
    assert whence.load(tiny.bart_seq2seq())._scales == (1.0, 1.0)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_they_are_seen_in_half_precision_too(dtype):
    assert whence.load(tiny.marian_seq2seq(dtype=dtype))._scales == (4.0, 1.0)


def test_a_model_that_reads_embeddings_otherwise_than_ids_is_refused():
    model, tokenizer = tiny.t5_seq2seq()
    forward = model.get_encoder().forward
    model.get_encoder().forward = lambda inputs_embeds=None, **more: forward(
        inputs_embeds=None if inputs_embeds is None else inputs_embeds + 1, **more
    )
    with pytest.raises(whence.UnsupportedError, match="something else from embeddings than from the ids"):
        whence.explain(whence.load((model, tokenizer)), TEXT)


def test_a_model_that_sees_padding_is_run_one_at_a_time():
    config = transformers.ProphetNetConfig(
        vocab_size=300, hidden_size=16, num_encoder_layers=2, num_decoder_layers=2, num_encoder_attention_heads=4,
        num_decoder_attention_heads=4, encoder_ffn_dim=32, decoder_ffn_dim=32, decoder_start_token_id=1, pad_token_id=0,
    )  # fmt: skip
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = transformers.ProphetNetForConditionalGeneration(config).eval()
    subject = whence.load((model, tiny.t5_tokenizer()))
    assert subject.max_batch == 1
    assert whence.load(tiny.t5_seq2seq()).max_batch is None
    texts = ["Rome", TEXT]
    for text, record in zip(texts, whence.explain(subject, texts, method="input_x_gradient"), strict=True):
        assert record.scores == pytest.approx(whence.explain(subject, text, method="input_x_gradient").scores)


def test_tables_of_encoder_and_decoder_may_differ(t5):
    model, tokenizer = tiny.t5_seq2seq()
    with torch.no_grad():
        model.get_decoder().set_input_embeddings(torch.nn.Embedding(*model.shared.weight.shape).double())
    subject = whence.load((model, tokenizer))
    assert_embeddings_equal_ids(subject)
    assert not torch.equal(subject.collate([subject.encode(TEXT)]).embeds, t5.collate([t5.encode(TEXT)]).embeds)


def test_roles_positions_and_what_is_visible(subject):
    record = whence.explain(subject, TEXT, continuation=TARGET)
    roles = [t.role for t in record.tokens]
    source = roles.count("source")
    assert roles == ["source"] * source + ["target"] * (len(roles) - source)
    first = record.targets[0].position
    prefix = record.tokens[source:first]
    assert all(t.special and t.start is None for t in prefix)
    assert "".join(t.label for t in record.targets).strip() == TARGET
    assert record.text == f"{TEXT}\n{TARGET}"
    for token in record.tokens[first:]:
        assert record.text[token.start : token.end] == token.text
    for row, target in enumerate(record.targets):
        assert target.position == first + row == record.visible(row)
        assert record.scores[row, : target.position].all()
        assert not record.scores[row, target.position :].any()


def test_source_and_target_both_get_relevance_and_gradients(subject):
    for method in ("attnlrp", "cp_lrp", "input_x_gradient", "integrated_gradients", "leave_one_out"):
        record = whence.explain(subject, TEXT, continuation=TARGET, method=method)
        source = [t.role == "source" for t in record.tokens]
        assert record.scores[-1, source].any()
        assert record.scores[-1, [not s for s in source]].any()


def test_a_forced_first_token_is_read_and_not_explained():
    bart = whence.load(tiny.bart_seq2seq())
    tokens = [t for t in bart.encode(TEXT).tokens if t.role == "target"]
    assert [t.text for t in tokens] == ["</s>", "<s>"]
    (target,) = whence.explain(bart, TEXT, method="random").targets
    assert target.value == pytest.approx(own_logits(bart, bart.encode(TEXT))[0].max().item())


def test_without_a_start_token_it_is_said_what_to_set():
    model, tokenizer = tiny.t5_seq2seq()
    for settings in (model.config, model.generation_config):
        settings.decoder_start_token_id = settings.bos_token_id = None
    with pytest.raises(whence.InputError, match=r"Set model\.config\.decoder_start_token_id"):
        whence.explain(whence.load((model, tokenizer)), TEXT)


def test_it_writes_its_likeliest_tokens_until_the_end(subject):
    inputs = subject.encode(TEXT, max_new_tokens=5)
    assert inputs.generated == len(inputs.slots) <= 5
    assert own_logits(subject, inputs).argmax(dim=-1).tolist() == [slot.actual for slot in inputs.slots]
    model = subject.model
    model.generation_config.eos_token_id = inputs.slots[1].actual
    stopped = subject.encode(TEXT, max_new_tokens=5)
    wanted = [slot.actual for slot in inputs.slots]
    assert [slot.actual for slot in stopped.slots] == wanted[: wanted.index(wanted[1]) + 1]


def test_settings_kept_for_generate_change_nothing(t5):
    expected = t5.encode(TEXT, max_new_tokens=3).ids.tolist()
    model, tokenizer = tiny.t5_seq2seq()
    settings = {"do_sample": True, "num_beams": 4, "min_length": 40, "no_repeat_ngram_size": 1}
    for name, value in settings.items():
        setattr(model.generation_config, name, value)
    assert whence.load((model, tokenizer)).encode(TEXT, max_new_tokens=3).ids.tolist() == expected


def test_a_continuation_of_ids_is_taken_as_it_is(t5):
    ids = t5.tokenizer(TARGET)["input_ids"]
    record = whence.explain(t5, TEXT, continuation=ids, method="random")
    assert [t.label for t in record.targets][-1] == "</s>"
    assert [*[t.id for t in record.tokens if t.role == "target"][1:], ids[-1]] == ids


def test_a_target_is_one_token_of_the_target_text(t5):
    (found,) = whence.explain(t5, TEXT, target="Rome", method="random").targets
    (token,) = t5.tokenizer(text_target="Rome", add_special_tokens=False)["input_ids"]
    assert found.value == pytest.approx(own_logits(t5, t5.encode(TEXT))[0, token].item())
    with pytest.raises(whence.TargetError, match=r"is \d+ tokens .*continuation='London'"):
        whence.explain(t5, TEXT, target="London")


@pytest.mark.parametrize("text", ["☃", "😀 Paris", "مرحبا", "a", " Paris ", "a\n\nb"], ids=ascii)
def test_odd_sources_are_explained(subject, text):
    assert whence.explain(subject, text, continuation="Rome", method="input_x_gradient").scores.any()


@pytest.mark.parametrize(
    ("data", "more", "message"),
    [
        ("", {}, "empty text"),
        ("</s>", {}, "no token of '</s>'"),
        ([{"role": "user", "content": "x"}], {}, "takes no chat"),
        (TEXT, {"continuation": ""}, "continuation is empty"),
        (TEXT, {"continuation": [10**6]}, "no token id"),
        (TEXT, {"continuation": "a", "max_new_tokens": 2}, "not both"),
        (TEXT, {"max_new_tokens": 0}, "at least 1"),
        (TEXT, {"max_new_tokens": 500}, "at most 128"),
        (TEXT, {"continuation": "Paris is " * 100}, "at most 128"),
        ("Paris is " * 100, {}, "at most 128"),
        (TEXT, {"at": 2}, "at= chooses tokens"),
    ],
    ids=lambda value: repr(value)[:20],
)
def test_other_input_is_refused(t5, data, more, message):
    with pytest.raises(whence.InputError, match=message):
        whence.explain(t5, data, **more)


def test_deleting_a_source_token_keeps_the_border():
    bart = whence.load(tiny.bart_seq2seq())
    inputs = bart.encode(TEXT, continuation=TARGET)
    from whence.methods.run import Run
    from whence.perturbation.evaluator import Evaluator
    from whence.targets import as_targets

    keep = torch.ones(3, len(inputs), dtype=torch.bool).numpy()
    keep[0, 1] = keep[1, inputs.source + 1] = keep[2, [0, 2, inputs.source + 2]] = False
    evaluator = Evaluator(bart, [inputs], as_targets(None), Run(), "delete")
    (values,) = evaluator.evaluate([keep])
    for mask, found in zip(keep, values, strict=True):
        left = inputs.without(mask)
        assert [t.role for t in left.tokens].count("source") == left.source
        expected = own_logits(bart, left)[range(len(left.slots)), [slot.actual for slot in left.slots]]
        assert found == pytest.approx(expected.numpy())


def test_deleting_all_of_one_side_is_refused(t5):
    with pytest.raises(whence.InputError, match="nothing to predict it from"):
        whence.explain(t5, TEXT, method=whence.methods.LeaveOneOut(strategy="delete"))


@dataclass(frozen=True)
class Ones(RandomScores):
    """Gives every token a score, also those behind the prediction."""

    def _explain(self, subject, inputs, targets, run):
        found = super()._explain(subject, inputs, targets, run)
        return [replace(one, scores=np.ones_like(one.scores)) for one in found]


def test_what_a_prediction_cannot_see_has_no_score_whatever_the_method(t5):
    record = whence.explain(t5, TEXT, continuation=TARGET, method=Ones())
    for row, target in enumerate(record.targets):
        assert record.scores[row].tolist() == [1.0] * target.position + [0.0] * (len(record.tokens) - target.position)


# ---------------------------------------------------------------------- a real one


@pytest.fixture(scope="module")
def flan():
    return whence.load(asset("flan-t5-small"), dtype="float32", device="cpu")


GERMAN = "translate English to German: The house is wonderful."


@pytest.mark.long
@pytest.mark.filterwarnings("ignore")
def test_a_translation_is_driven_by_its_words(flan):
    record = whence.explain(flan, GERMAN, max_new_tokens=10)
    assert record.text.endswith("Das Haus ist wunderbar.</s>")
    given = whence.explain(flan, GERMAN, continuation="Das Haus ist wunderbar.")
    assert [t.label for t in given.targets] == [t.label for t in record.targets][:-1]
    assert given.scores == pytest.approx(record.scores[:-1, : len(given.tokens)], abs=1e-4)
    texts = [t.text for t in given.tokens]
    sentence = slice(texts.index(":") + 1, texts.index("</s>"))
    for german, english in ((" Haus", " house"), (" wunderbar", " wonderful")):
        row = [t.label for t in given.targets].index(german)
        assert texts[sentence][int(given.scores[row, sentence].argmax())] == english
