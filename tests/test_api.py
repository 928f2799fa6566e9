"""The functions users call: what they return, and what they say to what they cannot take."""

import re
import subprocess
import sys
from dataclasses import dataclass
from typing import ClassVar

import jaxtyping
import numpy as np
import pytest
import torch

import tiny
import whence
from whence import InputError, UnknownNameError, UnsupportedError
from whence.methods.base import Cost, Explanation, Method
from whence.methods.values import target_values

PUBLIC = [
    "Agreement",
    "AttentionLayer",
    "Attentions",
    "Attribution",
    "CallError",
    "Comparison",
    "Contrast",
    "Curve",
    "Disagreement",
    "FakeSubject",
    "Finding",
    "Flow",
    "HeadVectors",
    "InputError",
    "Latents",
    "Leaderboard",
    "LoadError",
    "LogProb",
    "Logit",
    "Maximizers",
    "MissingExtraError",
    "NonFiniteError",
    "Prob",
    "Profile",
    "Profiles",
    "Reference",
    "Report",
    "Sample",
    "Suppress",
    "Scale",
    "Score",
    "Scores",
    "TargetError",
    "TargetValue",
    "Token",
    "Unit",
    "UnknownNameError",
    "UnsupportedError",
    "Verdict",
    "VocabularyProjection",
    "WhenceError",
    "WhenceWarning",
    "attentions",
    "available",
    "benchmark",
    "compare",
    "evaluate",
    "explain",
    "flow",
    "intervene",
    "latents",
    "load",
    "load_api",
    "maximizers",
    "methods",
    "metrics",
    "profiles",
    "relevance",
    "report",
    "validate",
    "vocabulary_projection",
]


def named(wrong):
    """A test's name for any object: the same in every process."""
    return re.sub(r" at 0x\w+", "", repr(wrong))


@dataclass(frozen=True)
class Length(Method):
    """Scores a word by its number of letters: the smallest method a user can write.

    >>> subject = whence.FakeSubject({"good": 2.0})
    >>> whence.explain(subject, "a good film", method=Length()).scores
    array([[1., 4., 4.]], dtype=float32)
    >>> whence.explain(subject, "a good film", method=Length(factor=-0.5)).scores
    array([[-0.5, -2. , -2. ]], dtype=float32)
    """

    factor: float = 1.0

    key: ClassVar[str] = "length"
    family: ClassVar[str] = "baseline"
    caveat: ClassVar[str] = "The length of a word says nothing about what the model did with it."

    def cost(self, tokens, rows):
        return Cost(1, 0)

    def _explain(self, subject, inputs, targets, run):
        values, readouts = target_values(subject, inputs, targets, run)
        lengths = [self.factor * np.array([[float(len(t.text)) for t in item.tokens]]) for item in inputs]
        return [
            Explanation(rows, np.repeat(scores, len(rows), 0), value.numpy(), None, Cost(1, 0))
            for rows, scores, value in zip(readouts, lengths, values, strict=True)
        ]


@dataclass(frozen=True)
class NeedsTime(Length):
    """A method that no subject can serve."""

    key: ClassVar[str] = "needs_time"
    needs: ClassVar[frozenset[str]] = frozenset({"time", "attention"})


@pytest.fixture
def fake():
    return whence.FakeSubject({"good": [-1.0, 2.0], "bad": [3.0, -2.0]}, labels=("no", "yes"))


@pytest.fixture(scope="module")
def llama():
    return whence.load(tiny.llama_lm())


@pytest.fixture
def as_users_run():
    """Types are not checked, as they are not outside of tests, so that it is our own errors that are seen."""
    before = jaxtyping.config.jaxtyping_disable
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", before)


def python(code):
    return subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False)


# ---------------------------------------------------------------------- names


def test_importing_loads_neither_torch_nor_transformers():
    heavy = ["torch", "transformers", "scipy", "pandas", "matplotlib", "typer"]
    found = python(
        f"import sys, whence; dir(whence), whence.__all__, whence.__version__, whence.methods\n"
        f"whence.Attribution, whence.Report, whence.WhenceError, dir(whence.methods), whence.available('methods')\n"
        f"print([name for name in {heavy} if name in sys.modules])"
    )
    assert (found.stdout.strip(), found.stderr) == ("[]", "")


def test_public_names_are_pinned():
    assert sorted(PUBLIC) == sorted(whence.__all__)
    assert dir(whence) == sorted([*PUBLIC, "__version__"])


def test_every_public_name_is_there_from_the_start():
    found = python(
        "import whence\n"
        "from whence import *\n"
        "for name in whence.__all__: assert eval(name) is getattr(whence, name), name"
    )
    assert found.stderr == ""


def test_a_name_that_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'explian'"):
        _ = whence.explian


def test_methods_is_a_namespace_of_every_registered_class():
    classes = [getattr(whence.methods, name) for name in dir(whence.methods) if name != "Method"]
    assert {cls.key for cls in classes} == set(whence.available("methods"))
    assert all(issubclass(cls, whence.methods.Method) for cls in classes)
    with pytest.raises(AttributeError, match=r"no 'Saliencey'\. It has: AHLN, AtMan, AttentionFlow, AttentionRollout"):
        _ = whence.methods.Saliencey


# ---------------------------------------------------------------------- one or many


@pytest.mark.parametrize("data", [["good film", "bad"], ("good film", "bad")], ids=["list", "tuple"])
def test_a_list_or_tuple_gives_a_list_and_one_text_one_record(fake, data):
    many = whence.explain(fake, data)
    assert isinstance(many, list)
    assert [record.text for record in many] == list(data)
    one = whence.explain(fake, data[0])
    assert isinstance(one, whence.Attribution)
    assert one.scores.tolist() == many[0].scores.tolist()
    assert isinstance(whence.explain(fake, data[:1]), list)


def test_a_comparison_of_a_list_is_a_list(fake):
    many = whence.compare(fake, ["good film here", "bad"], methods=["attnlrp", "random"])
    assert [record.attributions[0].text for record in many] == ["good film here", "bad"]
    assert isinstance(whence.compare(fake, "good", methods=["attnlrp"]), whence.Comparison)


def test_one_chat_is_one_text_and_a_list_of_chats_many(llama):
    chat = [{"role": "user", "content": "Why?"}]
    assert isinstance(whence.explain(llama, chat, method="random"), whence.Attribution)
    many = whence.explain(llama, [chat, chat], method="random")
    assert len(many) == 2
    assert many[0].tokens == many[1].tokens


def test_one_continuation_goes_for_all_and_a_list_one_each(llama):
    for_all = whence.explain(llama, ["Paris is", "Rome is"], continuation=" not", method="random")
    assert [[t.label for t in record.targets] for record in for_all] == [[" not"], [" not"]]
    each = whence.explain(llama, ["Paris is", "Rome is"], continuation=[" not", " in"], method="random")
    assert [[t.label for t in record.targets] for record in each] == [[" not"], [" in"]]
    ids = [for_all[0].targets[0].position, 300]
    by_ids = whence.explain(llama, ["Paris is", "Rome is"], continuation=ids, method="random")
    assert [len(record.targets) for record in by_ids] == [2, 2]


# ---------------------------------------------------------------------- data


@pytest.mark.parametrize("subject", ["fake", "llama"])
@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("", "empty text"),
        ([""], "empty text"),
        (["good", ""], "empty text"),
        ([], "list is empty"),
        ((), "list is empty"),
        (None, "Cannot explain input of type NoneType. Wanted: a text"),
        (5, "Cannot explain input of type int"),
        (b"good", "Cannot explain input of type bytes"),
        ({"role": "user", "content": "x"}, "Cannot explain input of type dict. Wanted: .*list of messages"),
        ({"good"}, "Cannot explain input of type set"),
        ([["good"]], "Cannot explain input of type list"),
        ([None], "Cannot explain input of type NoneType"),
        ((text for text in ["good"]), "Cannot explain input of type generator. Wanted: .*a list of either"),
        (np.array(["good"]), "Cannot explain input of type ndarray"),
    ],
    ids=named,
)
@pytest.mark.usefixtures("as_users_run")
def test_data_that_cannot_be_explained_is_refused(request, subject, data, message):
    with pytest.raises(InputError, match=message):
        whence.explain(request.getfixturevalue(subject), data)


def test_text_that_is_not_unicode_is_refused(llama):
    with pytest.raises(InputError):
        whence.explain(llama, "half a character: \ud83d")


# ---------------------------------------------------------------------- continuation, max_new_tokens


@pytest.mark.parametrize(
    "continuation",
    [
        "",
        pytest.param([]),
        *(
            pytest.param(wrong)
            for wrong in ([" in", " France"], 5, True, 1.5, [99_999], [99_999, 3], [-1], [1.5], [None])
        ),
    ],
    ids=repr,
)
@pytest.mark.usefixtures("as_users_run")
def test_a_continuation_that_cannot_be_one_is_refused(llama, continuation):
    with pytest.raises(InputError):
        whence.explain(llama, "Paris is", continuation=continuation, method="random")


@pytest.mark.parametrize("number", [0, -1])
def test_no_new_token_is_refused(llama, number):
    with pytest.raises(InputError, match=f"max_new_tokens must be a whole number of at least 1, got {number}"):
        whence.explain(llama, "Paris is", max_new_tokens=number)


@pytest.mark.parametrize("number", ["3", 1.5, True])
@pytest.mark.usefixtures("as_users_run")
def test_a_number_of_new_tokens_that_is_none_is_refused(llama, number):
    with pytest.raises(InputError):
        whence.explain(llama, "Paris is", max_new_tokens=number, method="random")


def test_a_continuation_and_new_tokens_are_too_much(llama):
    with pytest.raises(InputError, match="either a continuation or max_new_tokens"):
        whence.explain(llama, "Paris is", continuation=" in", max_new_tokens=2)


@pytest.mark.parametrize("continuations", [[" in"], [" in", " not", " a"]])
def test_another_number_of_continuations_than_texts_is_refused(llama, continuations):
    with pytest.raises(InputError, match=f"2 texts and {len(continuations)} continuations"):
        whence.explain(llama, ["Paris is", "Rome is"], continuation=continuations)


def test_a_classifier_has_no_continuation(fake):
    for options in ({"continuation": " x"}, {"max_new_tokens": 1}):
        with pytest.raises(InputError, match="no continuation"):
            whence.explain(fake, "good", **options)


# ---------------------------------------------------------------------- method


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("integrated-gradients", r"Unknown method 'integrated-gradients'\. Did you mean 'integrated_gradients'"),
        ("atnlrp", "Did you mean 'attnlrp'"),
        ("zzzz", r"Unknown method 'zzzz'\. Known: ah_ln, atman, attention_flow, attention_rollout"),
        ("", "Known: ah_ln"),
    ],
)
def test_an_unknown_method_is_refused_with_the_nearest(fake, name, message):
    with pytest.raises(UnknownNameError, match=message):
        whence.explain(fake, "good", method=name)
    with pytest.raises(UnknownNameError, match=message):
        whence.compare(fake, "good", methods=["attnlrp", name])


@pytest.mark.parametrize("wrong", [5, object, object(), ["attnlrp"]], ids=named)
@pytest.mark.usefixtures("as_users_run")
def test_what_is_no_method_is_refused(fake, wrong):
    with pytest.raises(InputError, match="method= takes a name or a method"):
        whence.explain(fake, "good", method=wrong)


@pytest.mark.usefixtures("as_users_run")
def test_a_method_class_stands_for_its_default(fake):
    by_class = whence.explain(fake, "good", method=whence.methods.LeaveOneOut)
    assert by_class.params == whence.explain(fake, "good", method="leave_one_out").params


@pytest.mark.usefixtures("as_users_run")
def test_an_abstract_method_is_refused(fake):
    with pytest.raises(InputError):
        whence.explain(fake, "good", method=whence.methods.Method)


def test_a_method_of_ones_own_needs_no_registration(fake):
    record = whence.explain(fake, ["a good film", "bad"], method=Length(factor=2.0))[0]
    assert record.scores.tolist() == [[2.0, 8.0, 8.0]]
    assert (record.method, record.params, record.residual) == ("length", {"factor": 2.0}, None)
    assert record.provenance["caveat"] == Length.caveat
    assert whence.Attribution.from_dict(record.to_dict()) == record
    compared = whence.compare(fake, "a good film", methods=["attnlrp", Length(), Length(factor=-1.0)])
    assert compared.labels == ("attnlrp", "length(factor=1.0)", "length(factor=-1.0)")
    assert compared.agreement("length(factor=1.0)", "length(factor=-1.0)").spearman == pytest.approx(-1.0)


def test_a_method_a_subject_cannot_serve_says_what_is_missing_and_which_can(fake):
    with pytest.raises(UnsupportedError, match=r"needs_time needs time, which fake does not offer\..*attnlrp, "):
        whence.explain(fake, "good", method=NeedsTime())
    fake.offers = frozenset()
    with pytest.raises(UnsupportedError) as raised:
        whence.explain(fake, "good", method="attnlrp")
    assert "attnlrp needs embeddings, which fake does not offer" in str(raised.value)
    named = str(raised.value).partition("Methods that can explain it: ")[2].rstrip(".").split(", ")
    assert {"leave_one_out", "sobol", "random"} <= set(named)
    assert not {"attnlrp", "integrated_gradients", "raw_attention"} & set(named)
    with pytest.raises(UnsupportedError, match="raw_attention needs attention"):
        whence.explain(fake, "good", method="raw_attention")
    assert whence.explain(fake, "good", method="leave_one_out").scores.tolist() == [[2.0]]


# ---------------------------------------------------------------------- seed, batch_size, device


def test_the_seed_feeds_chance_and_is_recorded(fake):
    zero, again, one = (whence.explain(fake, "good bad", method="random", seed=s) for s in (0, 0, 1))
    assert zero.scores.tolist() == again.scores.tolist()
    assert zero.scores.tolist() != one.scores.tolist()
    assert (zero.provenance["seed"], one.provenance["seed"]) == (0, 1)


@pytest.mark.parametrize("seed", [-1, 1.5, "a", None])
@pytest.mark.usefixtures("as_users_run")
def test_a_seed_that_cannot_be_one_is_refused(fake, seed):
    with pytest.raises(InputError, match="seed"):
        whence.explain(fake, "good", method="random", seed=seed)


@pytest.mark.parametrize("size", [0, -1, 1.5, "many", None])
@pytest.mark.usefixtures("as_users_run")
def test_a_batch_size_that_cannot_be_one_is_refused(fake, size):
    with pytest.raises(InputError, match="batch_size must be 'auto' or a whole number of at least 1"):
        whence.explain(fake, "good", batch_size=size)


def test_another_device_than_the_subjects_is_refused(fake):
    with pytest.raises(InputError, match=r"fake is on cpu.*whence.load\(..., device='cuda'\)"):
        whence.explain(fake, "good", device="cuda")
    assert whence.explain(fake, "good", device="cpu").scores.tolist() == [[2.0]]


@pytest.mark.usefixtures("as_users_run")
def test_a_device_may_be_torchs_own(fake):
    assert whence.explain(fake, "good", device=torch.device("cpu")).scores.tolist() == [[2.0]]


# ---------------------------------------------------------------------- compare and report


@pytest.mark.parametrize("methods", ["attnlrp", [], ()])
@pytest.mark.usefixtures("as_users_run")
def test_methods_to_compare_are_a_list(fake, methods):
    with pytest.raises(InputError, match="wants a list of methods"):
        whence.compare(fake, "good", methods=methods)


@pytest.mark.parametrize("k", [0, -3])
def test_a_top_of_none_cannot_be_compared(fake, k):
    with pytest.raises(InputError, match=f"k, a whole number of at least 1, got {k}"):
        whence.compare(fake, "good", k=k)


def test_what_is_compared_is_what_explain_returns(llama):
    methods = ["attnlrp", whence.methods.IntegratedGradients(steps=2), "leave_one_out"]
    compared = whence.compare(llama, "Paris is", methods=methods, continuation=" not in", target=whence.LogProb, seed=3)
    for record, method in zip(compared.attributions, methods, strict=True):
        alone = whence.explain(llama, "Paris is", method=method, continuation=" not in", target=whence.LogProb, seed=3)
        assert record.scores.tolist() == alone.scores.tolist()
        assert (record.tokens, record.targets, record.params) == (alone.tokens, alone.targets, alone.params)
    assert len(compared.agreements) == 3 * len(compared.attributions[0].targets)


def test_k_is_what_is_asked_for(fake):
    compared = whence.compare(fake, "good bad film here", methods=["attnlrp", "random"], k=2)
    assert compared.agreements[0].k == 2


def test_a_report_holds_its_records_in_order(fake):
    record = whence.explain(fake, "good")
    compared = whence.compare(fake, "good bad", methods=["attnlrp"])
    report = whence.report(record, compared, title="mine")
    assert (report.records, report.title) == ((record, compared), "mine")


@pytest.mark.usefixtures("as_users_run")
def test_a_report_of_something_else_is_refused(fake):
    record = whence.explain(fake, "good")
    with pytest.raises(InputError, match="at least one record"):
        whence.report()
    for wrong, name in (([record], "list"), ("text", "str"), (None, "NoneType"), (whence.report(record), "Report")):
        with pytest.raises(InputError, match=f"got {name}"):
            whence.report(record, wrong)


def test_of_a_list_the_item_that_cannot_be_explained_is_named(fake):
    with pytest.raises(InputError, match=r"Item 1 of the list: .*empty"):
        whence.explain(fake, ["good", "", "bad"])


def test_by_default_compare_leaves_out_what_cannot_serve():
    subject = whence.load(tiny.t5_seq2seq())
    subject.offers = frozenset({"embeddings"})
    with pytest.warns(whence.WhenceWarning, match="gae is left out of the comparison"):
        record = whence.compare(subject, "Paris is in France.")
    assert [a.method for a in record.attributions] == ["attnlrp", "deeplift", "leave_one_out"]
    with pytest.raises(whence.UnsupportedError, match="attention"):
        whence.compare(subject, "Paris is in France.", methods=["attnlrp", "attention_rollout"])
