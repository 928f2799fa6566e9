"""The functions users call: wiring between subjects, methods, metrics and records, and nothing else."""

import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from functools import partial
from os import PathLike
from typing import Any

from whence.arguments import (
    as_check,
    as_explainer,
    as_method,
    as_metric,
    as_records,
    as_subject,
    check_counts,
    default_method,
    encode,
    encode_row,
    encoded_again,
    is_list,
    labelled_rows,
    one_each,
    paraphrases_for,
    rationales_for,
)
from whence.checks.base import Case, Check, Labelled
from whence.checks.validation import verdict_on
from whence.corpus.benchmark import benchmark_of
from whence.corpus.columns import check_columns
from whence.corpus.given import given_rows, is_data_set
from whence.corpus.plan import Plan
from whence.errors import InputError, UnsupportedError, WhenceWarning
from whence.internals.attentions import attentions_of
from whence.internals.flow import flow_of
from whence.internals.latents import latents_of
from whence.internals.maximizers import maximizers_of
from whence.internals.profiles import Search, profiles_of
from whence.methods.base import Method
from whence.methods.recorded import restored
from whence.methods.run import Run
from whence.metrics.agreement import agreements
from whence.metrics.base import Beside, Metric
from whence.metrics.common_units import in_common_units
from whence.metrics.disagreement import diagnosis
from whence.metrics.evaluation import check_masking, scores_of, to_test
from whence.metrics.rationales import marked_units
from whence.records import (
    Attentions,
    Comparison,
    Flow,
    Latents,
    Leaderboard,
    Maximizers,
    Profiles,
    Report,
    Unit,
    Verdict,
    as_unit,
)
from whence.records.display import Displayed
from whence.registry import COMPARED_BY_DEFAULT, EVALUATED_BY_DEFAULT
from whence.subjects.subject import At


def explain(
    subject: Any,
    data: Any,
    *,
    method: str | Method | type[Method] | None = None,
    target: Any = None,
    continuation: str | Sequence[str] | Sequence[int] | None = None,
    max_new_tokens: int | None = None,
    at: At | Sequence[At] | None = None,
    units: str | int | None = None,
    seed: int = 0,
    batch_size: int | str = "auto",
    progress: bool | None = None,
    device: Any = None,
) -> Any:
    """Which tokens of the input drove the model's prediction, by one method.

    - `subject`: a loaded subject, or anything `load` takes.
    - `data`: a text, a chat (list of messages), a dict of texts (question and context, text and text_pair), an image
      (a PIL image, the path of a file, an array), or a list of these; a list gives a list, each as if alone.
    - `method`: a registered name or a method of your own, such as `whence.methods.IntegratedGradients(steps=64)`; by
      default "attnlrp", for images with gamma=0.05 (docs/which_method.md says why).
    - `target`: what to explain; see `whence.targets`. By default the predicted token or class.
    - `continuation`: the text (or token ids) that follows, to explain each of its tokens, a row each; for a list of
      texts one for all, or one each.
    - `at`: for models that predict something for each token, which tokens to explain: a text they cover, a token index,
      or several of these; for a list of texts one for all, or a list of one each.
    - `units`: for an image, what gets a score: "patch" (the model's own, the default), "pixel", or a whole number n
      for squares of n pixels a side.
    - `max_new_tokens`: let the model write (greedily) and explain each token it wrote.
    - `seed`, `batch_size`, `progress`: how to run; see `whence.methods.run.Run`.
    - `device`: where to load a subject that is not loaded yet.

    Returns an `Attribution`, or a list of them for a list. Raises `InputError`, `TargetError`, `UnsupportedError`,
    `LoadError`, `UnknownNameError` or `NonFiniteError`.

    >>> from whence import FakeSubject
    >>> explain(FakeSubject({"good": 2.0, "bad": -1.0}), "good bad film").scores
    array([[ 2., -1.,  0.]], dtype=float32)
    """
    subject = as_subject(subject, device)
    inputs = encode(subject, data, continuation, max_new_tokens, at, units)
    run = Run(seed, batch_size, progress)
    chosen = default_method(subject) if method is None else as_method(method)
    found = chosen(subject, inputs, target, run=run)
    return found if is_list(data) else found[0]


def compare(
    subject: Any,
    data: Any,
    *,
    methods: Sequence[str | Method | type[Method]] | None = None,
    target: Any = None,
    continuation: str | Sequence[str] | Sequence[int] | None = None,
    max_new_tokens: int | None = None,
    at: At | Sequence[At] | None = None,
    units: str | int | None = None,
    k: int = 3,
    diagnose: bool = True,
    seed: int = 0,
    batch_size: int | str = "auto",
    progress: bool | None = None,
    device: Any = None,
) -> Any:
    """The same prediction explained by several methods: how far they agree, and where not, what the model says to it.

    `methods` are by default one of each family, less those that cannot serve this model, which a warning names; `k` is
    how many top tokens of two methods are compared; `seed` also shuffles the tokens that agreement is tested against.
    With `diagnose`, the tokens that two methods rank most differently
    are masked to see which of the two is nearer, at one forward pass more than there are tokens; where that cannot be
    done the record says why. The other arguments are those of `explain`. Returns a `Comparison`, or a list of them for
    a list.

    >>> from whence import FakeSubject
    >>> subject = FakeSubject({"good": 2.0, "bad": -1.0})
    >>> both = compare(subject, "good bad film", methods=["leave_one_out", "attnlrp"])
    >>> both.agreement("leave_one_out", "attnlrp").spearman
    1.0
    """
    if isinstance(methods, str | Method) or (methods is not None and not methods):
        raise InputError(f"compare() wants a list of methods, got {methods!r}.")
    if isinstance(k, bool) or not isinstance(k, int) or k < 1:
        raise InputError(f"compare() wants k, a whole number of at least 1, got {k!r}.")
    chosen = [as_method(method) for method in (COMPARED_BY_DEFAULT if methods is None else methods)]
    subject = as_subject(subject, device)
    inputs = encode(subject, data, continuation, max_new_tokens, at, units)
    run = Run(seed, batch_size, progress)
    by_method = []
    for method in chosen:
        try:
            by_method.append(method(subject, inputs, target, run=run))
        except UnsupportedError as error:
            if methods is not None:
                raise
            warnings.warn(f"{method.key} is left out of the comparison. {error}", WhenceWarning, stacklevel=2)
    entries = [in_common_units(entry) for entry in zip(*by_method, strict=True)]
    compared = []
    for entry, item in zip(entries, inputs, strict=True):
        found, about = diagnosis(subject, item, target, entry, run) if diagnose else ((), {})
        compared.append(Comparison(entry, agreements(entry, k, seed), found, about))
    return compared if is_list(data) else compared[0]


def evaluate(
    subject: Any,
    explanation: Any,
    *,
    metrics: Sequence[str | Metric | type[Metric]] | None = None,
    strategy: Any = "auto",
    data: Any = None,
    target: Any = None,
    rationale: Any = None,
    paraphrase: Any = None,
    method: Any = None,
    random_orders: int = 10,
    seed: int = 0,
    batch_size: int | str = "auto",
    progress: bool | None = None,
    device: Any = None,
) -> Any:
    """How an explanation fares under metrics of faithfulness, sparsity, plausibility and robustness.

    - `subject`: the model that was explained.
    - `explanation`: an `Attribution`, or several: a list of them, or a `Comparison`. Those of one input share masked
      inputs, so that several methods cost little more than one.
    - `metrics`: registered names, or metrics of your own, such as `whence.metrics.Comprehensiveness(k=(1, 2, 3))`.
    - `strategy`: what masked units become, as in the methods of the perturbation family; "all" measures under each
      that the model can serve, which shows how far a ranking of methods depends on it.
    - `data`: of an image, the image again: records do not keep pixels; for several explanations a list of one each.
    - `target`: again, where it was a function of the outputs.
    - `rationale`: for plausibility, what a person marked: character spans `(start, end)` of the text, or one truth
      value for each unit; for several explanations a list of one such list each.
    - `paraphrase`: for consistency, the explanation, by the same method, of a text that says the same; for several
      explanations one for all or a list of one each.
    - `method`: for metrics that explain again, the method that explained, where its record does not say all there is to
      it; for several explanations a list of one each.
    - `random_orders`: to how many random orders each metric is compared, in pairs of an order and its reverse: none,
      or at least two pairs.

    Returns `Scores`: of each metric its value, unit, direction and curve, and the same for random orders; a list of
    them for several explanations. Raises `InputError` where the record does not say what its model read, where the
    model gives another value for what was explained than the record has, and for a part of a record (`top`);
    `UnknownNameError` for a metric there is not. It does not claim that one number tells which explanation is right.

    >>> from whence import FakeSubject
    >>> subject = FakeSubject({"good": 2.0, "bad": -1.0})
    >>> scores = evaluate(subject, explain(subject, "good bad film"), metrics=["comprehensiveness", "deletion"])
    >>> scores["comprehensiveness"].value
    2.0
    """
    if isinstance(metrics, str | Metric) or (metrics is not None and not metrics):
        raise InputError(f"evaluate() wants a list of metrics, got {metrics!r}.")
    check_masking(strategy, random_orders)
    chosen = [as_metric(metric) for metric in (EVALUATED_BY_DEFAULT if metrics is None else metrics)]
    records, several = as_records(explanation)
    subject = as_subject(subject, device)
    each_data, each_method = (one_each(records, several, value) for value in (data, method))
    each_rationale = rationales_for(records, several, rationale)
    each_paraphrase = paraphrases_for(records, several, paraphrase)
    explanations = []
    for record, image, marked, other, made_by in zip(
        records, each_data, each_rationale, each_paraphrase, each_method, strict=True
    ):
        inputs = restored(record) if image is None else encoded_again(subject, record, image)
        by = None if made_by is None else as_explainer(record, made_by)
        beside = Beside(None if marked is None else marked_units(record, marked), other, by)
        explanations.append(to_test(record, inputs, target, beside))
    found = scores_of(subject, explanations, chosen, strategy, random_orders, Run(seed, batch_size, progress))
    return found if several else found[0]


def benchmark(
    subject: Any,
    data: Any,
    *,
    methods: Sequence[str | Method | type[Method]],
    metrics: Sequence[str | Metric | type[Metric]] | None = None,
    columns: Mapping[str, str | None] | None = None,
    target: str | None = None,
    first_token: bool = False,
    limit: int | None = None,
    strategy: Any = "auto",
    random_orders: int = 0,
    resume: str | PathLike[str] | None = None,
    seed: int = 0,
    batch_size: int | str = "auto",
    progress: bool | None = None,
    chunk: int = 32,
    device: Any = None,
) -> Leaderboard:
    """How methods fare under metrics over a data set: a table of means with 95 % intervals, and what each costs.

    - `data`: a file of JSON lines, .csv or .tsv, a folder of images, or an iterable of texts or dicts. It is read row
      by row, `chunk` rows at a time, and may be larger than memory.
    - `methods`, `metrics`: registered names, or ones of your own; one may be there twice with other parameters. The
      method "random" among them is what the others are held against, row by row.
    - `columns`: which column means what, such as `{"text": "prompt", "continuation": " {attribute}"}`, a text in braces
      made of several columns; None for a meaning that no column has. Others are recognised by name; see
      `whence.corpus.columns`.
    - `target`: None to explain the predicted output (of a continuation each of its tokens, or the `first_token` alone),
      "logit", "log-probability" or "probability" to explain it in that unit, "label" for the row's label.
    - `limit`: how many rows to read. `strategy`, `random_orders`: as in `evaluate`; "all" has a table for each
      strategy, and how far they rank the methods alike.
    - `resume`: a file that holds what came of each row. A run that was broken off goes on where it stopped, one with
      other settings or another model is refused.

    A row that cannot be used, or that one of the methods cannot explain, is left out for all, with its number and the
    reason. Returns a `Leaderboard`. Raises `InputError` where no row can be used, and `UnsupportedError` for a method
    or strategy that cannot serve the subject. It does not claim that the best of the table is best on other data.

    >>> from whence import FakeSubject
    >>> subject = FakeSubject({"good": 2.0, "bad": -1.0})
    >>> texts = ["a good film", "good not bad"]
    >>> board = benchmark(subject, texts, methods=["saliency", "attnlrp"], metrics=["morf_lerf"])
    >>> board.rank("morf_lerf")
    ('attnlrp', 'saliency')
    """
    for name, given in (("methods", methods), ("metrics", metrics)):
        if isinstance(given, str | Method | Metric) or (given is not None and not given):
            raise InputError(f"benchmark() wants a list of {name}, got {given!r}.")
    check_counts("benchmark", limit=limit, chunk=chunk)
    plan = Plan(
        tuple(as_method(method) for method in methods),
        tuple(as_metric(metric) for metric in (EVALUATED_BY_DEFAULT if metrics is None else metrics)),
        check_columns({} if columns is None else columns),
        target,
        strategy,
        random_orders,
        first_token,
    )
    run = Run(seed, batch_size, progress)
    return benchmark_of(as_subject(subject, device), data, plan, run, limit, resume, chunk)


def validate(
    subject: Any,
    data: Any,
    *,
    method: str | Method | type[Method] | None = None,
    checks: Sequence[str | Check | type[Check]] | None = None,
    target: Any = None,
    explained: int = 32,
    columns: Mapping[str, str | None] | None = None,
    limit: int | None = None,
    continuation: str | Sequence[str] | Sequence[int] | None = None,
    max_new_tokens: int | None = None,
    at: At | Sequence[At] | None = None,
    units: str | int | None = None,
    seed: int = 0,
    batch_size: int | str = "auto",
    progress: bool | None = None,
    device: Any = None,
) -> Verdict:
    """Whether a method's explanations of this model survive the sanity checks of the literature.

    - `data`: what `explain` takes, or a list of it; for checks that train, a list of `{"text": ..., "label": ...}`,
      as a data set has them. Checks that explain look at the first `explained` of a list.
      Or a data set, such as `benchmark` takes: a `pathlib.Path` of a file of JSON lines, .csv or .tsv or of a folder of
      images, or an iterator of texts or dicts, read up to `limit` rows with `columns` as there. A continuation of the
      row's own, or its `at`, goes before the argument's. A str is a text always; the name of such a file is refused.
      Rows that cannot be used are left out: those without a label that the model has, of the checks that train alone.
      Which and why is in `provenance["data_set"]`.
    - `checks`: registered names or checks of your own, such as `whence.checks.base.Check` describes; by default all
      but those that take minutes.

    The other arguments are those of `explain`. Returns a `Verdict`: of each check whether it was passed, failed or
    does not apply, its statistic, what that is held against, and a sentence. It does not claim that an explanation
    that passes is right. Raises `UnknownNameError` for a check there is not, and what `explain` raises.

    >>> from whence import FakeSubject
    >>> subject = FakeSubject({"good": 2.0, "bad": -1.0})
    >>> validate(subject, "good bad film", checks=["completeness"]).passed
    ('completeness',)
    """
    if isinstance(checks, str | Check) or (checks is not None and not checks):
        raise InputError(f"validate() wants a list of checks, got {checks!r}.")
    chosen = None if checks is None else [as_check(check) for check in checks]
    named_method = None if method is None else as_method(method)
    many = is_data_set(data)
    if not many and (columns is not None or limit is not None):
        raise InputError("columns= and limit= are of a data set: a pathlib.Path or an iterator of rows.")
    check_counts("validate", explained=explained, limit=limit)
    named = check_columns(columns or {})
    options: dict[str, Any] = {"max_new_tokens": max_new_tokens, "units": units}
    subject, run = as_subject(subject, device), Run(seed, batch_size, progress)
    chosen_method = default_method(subject) if named_method is None else named_method
    origin: dict[str, Any] = {}
    if many:
        given = given_rows(
            subject, data, named, limit, explained, partial(encode_row, subject, continuation, at, options)
        )
        inputs = list(given.inputs)
        labelled = [Labelled(row.data, label, row.number) for row, label in given.labelled]
        origin = {"data_set": {"rows": given.rows, "left_out": [asdict(one) for one in given.left_out]}}
    else:
        labelled = labelled_rows(data)
        texts = [one.text for one in labelled] if labelled else data
        inputs = encode(subject, texts[:explained] if is_list(texts) else texts, continuation, at=at, **options)
    attributions = chosen_method(subject, inputs, target, run=run)
    verdict = verdict_on(Case(subject, chosen_method, inputs, attributions, target, run, labelled), chosen)
    return replace(verdict, provenance=verdict.provenance | origin)


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

    >>> from whence import FakeSubject, Latents, TargetValue, Token, Unit
    >>> told = TargetValue("score", None, 2.0, 0.0, "logit")
    >>> found = Latents("head", [Unit("head", 0, 1)], [Token("good", 1)], [told], [[[2.0]]], "attnlrp", {}, {})
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


def report(*records: Any, title: str = "whence report") -> Report:
    """Any records on one page: `report(a, c).save("report.html")`. The page needs nothing from outside itself."""
    if not records:
        raise InputError("report() wants at least one record.")
    for record in records:
        if not isinstance(record, Displayed) or isinstance(record, Report):
            raise InputError(f"report() takes the records that whence makes, got {type(record).__name__}.")
    return Report(records, title)
