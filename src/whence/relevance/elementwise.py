"""Activations written out in Python, taken as the one element-wise function they are.

`0.5 * x * (1 + tanh(√(2/π) (x + 0.044715 x³)))` is a function of x alone, element by element, yet torch sees seven
operations, two of them products of "live" tensors. So each tensor that is an element-wise function of one other
remembers that other, its root; when two such tensors of one root meet, the result is again a function of the root,
and the identity rule leads its relevance there directly, past the steps in between.
"""

from torch import Tensor

from whence.relevance.operations import is_live

_ROOT = "_whence_root"


def root_of(tensor: Tensor) -> Tensor:
    """The tensor that this one is an element-wise function of; itself, if it is none."""
    return getattr(tensor, _ROOT, tensor)


def set_root(result: Tensor, root: Tensor) -> Tensor:
    """`result`, remembered as an element-wise function of `root`."""
    if result is not root:
        setattr(result, _ROOT, root)
    return result


def shared_root(operands: tuple[object, ...]) -> Tensor | None:
    """The root that all live operands have in common, None where they have not."""
    roots = {id(root_of(x)): root_of(x) for x in operands if isinstance(x, Tensor) and is_live(x)}
    return next(iter(roots.values())) if len(roots) == 1 else None
