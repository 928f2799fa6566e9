"""How work is cut into batches, what happens when memory runs out, and who sees the progress."""

import itertools
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import tiny
import whence
from whence import InputError
from whence.methods import run as run_module
from whence.methods.run import Run

TEXTS = ["Paris is in France.", "The film was good", "I did not like the quick brown fox at all."]
lengths = st.lists(st.integers(1, 700), max_size=40)
limits = st.none() | st.integers(1, 8)


class Limited(whence.FakeSubject):
    """A subject that takes only so much at once, on any device."""

    def __init__(self, max_batch=None, equal_lengths=False, device="cpu"):
        super().__init__({})
        self.max_batch, self.equal_lengths, self._device = max_batch, equal_lengths, torch.device(device)

    @property
    def device(self):
        return self._device


def batches_of(units, subject=None, **options):
    """The batches of lengths that a run makes of units that are their own length."""
    found = []
    Run(**options).in_batches(subject or Limited(), units, lambda n: n, lambda batch: found.append(list(batch)))
    return found


# ---------------------------------------------------------------------- batches


@settings(deadline=None, derandomize=True, database=None)
@given(lengths, st.just("auto") | st.integers(1, 9), limits, st.booleans())
def test_every_unit_is_run_once_within_every_limit(units, batch_size, max_batch, equal):
    found = batches_of(units, Limited(max_batch, equal), batch_size=batch_size)
    assert list(itertools.chain.from_iterable(found)) == sorted(units)
    for batch in found:
        assert len(batch) <= (max_batch or len(units))
        assert len(set(batch)) == 1 or not equal
        if batch_size == "auto":
            assert len(batch) == 1 or max(batch) * len(batch) <= 512
        else:
            assert len(batch) <= batch_size


@settings(deadline=None, derandomize=True, database=None)
@given(lengths)
def test_a_batch_takes_all_that_fit(units):
    found = batches_of(units)
    for batch, following in itertools.pairwise(found):
        assert following[0] * (len(batch) + 1) > 512


def test_a_number_is_a_number_of_sequences():
    assert batches_of([5, 3, 4, 1, 2], batch_size=2) == [[1, 2], [3, 4], [5]]
    assert batches_of([900, 900], batch_size=2) == [[900, 900]]


def test_a_sequence_longer_than_the_budget_runs_alone():
    assert batches_of([600, 600]) == [[600], [600]]


def test_an_accelerator_takes_more():
    assert len(batches_of([512] * 32, Limited(device="cuda"))) == 1
    assert len(batches_of([512] * 33, Limited(device="cuda"))) == 2


def test_equal_lengths_are_batched_by_length():
    assert batches_of([2, 1, 2, 3, 1], Limited(equal_lengths=True)) == [[1, 1], [2, 2], [3]]


def test_units_of_one_length_keep_their_order():
    found = []
    Run(batch_size=2).in_batches(Limited(), "dcab", lambda unit: 1, found.extend)
    assert found == list("dcab")


def test_nothing_to_do_is_done():
    assert batches_of([]) == []


@pytest.mark.parametrize("size", [0, -1, "many"])
def test_a_batch_size_that_is_none_is_refused(size):
    with pytest.raises(InputError, match="'auto' or a whole number of at least 1"):
        Run(batch_size=size)


# ---------------------------------------------------------------------- out of memory


class Memory:
    """Work that runs out of memory above a number of units; it remembers what it was asked for and what it did."""

    def __init__(self, holds, error=None):
        self.holds, self.asked, self.done = holds, [], []
        self.error = error or torch.OutOfMemoryError("CUDA out of memory")

    def __call__(self, batch):
        self.asked.append(len(batch))
        if len(batch) > self.holds:
            raise self.error
        self.done.extend(batch)


@pytest.mark.parametrize("holds", [1, 2, 3, 5, 7])
@pytest.mark.parametrize("batch_size", ["auto", 6, 100])
@pytest.mark.parametrize(
    "error",
    [
        None,
        RuntimeError(
            "[enforce fail at alloc_cpu.cpp:118] err == 0. DefaultCPUAllocator: can't allocate memory: you tried"
        ),
    ],
    ids=["cuda", "cpu"],
)
def test_a_batch_that_does_not_fit_is_run_in_parts(holds, batch_size, error):
    memory = Memory(holds, error)
    units = list(range(1, 21))
    Run(batch_size=batch_size).in_batches(Limited(), units, lambda n: n, memory)
    assert memory.done == units


def test_what_did_not_fit_is_halved_and_not_tried_again():
    memory = Memory(2)
    Run().in_batches(Limited(), [10] * 16, lambda n: n, memory)
    assert memory.asked == [16, 8, 4, 2, 2, 2, 2, 2, 2, 2, 2]


def test_one_unit_that_does_not_fit_is_an_error():
    memory = Memory(0)
    with pytest.raises(torch.OutOfMemoryError, match="CUDA out of memory"):
        Run().in_batches(Limited(), [1, 1, 1, 1], lambda n: n, memory)
    assert memory.asked == [4, 2, 1]


@pytest.mark.parametrize("error", [RuntimeError("expected scalar type Float"), MemoryError("host"), KeyError("memory")])
def test_a_genuine_error_is_not_swallowed(error):
    memory = Memory(1, error)
    with pytest.raises(type(error)):
        Run().in_batches(Limited(), [1, 1], lambda n: n, memory)
    assert memory.asked == [2]


@pytest.fixture(scope="module")
def lm():
    return whence.load(tiny.gpt2_lm())


def quick(key):
    """The method by its name, integrated gradients with few steps, exact Shapley values of few features."""
    made = {
        "integrated_gradients": lambda: whence.methods.IntegratedGradients(steps=3),
        "exact_shapley": lambda: whence.methods.ExactShapley(features="sentence"),
    }
    return made[key]() if key in made else key


@pytest.mark.parametrize("method", whence.available("methods"))
def test_scores_are_the_same_after_the_forward_pass_ran_out_of_memory(method, lm, monkeypatch):
    expected = whence.explain(lm, TEXTS, method=quick(method))
    logits, refused = lm.logits, []

    def scarce(batch):
        if len(batch) > 1:
            refused.append(len(batch))
            raise torch.OutOfMemoryError("CUDA out of memory")
        return logits(batch)

    monkeypatch.setattr(lm, "logits", scarce)
    found = whence.explain(lm, TEXTS, method=quick(method))
    assert refused or method == "value_zeroing"  # which runs inputs one by one, and blocks alone in batches
    for record, wanted in zip(found, expected, strict=True):
        np.testing.assert_allclose(record.scores, wanted.scores, rtol=1e-6, atol=1e-8)
        assert record.provenance["forwards"] == wanted.provenance["forwards"]


@pytest.mark.parametrize("method", ["attnlrp", "input_x_gradient", "integrated_gradients"])
@pytest.mark.parametrize("failing", [1, 2], ids=["first rows", "later rows"])
def test_scores_are_the_same_after_the_backward_pass_ran_out_of_memory(method, failing, lm, monkeypatch):
    from whence.methods import rows

    monkeypatch.setattr(rows, "_TOKENS_AT_ONCE", 1)
    expected = whence.explain(lm, TEXTS, method=quick(method), target=[3, 4, 5])
    grad, calls = torch.autograd.grad, []

    def scarce(*args, **options):
        calls.append(args)
        if len(calls) == failing:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return grad(*args, **options)

    monkeypatch.setattr(torch.autograd, "grad", scarce)
    found = whence.explain(lm, TEXTS, method=quick(method), target=[3, 4, 5])
    for record, wanted in zip(found, expected, strict=True):
        np.testing.assert_allclose(record.scores, wanted.scores, rtol=1e-6, atol=1e-8)
        for count in ("forwards", "backwards"):
            assert record.provenance[count] == wanted.provenance[count]


# ---------------------------------------------------------------------- progress


@pytest.fixture
def clock(monkeypatch):
    """A clock that only moves when told to."""
    now = SimpleNamespace(seconds=0.0)
    monkeypatch.setattr(run_module, "time", SimpleNamespace(monotonic=lambda: now.seconds))
    return now


def work_for(clock, seconds, **options):
    """Five batches that take this long each."""

    def work(batch):
        clock.seconds += seconds

    Run(batch_size=1, **options).in_batches(Limited(), [1] * 5, lambda n: n, work, "leave_one_out")


@pytest.fixture
def terminal(monkeypatch):
    """Standard error, taken for a terminal; `terminal.there = False` takes it for a file."""
    stderr = SimpleNamespace(there=True)
    stderr.isatty = lambda: stderr.there
    monkeypatch.setattr(run_module, "sys", SimpleNamespace(stderr=stderr))
    monkeypatch.setenv("FORCE_COLOR", "1")
    return stderr


@pytest.mark.usefixtures("terminal")
def test_a_bar_appears_on_standard_error_after_two_seconds(clock, capsys):
    work_for(clock, 1.0, progress=True)
    printed = capsys.readouterr()
    assert "leave_one_out" in printed.err
    assert printed.out == ""


def test_a_bar_that_is_asked_for_is_written_to_a_file_too(clock, capsys):
    work_for(clock, 1.0, progress=True)
    assert "leave_one_out" in capsys.readouterr().err


@pytest.mark.usefixtures("terminal")
@pytest.mark.parametrize("seconds", [0.0, 0.4, 0.5])
def test_no_bar_for_work_that_does_not_last(clock, capsys, seconds):
    work_for(clock, seconds, progress=True)
    assert capsys.readouterr() == ("", "")


@pytest.mark.usefixtures("terminal")
def test_no_bar_where_none_is_wanted(clock, capsys):
    work_for(clock, 100.0, progress=False)
    assert capsys.readouterr() == ("", "")


def test_by_default_a_bar_is_for_terminals(clock, capsys, terminal):
    work_for(clock, 100.0)
    assert "leave_one_out" in capsys.readouterr().err
    terminal.there = False
    work_for(clock, 100.0)
    assert capsys.readouterr() == ("", "")


@pytest.mark.usefixtures("terminal")
def test_work_that_is_done_when_two_seconds_are_over_needs_no_bar(clock, capsys):
    Run(progress=True).in_batches(Limited(), [1], lambda n: n, lambda _: setattr(clock, "seconds", 9.0), "label")
    assert capsys.readouterr() == ("", "")


def test_the_bar_is_taken_away_after_an_error(clock, monkeypatch):
    stopped = []
    monkeypatch.setattr("rich.progress.Progress.stop", lambda self: stopped.append(self))
    monkeypatch.setattr("rich.progress.Progress.start", lambda self: None)

    def work(batch):
        if clock.seconds > 5:
            raise ValueError("stop")
        clock.seconds += 3.0

    with pytest.raises(ValueError, match="stop"):
        Run(batch_size=1, progress=True).in_batches(Limited(), [1] * 5, lambda n: n, work, "label")
    assert len(stopped) == 1
