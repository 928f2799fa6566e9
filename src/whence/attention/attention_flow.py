"""Attention flow."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from whence.attention.attention_rollout import with_residual
from whence.attention.engine import AttentionMethod

_UNIT = 1e9
"""Capacities are whole numbers of one part in so many; a query's add up to it, and 32 bits hold twice that."""


@dataclass(frozen=True)
class AttentionFlow(AttentionMethod):
    """How much could flow from each token to the query through the network of all layers' attention weights.

    Formula: score_i = the maximum flow from (L, q) to (0, i) in the graph whose nodes are (layer, token) and whose
    edges from (l, j) to (l − 1, k) have the capacity A_l[j, k], A_l = ½ mean_h W_{l,h} + ½ I with rows normalised.
    Source: Abnar and Zuidema 2020, "Quantifying Attention Flow in Transformers", section 4. Their program also divides
    a target's scores by their sum, which is `share()` of the record here.
    Shapes and units: one score a token and target, in 0 to 1. Each token's flow is taken alone, so scores of a target
    do not add up to anything. Capacities are rounded to whole multiples of 1e-9; a flow may be off by half of that for
    each edge of the smallest cut.
    Cost: one forward pass, no backward pass; and for each token a query can see one maximum flow (Dinic's algorithm),
    on a CPU about 1 ms for 6 layers × 64 tokens and 30 ms for the 30 layers of SmolLM2 × 57 tokens.
    Errors: `UnsupportedError` where an attention kernel shows no weights.
    Does not claim: sign, relation to the output, or anything about what values and feed-forward layers carry. Any token
    that many paths lead to can fill the query, so scores often differ little.

    In an encoder–decoder every attention layer, cross-attention too, is one A_l over source and target tokens, and
    tokens it does not update stay themselves.

    >>> AttentionFlow().cost(tokens=10, rows=3)
    Cost(forwards=1, backwards=0)
    """

    key: ClassVar[str] = "attention_flow"
    caveat: ClassVar[str] = (
        "Attention flow says how much could pass from a token to the prediction if attention were pipes, not what did: "
        "it has no sign, ignores values and feed-forward layers, and is the same for every output at the same place."
    )

    def _receive(self, kept: list[Tensor], number: int, weights: Float[Tensor, "batch head token token"]) -> None:
        kept.append(with_residual(weights.mean(dim=1)))

    def _aggregate(
        self, kept: list[Tensor], layers: int, item: int, queries: Int[Tensor, " row"]
    ) -> Float[Tensor, "row token"]:
        capacities = torch.stack([one[item] for one in kept]).cpu().double().numpy()
        of_query = {query: maximum_flows(capacities, query) for query in set(queries.tolist())}
        return torch.from_numpy(np.stack([of_query[query] for query in queries.tolist()]))


def maximum_flows(capacities: Float[np.ndarray, "layer token token"], query: int) -> Float[np.ndarray, " token"]:
    """The maximum flow from the query behind the last layer to each token in front of the first.

    The graph has the nodes and edges that the query reaches.
    """
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import maximum_flow

    whole = np.rint(capacities * _UNIT).astype(np.int32)
    reached, behind, count = np.array([query]), 0, 1
    tails: list[np.ndarray] = []
    heads: list[np.ndarray] = []
    sizes: list[np.ndarray] = []
    for layer in whole[::-1]:
        j, i = np.nonzero(layer[reached])
        following, node = np.unique(i, return_inverse=True)
        tails.append(behind + j)
        heads.append(count + node)
        sizes.append(layer[reached[j], i])
        reached, behind, count = following, count, count + len(following)
    edges = np.concatenate(sizes), (np.concatenate(tails), np.concatenate(heads))
    graph = csr_array(edges, shape=(count, count))
    flows = np.zeros(capacities.shape[1])
    for place, token in enumerate(reached):
        flows[token] = maximum_flow(graph, 0, behind + place, method="dinic").flow_value / _UNIT
    return flows
