"""The functions users call: wiring between subjects, methods, metrics and records, and nothing else."""

import warnings
from collections.abc import Mapping, Sequence
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
    Comparison,
    Leaderboard,
    Report,
    Verdict,
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


def report(*records: Any, title: str = "whence report") -> Report:
    """Any records on one page: `report(a, c).save("report.html")`. The page needs nothing from outside itself."""
    if not records:
        raise InputError("report() wants at least one record.")
    for record in records:
        if not isinstance(record, Displayed) or isinstance(record, Report):
            raise InputError(f"report() takes the records that whence makes, got {type(record).__name__}.")
    return Report(records, title)
