"""A question answerer is explained at the start and the end of the span it means, and never outside the context."""

import pytest
import torch

import tiny
import whence
from whence import Contrast, Logit, Prob

QUESTION, CONTEXT = "Who is in Rome?", "Paris is in France. Rome is in Italy."


@pytest.fixture(scope="module")
def subject():
    return whence.load(tiny.bert_question_answering())


def asked(question=QUESTION, context=CONTEXT):
    return {"question": question, "context": context}


def own_logits(subject, data):
    with torch.no_grad():
        out = subject.model(**subject.tokenizer(data["question"], data["context"], return_tensors="pt"))
    return out.start_logits[0], out.end_logits[0]


def place(target):
    return int(target.label.rsplit("(", 1)[1].rstrip(")"))


def test_roles_offsets_and_token_types(subject):
    inputs = subject.encode(asked())
    assert inputs.text == f"{QUESTION}\n{CONTEXT}"
    assert {t.role for t in inputs.tokens} == {"question", "context"}
    for role, text in asked().items():
        own = [t for t in inputs.tokens if t.role == role]
        assert "".join(t.text for t in own if not t.special).replace(" ", "") == text.replace(" ", "")
        assert all(inputs.text[t.start : t.end] == t.text for t in own if not t.special)
    expected = subject.tokenizer(QUESTION, CONTEXT)
    assert list(inputs.token_types) == expected["token_type_ids"]
    assert inputs.ids.tolist() == expected["input_ids"]


def test_token_types_reach_the_model(subject):
    data = asked()
    value = whence.explain(subject, data, method="random", target=Logit(3)).targets[0].value
    assert value == pytest.approx(own_logits(subject, data)[0][3].item())
    with torch.no_grad():
        without = subject.model(subject.tokenizer(*data.values(), return_tensors="pt")["input_ids"]).start_logits
    assert value != pytest.approx(without[0, 3].item())


@pytest.mark.parametrize(
    "data",
    [
        asked(),
        asked("Rome?", "Paris"),
        asked("Why did the quick brown fox jump over the lazy dog?", "Paris"),
        asked("😀", "☃ is in Rome 😀"),
        asked("مرحبا", "שלום עולם"),
    ],
    ids=lambda d: ascii(d["context"][:8]),
)
def test_the_predicted_answer_is_the_best_span_of_the_context(subject, data):
    record = whence.explain(subject, data, method="random")
    start, end = own_logits(subject, data)
    own = [i for i, t in enumerate(record.tokens) if t.role == "context" and not t.special]
    best = max(((i, j) for i in own for j in own if i <= j), key=lambda pair: float(start[pair[0]] + end[pair[1]]))
    assert tuple(place(t) for t in record.targets) == best
    assert [t.value for t in record.targets] == pytest.approx([start[best[0]].item(), end[best[1]].item()])
    assert [t.label.split(" · ")[0] for t in record.targets] == ["start", "end"]
    assert [t.position for t in record.targets] == [None, None]


def test_the_best_span_is_not_the_two_largest_logits(subject):
    """Start behind end, or outside the context, is no answer, however large the logits."""
    inputs = subject.encode(asked("Rome?", "Paris is in"))
    own = [i for i, t in enumerate(inputs.tokens) if t.role == "context" and not t.special]
    logits = torch.full((2, len(inputs)), -5.0, dtype=torch.float64)
    logits[:, 0] = 9.0
    logits[0, own[2]], logits[1, own[0]] = 4.0, 4.0
    logits[0, own[0]], logits[1, own[1]] = 1.0, 1.0
    assert [subject.predicted(inputs, number, logits) for number in (0, 1)] == [own[0], own[0]]


def test_probabilities_add_up_over_the_tokens(subject):
    data = asked("Rome?", "Paris is in")
    n = len(subject.encode(data))
    record = whence.explain(subject, data, target=[Prob(i) for i in range(n)], method="random")
    assert sum(t.value for t in record.targets[:n]) == pytest.approx(1)
    assert sum(t.value for t in record.targets[n:]) == pytest.approx(1)


def test_items_of_different_lengths_are_never_padded(subject):
    items = [asked(), asked("Rome?", "Paris"), asked("Who?", "Paris is")]
    together = whence.explain(subject, items, target=Prob(), method="random")
    for item, record in zip(items, together, strict=True):
        alone = whence.explain(subject, item, target=Prob(), method="random")
        assert [t.value for t in record.targets] == pytest.approx([t.value for t in alone.targets])


def test_a_target_names_a_span_of_the_context(subject):
    data = asked()
    texts = [t.text for t in subject.encode(data).tokens]
    first = texts.index("France")
    record = whence.explain(subject, data, target="France", method="random")
    assert [t.label for t in record.targets] == [f"start · France ({first})", f"end · France ({first})"]
    record = whence.explain(subject, data, target="in France. Rome", method="random")
    assert [place(t) for t in record.targets] == [first - 1, first + 2]
    record = whence.explain(subject, data, target=first, method="random")
    assert [place(t) for t in record.targets] == [first, first]
    record = whence.explain(subject, data, target=Contrast("France", "Italy"), method="attnlrp")
    assert record.targets[0].label.startswith("start · France")
    assert "Italy" in record.targets[0].label


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("is", r"stands in the context 2 times.*token index.*\d+, \d+"),
        ("is in", "2 times.* to "),
        ("Berlin", "no run of whole tokens"),
        ("Franc", "no run of whole tokens"),
        ("Who", "no run of whole tokens"),
        ("", "no run of whole tokens"),
        (99, "no token 99"),
        (-1, "no token -1"),
    ],
    ids=repr,
)
def test_a_target_that_is_no_span_is_refused(subject, target, message):
    with pytest.raises(whence.TargetError, match=message):
        whence.explain(subject, asked(), target=target)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("Who is in Rome?", r"type str.*'question': ..., 'context': ..."),
        ({"question": "Who?"}, "lacks 'context'"),
        ({"text": "Who?"}, "lacks 'question', 'context' and has 'text', which is not read"),
        (asked(context=""), "'context': .*empty text"),
        (asked(question=None), "'question'"),
        (asked(question=" "), "no token of the question"),
        (asked(context="[SEP] [PAD]"), "no token of the context"),
        (asked(context="Paris " * 200), "at most 128"),
        (asked(context=5), "'context': .*type int"),
    ],
    ids=repr,
)
def test_other_input_is_refused(subject, data, message):
    unchecked = getattr(type(subject).encode, "__wrapped__", type(subject).encode)
    with pytest.raises(whence.InputError, match=message):
        unchecked(subject, data)


def test_writing_and_choosing_tokens_are_refused(subject):
    for more in ({"continuation": "x"}, {"max_new_tokens": 2}, {"at": 3}):
        with pytest.raises(whence.InputError):
            whence.explain(subject, asked(), **more)


def test_attention_leads_to_the_one_token_explained(subject):
    record = whence.explain(subject, asked(), target="France", method="raw_attention")
    other = whence.explain(subject, asked(), target="Italy", method="raw_attention")
    assert not (record.scores == other.scores).all()
    assert record.scores.sum(axis=1) == pytest.approx([1, 1])
    with pytest.raises(whence.UnsupportedError, match="read at no single token"):
        whence.explain(subject, asked(), target=Contrast("France", "Italy"), method="raw_attention")


def test_deleting_tokens_is_refused(subject):
    with pytest.raises(whence.UnsupportedError, match="take away or move the places"):
        whence.explain(subject, asked(), method=whence.methods.LeaveOneOut(strategy="delete"))


def test_a_model_that_answers_otherwise_is_refused():
    from transformers import BartConfig, BartForQuestionAnswering

    sizes = dict.fromkeys(("encoder_layers", "decoder_layers"), 1) | dict.fromkeys(
        ("encoder_attention_heads", "decoder_attention_heads"), 2
    )
    config = BartConfig(vocab_size=60, d_model=8, encoder_ffn_dim=8, decoder_ffn_dim=8, **sizes)
    with pytest.raises(whence.UnsupportedError, match="encoder-decoder"):
        whence.load((BartForQuestionAnswering(config), tiny.bert_tokenizer()))


def test_chances_add_up_over_the_tokens_and_not_the_padding():
    """Of a list of different lengths each is as it is alone."""
    subject = whence.load(tiny.bert_question_answering())
    asked = [{"question": "Who is in Rome?", "context": text} for text in ("Paris", "Paris is in France, not in Rome.")]
    together = whence.explain(subject, asked, target=whence.LogProb(), method="random")
    for one, found in zip(asked, together, strict=True):
        alone = whence.explain(subject, one, target=whence.LogProb(), method="random")
        assert [t.value for t in found.targets] == pytest.approx([t.value for t in alone.targets], rel=1e-9)
