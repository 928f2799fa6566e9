"""A session puts the model in order and back: nested, after exceptions, from several threads."""

import threading

import pytest
import torch

import tiny
import whence


@pytest.fixture
def subject():
    """A model as in the middle of a training: one layer in evaluation mode, one parameter frozen."""
    model, tokenizer = tiny.llama_lm()
    model.train()
    model.model.layers[0].eval()
    model.model.layers[1].mlp.down_proj.weight.requires_grad_(False)
    return whence.load((model, tokenizer))


def state(subject):
    model = subject.model
    return [m.training for m in model.modules()], [p.requires_grad for p in model.parameters()]


def is_ready(subject):
    training, requires_grad = state(subject)
    return not any(training) and not any(requires_grad)


def test_inside_nothing_trains_and_outside_all_is_as_before(subject):
    before = state(subject)
    with subject.session():
        assert is_ready(subject)
    assert state(subject) == before


def test_nested_sessions_end_with_the_outer_one(subject):
    before = state(subject)
    with subject.session():
        with subject.session():
            assert is_ready(subject)
        assert is_ready(subject)
    assert state(subject) == before


def test_an_exception_ends_a_session(subject):
    before = state(subject)
    with pytest.raises(KeyError), subject.session(), subject.session():
        raise KeyError
    assert state(subject) == before


def test_parameters_keep_their_gradients(subject):
    subject.model(torch.tensor([[5, 6]])).logits.sum().backward()
    gradients = {n: p.grad.clone() for n, p in subject.model.named_parameters() if p.grad is not None}
    whence.explain(subject, "Paris is in")
    after = {n: p.grad for n, p in subject.model.named_parameters() if p.grad is not None}
    assert gradients.keys() == after.keys()
    assert all(torch.equal(gradients[name], after[name]) for name in gradients)


def overlapping(first, second):
    """Sessions of two threads: the one that opened first closes while the other is open. What the other then sees."""
    opened, overlaps = threading.Event(), threading.Event()

    def open_first():
        with first.session():
            opened.set()
            assert overlaps.wait(10)

    thread = threading.Thread(target=open_first)
    thread.start()
    assert opened.wait(10)
    with second.session():
        overlaps.set()
        thread.join()
        return is_ready(second)


def test_a_session_outlives_another_threads(subject):
    assert overlapping(subject, subject)


def test_a_session_outlives_that_of_another_subject_of_the_model(subject):
    assert overlapping(whence.load((subject.model, subject.tokenizer)), subject)


def test_overlapping_sessions_leave_the_model_as_before(subject):
    before = state(subject)
    overlapping(subject, subject)
    assert state(subject) == before


def test_threads_explain_one_subject_alike():
    subject = whence.load(tiny.llama_lm())
    subject.model.requires_grad_(False)
    expected = whence.explain(subject, "Paris is in").scores
    found = []
    threads = [
        threading.Thread(target=lambda: found.extend(whence.explain(subject, "Paris is in").scores for _ in range(3)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 12
    assert all((scores == expected).all() for scores in found)
