"""One intercepted call of a torch function, which is what a rule is given."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Call:
    """A call, its tensors in front whether given by position or by name.

    `added` is a bias taken out of the arguments, which `run` and `value` add to the result.
    """

    function: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    added: Tensor | None = None

    def run(self) -> Any:
        """The operation itself, with its own gradient."""
        result = self.function(*self.args, **self.kwargs)
        return result if self.added is None else result.add_(self.added)

    def value(self) -> Any:
        """The operation's value, with no gradient."""
        with torch.no_grad():
            return self.run()

    def arguments(self, *names: str) -> list[Any]:
        """The arguments in the order of `names`, None where left out."""
        given = dict(zip(names, self.args, strict=False)) | self.kwargs
        return [given.get(name) for name in names]


Rule = Callable[[Call], Any]
"""From a call to its result: the operation's own value, with the gradient that hands relevance back."""
