"""A model's blocks, run again one by one on what they were given in a forward pass."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from jaxtyping import Float
from torch import Tensor, nn

from whence.errors import UnsupportedError
from whence.methods.model_map import Block
from whence.methods.probe import hidden_of
from whence.subjects.failures import is_out_of_memory


@dataclass(frozen=True, eq=False)
class BlockRun:
    """What one block was given and gave back, of one input, and the numbers of the attentions computed in it."""

    module: nn.Module
    name: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    output: Float[Tensor, "1 token hidden"]
    attentions: range

    def again(self, times: int) -> Float[Tensor, "row token hidden"]:
        """What the block gives back on that many copies of its input; `UnsupportedError` if it cannot be run alone."""
        try:
            args, kwargs = _repeated(self.args, times), _repeated(self.kwargs, times)
            hidden = hidden_of(self.module(*args, **kwargs))
        except (RuntimeError, ValueError, TypeError, IndexError) as error:
            if is_out_of_memory(error) or isinstance(error, UnsupportedError):
                raise
            raise UnsupportedError(
                f"{self.name} cannot be run alone on {times} copies of its input: {error}"
            ) from error
        if hidden is None or hidden.shape != (times, *self.output.shape[1:]):
            raise UnsupportedError(f"{self.name} gives back something else than one hidden state for each copy.")
        return hidden


class BlockRecorder:
    """A `with` in which every run of a block is kept, in order, by hooks on the instances.

    The forward pass in it must be of one input. `attentions` says how many attentions were computed so far. Hooks act
    on the thread that opened them, and are removed at the end, also after an exception.
    """

    def __init__(self, blocks: Sequence[Block], attentions: Callable[[], int]) -> None:
        self.runs: list[BlockRun] = []
        self._blocks = blocks
        self._attentions = attentions
        self._begun: list[tuple[tuple[Any, ...], dict[str, Any], int]] = []
        self._handles: list[Any] = []
        self._thread = 0

    def __enter__(self) -> "BlockRecorder":
        self._thread = threading.get_ident()
        try:
            for block in self._blocks:
                module = block.module
                self._handles.append(module.register_forward_pre_hook(self._before, with_kwargs=True))
                self._handles.append(module.register_forward_hook(self._behind(block.name)))
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        while self._handles:
            self._handles.pop().remove()

    def _before(self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        if threading.get_ident() == self._thread:
            self._begun.append((_repeated(args, 1), _repeated(kwargs, 1), self._attentions()))

    def _behind(self, name: str) -> Callable[[nn.Module, tuple[Any, ...], Any], None]:
        def keep(module: nn.Module, _: tuple[Any, ...], output: Any) -> None:
            if threading.get_ident() != self._thread:
                return
            args, kwargs, first = self._begun.pop()
            hidden = hidden_of(output)
            if hidden is None or hidden.ndim != 3 or len(hidden) != 1:
                raise UnsupportedError(f"{name} gives back no hidden state (1, token, hidden).")
            attentions = range(first, self._attentions())
            self.runs.append(BlockRun(module, name, args, kwargs, hidden.clone(), attentions))

        return keep


def _repeated(value: Any, times: int) -> Any:
    """Copies of what belongs to the one input, as rows of a batch; caches, which a block would write to, left out."""
    from transformers import Cache

    if isinstance(value, Tensor):
        batched = value.ndim > 1 and len(value) == 1
        return value.expand(times, *value.shape[1:]).clone() if batched else value.clone()
    if isinstance(value, tuple | list):
        return type(value)([_repeated(one, times) for one in value])
    if isinstance(value, dict):
        return {name: _repeated(one, times) for name, one in value.items()}
    return None if isinstance(value, Cache) else value
