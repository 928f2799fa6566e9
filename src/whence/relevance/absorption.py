"""What biases, positions and token types absorb, by name.

A constant c that is added to what carries relevance takes the share c · g of it, g the gradient at the sum. To read it
off by the same backward pass, the constant is multiplied by a number that is 1, one for each item of the batch: the
gradient of that number is the share.
"""

from collections.abc import Iterator
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from whence.errors import WhenceError
from whence.relevance.call import Call
from whence.relevance.items import is_in_order, keep_order, set_in_order
from whence.relevance.liveness import is_live, set_constant
from whence.relevance.operations import BIAS, CHANNELS_FIRST, SUMS, SUMS_IN_PLACE, Function

_NAME = "_whence_name"
_ADDS = SUMS | SUMS_IN_PLACE
_ADDMMS = frozenset({torch.addmm, Tensor.addmm})
_CATS = frozenset({torch.cat, torch.concat, torch.concatenate, torch.stack})
_WHERES = frozenset({torch.where, Tensor.where})
_MASK = 3
"""The place of the additive mask among attention's arguments: relative positions are given there."""


class MixedItemsError(WhenceError):
    """The items of a batch do not lie one after the other where a constant is added: they have to be run alone."""


class Absorption:
    """The named constants of a model that relevance meets, and the numbers whose gradients are their shares.

    Constants are parameters, buffers and what is made of them. Shares are told apart by item where items lie one after
    the other in the first dimension; where they are not known to, `MixedItemsError` is raised.
    """

    def __init__(self, model: torch.nn.Module, items: int, like: Tensor) -> None:
        named = [*model.named_parameters(remove_duplicate=True), *model.named_buffers(remove_duplicate=True)]
        self._names = {id(tensor): name for name, tensor in named if tensor.is_floating_point()}
        self._items = items
        self._like = set_in_order(like)
        self.shares: dict[str, Tensor] = {}

    def remember(self, function: Function, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """From which of the model's tensors a constant was made, or whether the items of what is live are in order."""
        if isinstance(result, Tensor) and not is_live(result):
            self._name_result(function, result, args, kwargs)
        elif self._items > 1:
            keep_order(getattr(function, "__name__", ""), result, args, kwargs, self._items)

    def _name_result(self, function: Function, result: Tensor, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        if result.is_floating_point() and id(result) not in self._names:
            names = [name for name in map(self._name_of, _tensors((*args, *kwargs.values()))) if name]
            if names:
                setattr(result, _NAME, " + ".join(dict.fromkeys(names)) if function in _ADDS else names[0])

    def read(self, call: Call) -> Call:
        """The same call with the constants it adds made readable; a bias may be taken out, to be added after."""
        function, args, kwargs = call.function, call.args, call.kwargs
        if function in BIAS:
            return self._read_bias(call)
        if function in _ADDS:
            live = next((x for x in args[:2] if is_live(x)), None)
            if live is not None and len(args) > 1:
                args = (*(self._read(x, live) for x in args[:2]), *args[2:])
        elif function in _CATS and args and isinstance(args[0], list | tuple):
            live = next((x for x in args[0] if is_live(x)), args[0][0])
            args = ([self._read(x, live) for x in args[0]], *args[1:])
        elif function in _WHERES and len(args) == 3:
            live = next(x for x in args if is_live(x))
            args = tuple(self._read(x, live) for x in args)
        elif function is Tensor.__setitem__ and is_live(args[0]):
            args = (*args[:2], self._read(args[2], args[0], in_place=True))
        elif function is F.scaled_dot_product_attention:
            if len(args) > _MASK:
                args = (*args[:_MASK], self._read(args[_MASK], args[0]), *args[_MASK + 1 :])
            elif kwargs.get("attn_mask") is not None:
                kwargs = kwargs | {"attn_mask": self._read(kwargs["attn_mask"], (*args, kwargs.get("query"))[0])}
        return Call(function, args, kwargs)

    def _read_bias(self, call: Call) -> Call:
        function, args, kwargs = call.function, call.args, call.kwargs
        place = BIAS[function]
        key = "bias" if place else "input"
        bias = args[place] if len(args) > place else kwargs.get(key)
        x = args[0] if place else args[1]
        if not isinstance(bias, Tensor) or self._name_of(bias) is None or not is_live(x):
            return call
        if self._items == 1:
            read = self._read(bias, x)
            if len(args) > place:
                return Call(function, (*args[:place], read, *args[place + 1 :]), kwargs)
            return Call(function, args, kwargs | {key: read})
        if function in _ADDMMS:
            return call if kwargs else Call(torch.mm, args[1:3], {}, self._read(bias, x, bias[None]))
        channels = function in CHANNELS_FIRST
        shaped = bias.view(1, -1, *[1] * (x.ndim - 2)) if channels else bias.view(*[1] * (x.ndim - 1), -1)
        read = self._read(bias, x, shaped)
        if len(args) > place:
            return Call(function, (*args[:place], None, *args[place + 1 :]), kwargs, read)
        return Call(function, args, {name: value for name, value in kwargs.items() if name != key}, read)

    def _read(self, constant: Any, beside: Tensor, shaped: Tensor | None = None, *, in_place: bool = False) -> Any:
        """The constant times its share's number, as it is if it has no name."""
        name = None if is_live(constant) else self._name_of(constant)
        if name is None:
            return constant
        shaped = constant if shaped is None else shaped
        rows = len(beside)
        if self._items > 1 and (in_place or rows % self._items or not is_in_order(beside)):
            raise MixedItemsError(name)
        share = self.shares.get(name)
        if share is None:
            wide = torch.promote_types(self._like.dtype, torch.float32)
            share = torch.ones(self._items, dtype=wide, device=self._like.device, requires_grad=True)
            self.shares[name] = share
        factor = share.to(constant.device)
        if self._items > 1:
            ndim = max(shaped.ndim, beside.ndim)
            factor = factor.repeat_interleave(rows // self._items).view(-1, *[1] * (ndim - 1))
        read = (shaped.to(share.dtype) * factor).to(shaped.dtype)
        return set_constant(torch.where(torch.isinf(shaped), shaped, read))

    def _name_of(self, tensor: Any) -> str | None:
        if not isinstance(tensor, Tensor):
            return None
        return self._names.get(id(tensor)) or getattr(tensor, _NAME, None)


def _tensors(values: Any) -> Iterator[Tensor]:
    for value in values:
        if isinstance(value, Tensor):
            yield value
        elif isinstance(value, list | tuple):
            yield from _tensors(value)
