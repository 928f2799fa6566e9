"""The functions that look between input and output: wiring, as in `api.py`, and nothing else."""

from collections.abc import Iterable, Sequence
from typing import Any

from whence.arguments import (
    as_method,
    as_subject,
    check_counts,
    encode,
    is_list,
)
from whence.errors import InputError
from whence.internals.attentions import attentions_of
from whence.internals.flow import flow_of
from whence.internals.latents import latents_of
from whence.internals.maximizers import maximizers_of
from whence.internals.profiles import Search, profiles_of
from whence.methods.base import Method
from whence.methods.run import Run
from whence.records import (
    Attentions,
    Flow,
    Latents,
    Maximizers,
    Profiles,
    Unit,
    as_unit,
)
from whence.subjects.subject import At


def latents(
    subject: Any,
    data: Any,
    *,
    target: Any = None,
    kind: str = "neuron",
    method: str | Method | type[Method] = "attnlrp",
    continuation: str | Sequence[int] | None = None,
    max_new_tokens: int | None = None,
    at: At | None = None,
    layers: Sequence[int] | None = None,
    device: Any = None,
) -> Latents:
    """How much every neuron, head, layer or place on the residual stream contributed to the prediction, at each token.

    Formula: R_u(t) = Σ_{i in u} z_i(t) · g_i(t), with z the numbers of unit u at token t, and g the gradient of the
    target with respect to them, as the method's rules modify it:

    - "neuron": z is one input of the MLP's down projection (behind the product with the gate, where there is one);
    - "head": z is one head's part of the input of attention's output projection; cross-attention has heads of its own;
    - "residual": z is the residual stream in front of a block, and behind the last one;
    - "layer": z is what a block adds, x_out − x_in, and g the gradient at x_out, so that token by token
      residual(l + 1) = layer(l) + x_in ⊙ g, the part that passes by. Where a norm comes behind the sum (BERT), x_in
      does not pass unchanged, and what a block adds is this difference all the same.

    Source: Achtibat et al. 2024, "AttnLRP", ICML, section 3 and figure 1: relevance of latents from the one backward.
    Shapes and units: `scores` `(targets, tokens, units)` in the target's unit. With rules that conserve and a model
    without biases, the residuals of each layer add up to the value; neurons of a layer add up, at each token, to the
    relevance of what the MLP writes.
    Cost: one forward pass, one backward for each target row; on first use of a model one more forward of four tokens.
    Memory: 4 bytes for each target, token and unit; `layers` restricts both to some layers.
    In an encoder-decoder, encoder units are on the source tokens and decoder units on the target's; of an image, the
    model's own states (a class token) come in front of the patches, with the role "model".

    `method` is a relevance method, or "input_x_gradient"; the other arguments are those of `explain`, for one input.
    Raises `UnsupportedError` for other methods, and for a kind that the model has not: the experts of a mixture have
    no one down projection. It does not claim that a unit matters to the model by itself: `intervene` tests that.

    >>> from whence import FakeSubject
    >>> latents(FakeSubject({"good": 2.0}), "a good film")
    Traceback (most recent call last):
        ...
    whence.errors.UnsupportedError: _AdditiveModel is no transformers model: it has no layers, neurons or heads to name.
    """
    if is_list(data):
        raise InputError("latents() explains one input at a time, got a list.")
    subject = as_subject(subject, device)
    (inputs,) = encode(subject, data, continuation, max_new_tokens, at, None)
    return latents_of(subject, inputs, target, kind, as_method(method), layers)


def flow(
    subject: Any,
    data: Any,
    *,
    target: Any = None,
    method: str | Method | type[Method] = "attnlrp",
    continuation: str | Sequence[int] | None = None,
    max_new_tokens: int | None = None,
    at: At | None = None,
    device: Any = None,
) -> Flow:
    """How relevance moves through the layers: where it stands, and what attention carries from token to token.

    Formula: the nodes are R(l, t) = Σ_i x_i(t) · g_i(t) on the residual stream in front of layer l (behind the last
    where l is their number), as in `latents(kind="residual")`. The edges of a layer are
    E[q, k] = c · Σ_h A_h[q, k] (g_h[q] · v_h[k]), with A_h a head's weights, v_h its values, g_h the gradient of the
    target, as the method's rules modify it, at what the head writes, and c the share that they send to the values: 1
    where weights are held constant (cp_lrp, ah_ln) or every factor is given the whole (input_x_gradient), 1/2 by
    AttnLRP's rule for products. So Σ_k of a head's edges at q is c times the head's relevance there, and Σ_q of all
    edges at k is the relevance of the values there. What attention does not carry so, R(l, k) − Σ_{q≠k} E[q, k], is
    the rest: the residual connection, the MLP, the token's own value, and what goes by the weights, to queries and
    keys.
    Source: the relevance of latents as Achtibat et al. 2024, "AttnLRP", section 3; its Proposition 3.3 for what a
    product's factors get.
    Shapes and units: `nodes` (targets, layers + 1, tokens), `edges` (targets, layers, tokens, tokens), `heads`
    (targets, layers, heads), in the target's unit.
    Cost: two forward passes, one backward for each target row; on first use of a model one more forward of four tokens.
    Memory: 4 bytes for each target, layer and pair of tokens, which for 2,000 tokens and 30 layers is 0.5 GB a target.

    `method` is a relevance method, or "input_x_gradient"; the other arguments are those of `explain`, for one input.
    Returns a `Flow`, whose `paths()` are the widest ways from the prediction to the input. Raises `UnsupportedError`
    for other methods, for encoder-decoders, for layers without heads (state-space), and where what a head writes is
    something else than its weights times its values. It does not claim that what moves along an edge is what the token
    stands for, nor that a path alone would make the prediction: `intervene` tests that.

    >>> from whence import FakeSubject
    >>> flow(FakeSubject({"good": 2.0}), "a good film")
    Traceback (most recent call last):
        ...
    whence.errors.UnsupportedError: _AdditiveModel is no transformers model: it has no layers, neurons or heads to name.
    """
    if is_list(data):
        raise InputError("flow() explains one input at a time, got a list.")
    subject = as_subject(subject, device)
    (inputs,) = encode(subject, data, continuation, max_new_tokens, at, None)
    return flow_of(subject, inputs, target, as_method(method))


def maximizers(
    subject: Any,
    unit: Unit | str | tuple[int, int],
    texts: Iterable[Any],
    *,
    by: str = "activation",
    k: int = 20,
    method: str | Method | type[Method] = "attnlrp",
    batch_size: int | str = "auto",
    progress: bool | None = None,
    device: Any = None,
) -> Maximizers:
    """The texts that drive one unit inside the model most, and which of their tokens do so.

    - `unit`: a `Unit`, its name ("layer 3 neuron 1021"), or a neuron's `(layer, index)`.
    - `texts`: any number of texts, read once, some at a time.
    - `by`: "activation", the unit's largest value over the tokens of a text: of a neuron the number itself, of a head,
      layer or residual the Euclidean norm; or "relevance", its largest relevance for or against
      what the model predicts, by size.
    - `k`: how many texts to return, largest first, the earlier first among equals.

    Each entry holds an `Attribution` whose target is the unit's activation at the token where it is largest: which
    input tokens that one number comes from, by the rules of `method`.
    Source: Achtibat et al. 2024, "AttnLRP", section 4.3; ranking by relevance as in Achtibat et al. 2023, "From
    attribution maps to human-understandable explanations through concept relevance propagation".
    Cost: one forward for each text (by relevance, one backward too), one forward and one backward for each entry.
    It does not claim that the unit stands for what its texts have in common: other texts may drive it for another
    reason, and most units do several things.

    >>> from whence import FakeSubject
    >>> maximizers(FakeSubject({"good": 2.0}), "layer 3 neuron 7", ["a good film"])
    Traceback (most recent call last):
        ...
    whence.errors.UnsupportedError: _AdditiveModel is no transformers model: it has no layers, neurons or heads to name.
    """
    run = Run(0, batch_size, progress)
    return maximizers_of(as_subject(subject, device), as_unit(unit), texts, by, k, as_method(method), run)


def profiles(
    subject: Any,
    latents: Latents,
    *,
    k: int = 5,
    target: int = 0,
    tokens: int = 10,
    texts: Iterable[Any] | None = None,
    examples: int = 3,
    by: str = "activation",
    method: str | Method | type[Method] = "attnlrp",
    batch_size: int | str = "auto",
    progress: bool | None = None,
    device: Any = None,
) -> Profiles:
    """The units that mattered most for a prediction, each with the tokens it writes for and the texts that drive it.

    Formula: the k units u of largest |R_u|, R_u = Σ_t R_u(t) the relevance of the unit over the tokens of one target
    row of `latents`; for each what `vocabulary_projection` and `maximizers` say of it.
    Source: Achtibat et al. 2024, "AttnLRP", ICML, section 4.3, which reads the neurons of largest relevance by the
    texts that drive them most; Geva et al. 2022 for the tokens, see `vocabulary_projection`.
    Shapes and units: relevance in the target's unit, tokens in logits per unit of activation, texts by activation (of a
    head, layer or residual its Euclidean norm) or by relevance.

    - `latents`: what `latents` returned for this subject; `target` is which of its rows.
    - `tokens`: how many vocabulary entries to name on each side.
    - `texts`: texts to look for those in that drive each unit most, of which `examples` are kept, ranked `by` and
      explained by `method` as in `maximizers`; without, nothing is run.

    Cost: for each unit one forward for each text (by relevance, one backward too), and one of each for every example.
    Errors: `InputError` for latents of a model with other weights, or a row there is not; `UnsupportedError` for what
    is no transformers model. A unit that has no vocabulary projection has None, with the reason.
    Does not claim: that a unit stands for what its tokens or texts have in common: most units do several things.

    >>> import numpy as np
    >>> from whence import FakeSubject, Latents, TargetValue, Token, Unit
    >>> told = TargetValue("score", None, 2.0, 0.0, "logit")
    >>> scores = np.array([[[2.0]]], dtype=np.float32)
    >>> found = Latents("head", (Unit("head", 0, 1),), (Token("good", 1),), (told,), scores, "attnlrp", {}, {})
    >>> profiles(FakeSubject({"good": 2.0}), found)
    Traceback (most recent call last):
        ...
    whence.errors.UnsupportedError: _AdditiveModel is no transformers model: it has no layers, neurons or heads to name.
    """
    if not isinstance(latents, Latents):
        raise InputError(f"profiles() wants what latents() returns, got {type(latents).__name__}.")
    if isinstance(texts, str):
        raise InputError("profiles() wants several texts, got one string.")
    check_counts("profiles", k=k, tokens=tokens, examples=examples)
    run = Run(0, batch_size, progress)
    search = None if texts is None else Search(tuple(texts), by, examples, as_method(method), run)
    return profiles_of(as_subject(subject, device), latents, k, target, tokens, search)


def attentions(
    subject: Any,
    data: Any,
    *,
    layers: Sequence[int] | None = None,
    vectors: bool | Sequence[int] | None = None,
    continuation: str | Sequence[int] | None = None,
    max_new_tokens: int | None = None,
    device: Any = None,
) -> Attentions:
    """Where each head of each layer looks: the attention weights of one input, to be seen head by head.

    Formula: A = softmax(s · Q Kᵀ + M), Q and K the head's queries and keys behind any rotation by position, s the
    layer's scale, M the mask and whatever bias of positions the model has.
    Source: Vaswani et al. 2017, "Attention is all you need", NeurIPS, equation 1; shown as in Vig 2019, "A multiscale
    visualization of attention in the Transformer model", ACL.
    Shapes and units: of each layer `weights` `(heads, queries, keys)`, each row a share of 1; an attention sink's share
    is no token's, and is `rest`. Read from the pass that makes the prediction, under any attention implementation but
    fused kernels such as flash attention's.
    Cost: one forward pass, without gradient; of an encoder-decoder, on first use, one more of a few tokens. Memory: 4
    bytes a weight; `layers` restricts it to some layers.

    - `layers`: numbers from 0, in an encoder-decoder of encoder, decoder and cross-attention each.
    - `vectors`: whether the queries and keys are kept too, or the layers they are kept of; by default of all where they
      are few, as for a short input. `biased` says where A is more than the softmax of their scaled products.

    The other arguments are those of `explain`, for one input. Of an image, the model's own states (a class token) come
    in front of the patches, with the role "model". Raises `UnsupportedError` for a model whose attention cannot be
    read, or is not between all tokens (windows), `InputError` for layers there are not and for more than 2²⁸ weights.
    It does not claim that a token looked at counts for the prediction: `validate` has checks of this.

    >>> from whence import FakeSubject
    >>> found = attentions(FakeSubject({"good": 1.0}), "so good")
    >>> found.layer(0).weights
    array([[[0.5, 0.5],
            [0.5, 0.5]]], dtype=float32)
    """
    if is_list(data):
        raise InputError("attentions() shows one input at a time, got a list.")
    subject = as_subject(subject, device)
    (inputs,) = encode(subject, data, continuation, max_new_tokens, None, None)
    return attentions_of(subject, inputs, layers, vectors)
