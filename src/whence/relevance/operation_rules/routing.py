"""The rule for choosing experts."""

from typing import Any

import torch
from torch import Tensor

from whence.relevance.call import Call

_CHOICE = "_whence_choice"
_GATHERS = frozenset({torch.gather, Tensor.gather})


def frozen_routing(call: Call) -> Any:
    """The k largest of a router's scores, held constant, R = 0, so that y = Σ_e p_e E_e(x) is linear in the experts.

    R_{E_e} = p_e E_e(x) / y · R_y: a router says whom to ask and is no message of its own, as attention weights in
    CP-LRP. Also held are scores gathered by the indices chosen here. Indices that were reshaped since, such as those
    that pick tokens, gather as always.
    """
    if call.function in _GATHERS:
        _, _, index = call.arguments("input", "dim", "index")
        return call.value() if getattr(index, _CHOICE, False) else call.run()
    chosen = call.value()
    setattr(chosen[1], _CHOICE, True)
    return chosen
