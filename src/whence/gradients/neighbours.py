"""The tokens whose embeddings are nearest to a point of embedding space."""

from collections.abc import Iterator
from weakref import WeakKeyDictionary

import torch
from jaxtyping import Float, Int
from torch import Tensor

from whence.subjects.subject import Lookup, Subject

_ROWS_AT_ONCE = 8192
"""Rows of an embedding table held at a time."""
_POINTS_AT_ONCE = 16
"""Points in one matrix product: always as many, so that rounding is the same whatever else is asked for."""

_known: WeakKeyDictionary[Subject, dict[tuple[int, int], tuple[Tensor, dict[int, Tensor]]]] = WeakKeyDictionary()
"""By subject, and by table and number of neighbours: the norms of the table's rows, by which a change of the table is
noticed, and the neighbours of tokens asked for before."""


class Neighbours:
    """The plain tokens of one embedding table, and which of them are near."""

    def __init__(self, subject: Subject, number: int, table: Lookup, count: int) -> None:
        self._table = table
        self._ids = torch.as_tensor(subject.plain_ids, device=subject.device)
        self.count = min(count, len(self._ids))
        self._norms = torch.cat([rows.square().sum(dim=-1) for rows in self._rows()])
        kept = _known.setdefault(subject, {})
        if (number, count) not in kept or not torch.equal(kept[number, count][0], self._norms):
            kept[number, count] = self._norms, {}
        self._of_token = kept[number, count][1]

    def embeddings(self, ids: Int[Tensor, "..."]) -> Float[Tensor, "... hidden"]:
        """The embeddings of tokens."""
        return _wide(self._table(ids.reshape(1, -1))[0]).reshape(*ids.shape, -1)

    def of_tokens(self, ids: Int[Tensor, " point"]) -> Int[Tensor, "point neighbour"]:
        """The tokens nearest to each of these, nearest first, themselves left out; found once and remembered."""
        new = [i for i in dict.fromkeys(ids.tolist()) if i not in self._of_token]
        if new:
            own = torch.tensor(new, device=ids.device)
            found = self.of_points(self.embeddings(own), self.count + 1)
            for i, near in zip(new, found, strict=True):
                self._of_token[i] = near[near != i][: self.count]
        width = min(len(self._of_token[i]) for i in ids.tolist())
        return torch.stack([self._of_token[i][:width] for i in ids.tolist()])

    def of_points(
        self, points: Float[Tensor, "point hidden"], count: int | None = None
    ) -> Int[Tensor, "point neighbour"]:
        """The tokens nearest to each point by Euclidean distance, nearest first."""
        count = min(self.count if count is None else count, len(self._ids))
        missing = -len(points) % _POINTS_AT_ONCE
        asked = torch.nn.functional.pad(points, (0, 0, 0, missing)).split(_POINTS_AT_ONCE)
        best = [points.new_full((_POINTS_AT_ONCE, 0), 0.0) for _ in asked]
        near = [self._ids.new_zeros((_POINTS_AT_ONCE, 0)) for _ in asked]
        first = 0
        for rows in self._rows():
            part = slice(first, first + len(rows))
            first += len(rows)
            for g, some in enumerate(asked):
                distances = torch.cat([best[g], self._norms[part] - 2 * some @ rows.T], dim=1)
                ids = torch.cat([near[g], self._ids[part].expand(_POINTS_AT_ONCE, -1)], dim=1)
                best[g], places = distances.topk(min(count, distances.shape[1]), largest=False)
                near[g] = ids.gather(1, places)
        return torch.cat(near)[: len(points)]

    def _rows(self) -> Iterator[Float[Tensor, "row hidden"]]:
        for some in self._ids.split(_ROWS_AT_ONCE):
            yield _wide(self._table(some[None])[0])


def _wide(embeds: Tensor) -> Tensor:
    return embeds.to(torch.promote_types(embeds.dtype, torch.float32))
