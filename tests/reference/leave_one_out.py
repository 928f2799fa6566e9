"""Leave-one-out: what the model says without a token."""

import numpy as np
import torch


def leave_one_out(model, ids, value, replacement_id=None):
    """``score_i = f(x) - f(x without token i)``: T scores (Li, Monroe & Jurafsky 2016, eq. 1).

    The paper's equation also divides by the value and averages over examples; here it stays in the value's own unit.

    With a ``replacement_id`` token i becomes that id; with None it is deleted and the later tokens move up.

    ``value(logits, kept)`` gets the logits of a batch of one and ``kept``, the original indices of the tokens that were
    fed, in order — ``logits[0, j]`` stands where the original token ``kept[j]`` did. `at` makes the usual one.
    """
    ids = [int(i) for i in ids]
    everything = list(range(len(ids)))
    whole = _run(model, ids, value, everything)
    scores = np.zeros(len(ids))
    for i in everything:
        if replacement_id is None:
            kept = [j for j in everything if j != i]
            without = _run(model, [ids[j] for j in kept], value, kept)
        else:
            changed = [*ids[:i], int(replacement_id), *ids[i + 1 :]]
            without = _run(model, changed, value, everything)
        scores[i] = whole - without
    return scores


def at(position, token_id):
    """The logit of ``token_id`` read at the last fed token whose original index is ``position`` or earlier.

    So a token deleted before ``position`` shifts the reading with it, one deleted after it changes nothing, and when
    ``position`` itself is deleted the prediction is read from the token before.
    """

    def value(logits, kept):
        row = max(j for j, original in enumerate(kept) if original <= position)
        return logits[0, row, token_id]

    return value


def label(class_id):
    """The logit of a class of a classifier."""

    def value(logits, kept):
        return logits[0, class_id]

    return value


def _run(model, ids, value, kept):
    with torch.no_grad():
        return float(value(model(input_ids=torch.tensor([ids])).logits, kept))
