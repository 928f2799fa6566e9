"""Targets: the value explained is the number asked for, computed here from the model's own output."""

import warnings

import numpy as np
import pytest
import torch

import tiny
import whence
from whence import Contrast, Logit, LogProb, Prob, TargetError
from whence.methods.rows import read_values
from whence.targets import FunctionOfLogits, as_target, as_targets

PROMPT = "The film was"


def loaded(make, problem_type=None, labels=None):
    model, tokenizer = make()
    if labels is not None:
        model.config.num_labels = labels
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            model = type(model)(model.config).double().eval()
    model.config.problem_type = problem_type
    return whence.load((model, tokenizer))


SUBJECTS = {
    "gpt2": lambda: loaded(tiny.gpt2_lm),
    "llama": lambda: loaded(tiny.llama_lm),
    "bert": lambda: loaded(tiny.bert_classifier),
    "multi-label": lambda: loaded(tiny.bert_classifier, "multi_label_classification"),
    "regression": lambda: loaded(tiny.bert_classifier, labels=1),
}
_MADE = {}


def subject_of(name):
    if name not in _MADE:
        _MADE[name] = SUBJECTS[name]()
    return _MADE[name]


@pytest.fixture
def subject(request):
    return subject_of(request.param)


@pytest.fixture
def gpt2():
    return subject_of("gpt2")


@pytest.fixture
def fake():
    return whence.FakeSubject({"good": [-1.0, 2.0, 0.5], "bad": [3.0, -2.0, 0.0]}, labels=("no", "yes", "2"))


def logits_of(subject, text):
    """The logits of the last prediction, by a plain call of the model."""
    ids = torch.tensor([subject.encode(text).ids.tolist()])
    with torch.no_grad():
        logits = subject.model(ids).logits[0]
    return logits[-1] if logits.dim() == 2 else logits


def targets_of(subject, text=PROMPT, **options):
    return whence.explain(subject, text, method="raw_attention", **options).targets


def value_of(subject, target, **options):
    (found,) = targets_of(subject, target=target, **options)
    return found.value


def on(*names):
    return pytest.mark.parametrize("subject", names, indirect=True)


# ---------------------------------------------------------------------- values


@on("gpt2", "llama", "bert")
@pytest.mark.parametrize(
    ("kind", "unit", "expected"),
    [
        (Logit, "logit", lambda z, c: z[c]),
        (LogProb, "log-probability", lambda z, c: z[c] - torch.logsumexp(z, 0)),
        (Prob, "probability", lambda z, c: torch.exp(z[c]) / torch.exp(z).sum()),
    ],
    ids=["Logit", "LogProb", "Prob"],
)
def test_value_of_one_output(subject, kind, unit, expected):
    logits = logits_of(subject, PROMPT)
    for output in (0, 2, len(logits) - 1):
        (found,) = targets_of(subject, target=kind(output))
        assert found.value == pytest.approx(expected(logits, output).item(), rel=1e-9)
        assert found.unit == unit
        assert found.label == subject.output_label(output)


@on("gpt2", "llama", "bert", "multi-label")
def test_value_of_a_contrast(subject):
    logits = logits_of(subject, PROMPT)
    (found,) = targets_of(subject, target=Contrast(2, 1))
    assert found.value == pytest.approx((logits[2] - logits[1]).item(), rel=1e-9)
    assert found.unit == "logit difference"
    assert found.label == f"{subject.output_label(2)} − {subject.output_label(1)}"
    assert value_of(subject, Contrast(1, 2)) == pytest.approx(-found.value)


@on("gpt2", "llama", "bert", "multi-label", "regression")
@pytest.mark.parametrize("target", [None, Logit(), Logit])
def test_the_default_is_the_largest_logit(subject, target):
    logits = logits_of(subject, PROMPT)
    (found,) = targets_of(subject, target=target)
    assert found.label == subject.output_label(int(logits.argmax()))
    assert found.value == pytest.approx(logits.max().item(), rel=1e-9)


@on("multi-label")
def test_probabilities_of_several_labels_at_once_are_sigmoids(subject):
    logits = logits_of(subject, PROMPT)
    for c in range(3):
        assert value_of(subject, Prob(c)) == pytest.approx(torch.sigmoid(logits[c]).item(), rel=1e-9)
        assert value_of(subject, LogProb(c)) == pytest.approx(torch.sigmoid(logits[c]).log().item(), rel=1e-9)


@on("regression")
def test_a_regression_has_its_output_and_no_probability(subject):
    assert value_of(subject, None) == pytest.approx(logits_of(subject, PROMPT)[0].item(), rel=1e-9)
    for target in (Prob(), LogProb(), Prob(0), LogProb):
        with pytest.raises(TargetError, match=r"regression.*no probability.*target=Logit\(\)"):
            targets_of(subject, target=target)


def test_one_label_that_is_a_yes_or_no_has_a_probability():
    subject = loaded(tiny.bert_classifier, "multi_label_classification", labels=1)
    expected = torch.sigmoid(logits_of(subject, PROMPT)[0]).item()
    assert value_of(subject, Prob()) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(("kind", "unit"), [(LogProb, "log-probability"), (Prob, "probability"), (Logit, "logit")])
def test_a_target_class_stands_for_the_prediction_in_its_unit(gpt2, kind, unit):
    assert as_target(kind) == kind()
    (found,) = targets_of(gpt2, target=kind)
    assert found.unit == unit
    assert found == targets_of(gpt2, target=kind())[0]


def test_extreme_logits_keep_their_log_probability():
    logits = torch.tensor([1000.0, 0.0, -1000.0], dtype=torch.float64)
    subject = whence.FakeSubject({"word": logits.tolist()}, labels=("a", "b", "c"))
    found = whence.explain(subject, "word", target=[LogProb("a"), LogProb("c")], method="random").targets
    assert [target.value for target in found] == [0.0, -2000.0]


# ---------------------------------------------------------------------- names of outputs


@on("gpt2", "llama")
def test_a_string_is_the_token_it_is_after_the_prompt(subject):
    token = next(i for i in range(len(subject.tokenizer)) if subject.tokenizer.decode([i]) == " is")
    for target in (" is", Logit(" is"), token, Logit(token)):
        (found,) = targets_of(subject, target=target)
        assert found.label == " is"
        assert found.value == pytest.approx(logits_of(subject, PROMPT)[token].item(), rel=1e-9)


def test_a_string_of_several_tokens_is_refused_with_its_tokens(gpt2):
    ids = gpt2.tokenizer(" Tower", add_special_tokens=False)["input_ids"]
    assert len(ids) > 1
    with pytest.raises(TargetError) as raised:
        targets_of(gpt2, target=" Tower")
    message = str(raised.value)
    assert f"' Tower' is {len(ids)} tokens" in message
    for i in ids:
        assert repr(gpt2.tokenizer.decode([i])) in message
    assert "continuation=' Tower'" in message


@pytest.mark.parametrize("wrong", [99_999, -1, 361])
def test_a_token_id_out_of_range_is_refused(gpt2, wrong):
    last = len(logits_of(gpt2, PROMPT)) - 1
    with pytest.raises(TargetError, match=rf"Token id {wrong} is not in the vocabulary \(0 to {last}\)"):
        targets_of(gpt2, target=wrong)


@on("bert")
def test_a_class_is_its_label_or_its_index(subject):
    by_label, by_index = targets_of(subject, target=["good", 2])
    assert by_label == by_index
    assert by_label.value == pytest.approx(logits_of(subject, PROMPT)[2].item(), rel=1e-9)


@on("bert")
@pytest.mark.parametrize("wrong", ["Good", "goo", "", 3, -1])
def test_a_class_that_does_not_exist_is_refused_with_those_that_do(subject, wrong):
    with pytest.raises(TargetError) as raised:
        targets_of(subject, target=wrong)
    assert repr(wrong) in str(raised.value)
    for i, label in enumerate(tiny.LABELS):
        assert f"{label!r} ({i})" in str(raised.value)


def test_a_label_that_looks_like_an_index_is_a_label(fake):
    assert whence.explain(fake, "good", target="2").targets[0].value == 0.5


@pytest.mark.parametrize("target", [True, False, 1.0, np.float32(1), b"good", {"good"}, object(), [[]], [None, True]])
def test_what_is_not_a_target_is_refused_with_what_is(fake, target):
    with pytest.raises(TargetError, match=r"Wanted: a token or label, Logit.*Contrast\(a, b\), a function"):
        whence.explain(fake, "good", target=target)


@pytest.mark.parametrize("target", [Logit(True), Prob(False), Contrast(True, False)], ids=repr)
def test_a_bool_inside_a_target_is_refused(fake, target):
    with pytest.raises(TargetError):
        whence.explain(fake, "good", target=target)


@pytest.mark.parametrize("pair", [("yes", "yes"), ("yes", 1), (1, 1)])
def test_a_contrast_of_an_output_with_itself_is_refused(fake, pair):
    with pytest.raises(TargetError, match="names one output twice"):
        whence.explain(fake, "good", target=Contrast(*pair))


# ---------------------------------------------------------------------- several targets, continuations


def test_a_list_gives_a_row_each_in_order(gpt2):
    wanted = [5, LogProb(7), Contrast(7, 5), lambda logits: logits[:3].sum()]
    found = whence.explain(gpt2, PROMPT, target=wanted, method="input_x_gradient")
    assert found.scores.shape[0] == 4
    for row, target in enumerate(wanted):
        alone = whence.explain(gpt2, PROMPT, target=target, method="input_x_gradient")
        assert found.targets[row] == alone.targets[0]
        np.testing.assert_allclose(found.scores[row], alone.scores[0], rtol=1e-6, atol=1e-7)


def test_an_empty_list_is_refused(fake):
    with pytest.raises(TargetError, match="list of targets is empty"):
        whence.explain(fake, "good", target=[])


def test_continuation_rows_are_slots_in_order_with_a_slots_targets_together(gpt2):
    found = targets_of(gpt2, continuation=" good food", target=[Logit, LogProb])
    slots = gpt2.encode(PROMPT, continuation=" good food").slots
    assert len(slots) > 1
    assert [t.position for t in found] == [s.position for s in slots for _ in range(2)]
    assert [t.label for t in found] == [gpt2.output_label(s.actual) for s in slots for _ in range(2)]
    assert [t.unit for t in found] == ["logit", "log-probability"] * len(slots)


def test_log_probabilities_of_a_continuation_are_the_models_own(gpt2):
    found = targets_of(gpt2, continuation=" good food", target=LogProb)
    inputs = gpt2.encode(PROMPT, continuation=" good food")
    with torch.no_grad():
        log = torch.log_softmax(gpt2.model(torch.tensor([inputs.ids.tolist()])).logits[0], dim=-1)
    for target, slot in zip(found, inputs.slots, strict=True):
        assert target.value == pytest.approx(log[slot.index, slot.actual].item(), rel=1e-9)


@pytest.mark.parametrize("target", [" good", 5, Logit(" good"), LogProb(5), Prob(" good"), [LogProb, " good"]])
def test_a_token_and_a_continuation_are_too_much(gpt2, target):
    with pytest.raises(TargetError, match="With a continuation each of its tokens is explained"):
        targets_of(gpt2, continuation=" food", target=target)
    with pytest.raises(TargetError, match="With a continuation"):
        targets_of(gpt2, max_new_tokens=2, target=target)


def test_a_contrast_or_function_is_read_at_each_token_of_a_continuation(gpt2):
    found = targets_of(gpt2, continuation=" good food", target=[Contrast(5, 7), lambda z: z[5] - z[7]])
    assert len(found) > 2
    for contrast, function in zip(found[::2], found[1::2], strict=True):
        assert contrast.value == pytest.approx(function.value, rel=1e-9)
        assert contrast.position == function.position
    assert len({target.value for target in found[::2]}) == len(found[::2])


# ---------------------------------------------------------------------- functions of the logits


def test_a_function_gets_the_logits_of_one_prediction(gpt2):
    shapes = []

    def entropy(logits):
        shapes.append(tuple(logits.shape))
        p = torch.softmax(logits, dim=-1)
        return -(p * p.log()).sum()

    (found,) = targets_of(gpt2, target=entropy)
    p = torch.softmax(logits_of(gpt2, PROMPT), dim=-1)
    assert set(shapes) == {(len(p),)}
    assert found.value == pytest.approx(-(p * p.log()).sum().item(), rel=1e-9)
    assert (found.label, found.unit) == ("entropy(logits)", "function value")


def test_a_functions_label_and_unit_can_be_given(fake):
    target = FunctionOfLogits(lambda z: z[1], label="margin", unit="nats")
    found = whence.explain(fake, "good bad", target=target)
    assert (found.targets[0].label, found.unit) == ("margin", "nats")
    assert found.scores.tolist() == [[2.0, -2.0]]
    assert as_targets(lambda z: z[1])[0].label == "f(logits)"


def test_a_function_gives_the_scores_of_what_it_computes(fake):
    by_function = whence.explain(fake, "good bad", target=lambda z: z[1:2] - z[0])
    assert by_function.scores.tolist() == whence.explain(fake, "good bad", target=Contrast(1, 0)).scores.tolist()


@pytest.mark.parametrize(
    ("function", "got"),
    [
        (lambda z: z, r"shape \(3,\)"),
        (lambda z: z[:0], r"shape \(0,\)"),
        (lambda z: float(z[0]), "float"),
        (lambda z: None, "NoneType"),
        (lambda z: z[0].numpy(), "(ndarray|float64)"),
        (lambda z: (z[0],), "tuple"),
    ],
)
def test_a_function_that_returns_no_number_is_refused(fake, function, got):
    with pytest.raises(TargetError, match=f"must return one number as a tensor, got {got}"):
        whence.explain(fake, "good", target=function)


def test_a_function_that_fails_is_refused_with_its_error_and_the_shape(fake):
    with pytest.raises(TargetError, match=r"shape \(3,\): IndexError") as raised:
        whence.explain(fake, "good", target=lambda z: z[9])
    assert isinstance(raised.value.__cause__, IndexError)


def test_a_function_that_gives_nan_is_refused(fake):
    with pytest.raises(whence.NonFiniteError):
        whence.explain(fake, "good", target=lambda z: z[0] * float("nan"), method="leave_one_out")


@pytest.mark.parametrize("method", ["attnlrp", "input_x_gradient", "integrated_gradients"])
@pytest.mark.parametrize("function", [lambda z: z.argmax(), lambda z: z[0].detach()], ids=["argmax", "detached"])
def test_a_function_without_gradient_is_refused_where_one_is_needed(fake, method, function):
    with pytest.raises(TargetError, match=r"gradient|differentiable"):
        whence.explain(fake, "good", target=function, method=method)


def test_a_function_without_gradient_will_do_where_none_is_needed(fake):
    found = whence.explain(fake, "good bad", target=lambda z: z[1].detach(), method="leave_one_out")
    assert found.scores.tolist() == [[2.0, -2.0]]


def test_a_function_cannot_change_other_targets(fake):
    found = whence.explain(fake, "good", target=[lambda z: z.mul_(2)[0], Logit(1)], method="leave_one_out")
    assert [target.value for target in found.targets] == [-2.0, 2.0]


# ---------------------------------------------------------------------- a missing leading space


def favour(subject, text):
    """A subject whose model finds the token `text` most likely, whatever it reads."""
    model, tokenizer = subject
    token = next(i for i in range(len(tokenizer)) if tokenizer.decode([i]) == text)
    head = torch.nn.Linear(model.config.n_embd, len(tokenizer)).double()
    with torch.no_grad():
        head.weight.zero_()
        head.bias.zero_()
        head.bias[token] = 5.0
    model.lm_head = head
    return whence.load((model, tokenizer))


def test_a_missing_leading_space_is_pointed_out():
    subject = favour(tiny.gpt2_lm(), " is")
    with pytest.warns(whence.WhenceWarning, match="write target=' is'"):
        (found,) = targets_of(subject, target="is")
    assert found.label == "is"


@pytest.mark.parametrize(("favoured", "target"), [(" is", " is"), ("is", "is"), ("in", "is"), (" in", "is")])
def test_nothing_is_pointed_out_where_nothing_is_missing(favoured, target):
    subject = favour(tiny.gpt2_lm(), favoured)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        targets_of(subject, target=target)


@on("bert")
def test_class_labels_miss_no_space(subject):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        targets_of(subject, target="bad")


def test_readouts_of_short_items_are_filled_up_with_zeros(fake):
    from whence.targets import resolve_all

    items = [fake.encode("good"), fake.encode("bad good")]
    logits = fake.logits(fake.collate(items))
    readouts = [
        resolve_all(fake, items[0], as_targets([0, 1]), logits[0]),
        resolve_all(fake, items[1], as_targets(1), logits[1]),
    ]
    assert read_values(logits, readouts).tolist() == [[-1.0, 2.0], [0.0, 0.0]]


def test_a_target_that_is_not_unicode_is_refused():
    with pytest.raises(whence.TargetError, match="not valid Unicode"):
        whence.explain(tiny.llama_lm(), "Paris", target="a\ud800")


def test_a_target_that_the_vocabulary_lacks_is_refused():
    subject = whence.load(tiny.bert_masked_lm())
    with pytest.raises(whence.TargetError, match=r"no token for the target '漢'"):
        whence.explain(subject, "Paris is [MASK].", target="漢")
    assert whence.explain(subject, "Paris is [MASK].", target="[UNK]").targets[0].label == "[UNK]"
