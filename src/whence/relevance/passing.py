"""Functions that need no rule, and how one that is neither ruled nor here is told of.

What is linear hands relevance back in proportion by its own gradient, and so does what selects, such as a maximum, and
what is homogeneous of degree one, such as a norm. All others carry relevance by a gradient that means nothing.
"""

import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import BackwardCFunction

from whence.errors import UnsupportedError, WhenceWarning
from whence.relevance.custom import is_met

SHAPES = """
    view view_as reshape reshape_as flatten unflatten ravel squeeze squeeze_ unsqueeze unsqueeze_ expand expand_as
    permute transpose transpose_ swapaxes swapdims movedim moveaxis t contiguous clone alias repeat tile
    repeat_interleave
    broadcast_to broadcast_tensors unfold fold as_strided narrow select chunk split split_with_sizes tensor_split
    unbind hsplit vsplit diagonal diag diag_embed tril triu tril_ triu_ flip fliplr flipud roll rot90 pixel_shuffle
    pixel_unshuffle channel_shuffle pad constant_pad_nd view_as_real view_as_complex real imag atleast_1d atleast_2d
    atleast_3d meshgrid
"""
CASTS = "to type type_as float double half bfloat16 cpu cuda detach requires_grad_ _to_copy pin_memory"
ASSEMBLING = """
    cat concat concatenate stack hstack vstack dstack block_diag index_add index_add_ index_copy index_copy_ index_put
    index_put_ scatter scatter_ scatter_add scatter_add_ slice_scatter select_scatter masked_scatter masked_scatter_
    __setitem__ copy_ index_reduce
"""
SELECTING = """
    __getitem__ __iter__ index_select take take_along_dim gather masked_select masked_fill masked_fill_ where embedding
    embedding_bag max min amax amin maximum minimum fmax fmin sort topk msort kthvalue median max_pool1d max_pool2d
    max_pool3d adaptive_max_pool1d adaptive_max_pool2d adaptive_max_pool3d boolean_dispatch fn fill_diagonal_ fill_
    zero_ nan_to_num dropout dropout_ dropout1d dropout2d dropout3d alpha_dropout feature_dropout Identity
"""
LINEAR = """
    add add_ sub sub_ subtract rsub __add__ __radd__ __sub__ __rsub__ __iadd__ __isub__ neg neg_ negative __neg__
    positive __pos__ sum mean nansum nanmean cumsum cumsum_ diff trapezoid bilinear baddbmm addbmm addmm addmv
    avg_pool1d avg_pool2d avg_pool3d adaptive_avg_pool1d adaptive_avg_pool2d adaptive_avg_pool3d interpolate upsample
    grid_sample affine_grid grouped_mm _grouped_mm fft_fft fft_ifft fft_rfft fft_irfft fft_fft2 fft_ifft2
    fft_fftn fft_ifftn fft_rfft2 fft_irfft2 _fft_c2c _fft_r2c _fft_c2r segment_reduce
"""
HOMOGENEOUS = "norm linalg_norm linalg_vector_norm vector_norm linalg_matrix_norm matrix_norm std std_mean"
"""Of degree one."""
KEEPS_TRAITS: frozenset[str] = frozenset(
    f"{SHAPES} {CASTS} __getitem__ index_select take_along_dim gather masked_fill cat concat stack".split()
)
"""Names of functions that only rearrange: what a gate becomes by them is a gate."""
NO_VALUE = "__get__ __set__ register_hook backward retain_grad is_floating_point data_ptr"

PASSING: frozenset[str] = frozenset(
    " ".join((SHAPES, CASTS, ASSEMBLING, SELECTING, LINEAR, HOMOGENEOUS, NO_VALUE)).split()
)
"""Names of functions of torch, of `torch.nn.functional` and of tensors that need no rule."""


@dataclass(eq=False)
class Unruled:
    """Tells, once for each operation and module, of relevance that crosses an operation without a rule.

    It is told in the backward pass, when relevance arrives: an operation behind a constant carries none.
    """

    rule_set: str
    strict: bool
    advice: str = "A RuleSet of your own can rule it."
    _told: set[tuple[str, str]] = field(default_factory=set)

    def watch(self, result: Any, function: Callable[..., Any]) -> None:
        """Have it told if relevance reaches what this function returned."""
        results = result if isinstance(result, list | tuple) else (result,)
        operation, module = _name(function), _innermost_module()
        for tensor in results:
            if isinstance(tensor, Tensor) and tensor.requires_grad and tensor.is_floating_point():
                tensor.register_hook(lambda gradient: self._tell(operation, module))

    def watch_custom(self, result: Tensor) -> None:
        """Have it told if relevance reaches what a custom autograd function returned."""
        name, module = _custom_name(result.grad_fn), _innermost_module()
        result.register_hook(lambda gradient: self._tell(name, module))

    def inspect(self, output: Tensor) -> None:
        """Tell of custom autograd functions on the way to `output`, which torch hands to no mode."""
        for name in custom_functions(output):
            self._tell(name, "the model")

    def _tell(self, operation: str, module: str) -> None:
        if (operation, module) in self._told:
            return
        self._told.add((operation, module))
        message = (
            f"{operation} in {module} carries relevance and has no rule in {self.rule_set!r}: it passes by its plain "
            f"gradient, and relevance may be lost or made there. The residual says how much. {self.advice}"
        )
        if self.strict:
            raise UnsupportedError(message)
        warnings.warn(message, WhenceWarning, stacklevel=3)


def warn_of_custom(output: Tensor) -> None:
    """Warn of custom autograd functions on the way to `output`."""
    Unruled("the rules", strict=False).inspect(output)


def custom_functions(output: Tensor) -> list[str]:
    """Names of the custom autograd functions in the graph of `output` that no rule has met: they return it."""
    seen: set[Any] = set()
    waiting: list[Any] = [output.grad_fn]
    found: list[str] = []
    while waiting:
        node = waiting.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        if isinstance(node, BackwardCFunction) and not is_met(node):
            found.append(_custom_name(node))
        waiting += [inner for inner, _ in node.next_functions]
    return list(dict.fromkeys(found))


def _custom_name(node: Any) -> str:
    return f"the custom autograd function {type(node).__name__.removesuffix('Backward')}"


def _name(function: Callable[..., Any]) -> str:
    name = getattr(function, "__name__", repr(function))
    home = getattr(function, "__module__", None) or "torch"
    return f"{home}.{name}"


def _innermost_module() -> str:
    """The class of the torch module whose forward is running, for a message."""
    frame = sys._getframe(1)
    while frame is not None:
        owner = frame.f_locals.get("self")
        if isinstance(owner, torch.nn.Module):
            return type(owner).__name__
        frame = frame.f_back  # type: ignore[assignment]
    return "no module"
