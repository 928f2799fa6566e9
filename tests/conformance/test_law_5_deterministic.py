"""Law 5: the same seed gives the same scores, and the seed is on record."""

import numpy as np
import torch

import whence


def test_same_seed_same_scores(method, case, subject, texts):
    first, second = (whence.explain(subject, texts[1], method=method, seed=7) for _ in range(2))
    assert np.array_equal(first.scores, second.scores)
    assert first.provenance["seed"] == 7


def test_the_global_random_state_is_neither_used_nor_changed(method, case, subject, texts):
    torch.manual_seed(1)
    np.random.seed(1)
    before = torch.get_rng_state(), np.random.get_state()[1].tolist()
    first = whence.explain(subject, texts[1], method=method)
    assert torch.equal(before[0], torch.get_rng_state())
    assert before[1] == np.random.get_state()[1].tolist()
    torch.manual_seed(2)
    assert np.array_equal(first.scores, whence.explain(subject, texts[1], method=method).scores)


def test_random_scores_follow_the_seed(case, subject, texts):
    one, other = (whence.explain(subject, texts[1], method="random", seed=seed) for seed in (0, 1))
    assert not np.array_equal(one.scores, other.scores)
