"""One table from a name to `"module:attribute"`, for everything that is chosen by name.

A new method is one file in its engine's folder and one line here. A third party registers its own by an entry point
in the group `whence.methods`, `whence.models`, `whence.rules`, `whence.metrics`, `whence.checks` or `whence.views`.
Nothing is imported before it is asked for.
"""

import difflib
import warnings
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any

from whence.errors import UnknownNameError, WhenceWarning

BUILTIN: dict[str, dict[str, str]] = {
    "methods": {
        "input_x_gradient": "whence.gradients.input_x_gradient:InputXGradient",
        "saliency": "whence.gradients.saliency:Saliency",
        "smoothgrad": "whence.gradients.smoothgrad:SmoothGrad",
        "vargrad": "whence.gradients.vargrad:VarGrad",
        "squaregrad": "whence.gradients.squaregrad:SquareGrad",
        "gradient_shap": "whence.gradients.gradient_shap:GradientSHAP",
        "sequential_ig": "whence.gradients.sequential_ig:SequentialIG",
        "discretized_ig": "whence.gradients.discretized_ig:DiscretizedIG",
        "udig": "whence.gradients.udig:UDIG",
        "integrated_gradients": "whence.gradients.integrated_gradients:IntegratedGradients",
        "deeplift": "whence.relevance.deeplift:DeepLift",
        "lrp_epsilon": "whence.relevance.lrp_epsilon:LRPEpsilon",
        "cp_lrp": "whence.relevance.cp_lrp:CPLRP",
        "ah_ln": "whence.relevance.ah_ln:AHLN",
        "attnlrp": "whence.relevance.attnlrp:AttnLRP",
        "leave_one_out": "whence.perturbation.leave_one_out:LeaveOneOut",
        "occlusion": "whence.perturbation.occlusion:Occlusion",
        "lime": "whence.perturbation.lime:Lime",
        "kernel_shap": "whence.perturbation.kernel_shap:KernelShap",
        "partition_shap": "whence.perturbation.partition_shap:PartitionShap",
        "exact_shapley": "whence.perturbation.exact_shapley:ExactShapley",
        "permutation_shapley": "whence.perturbation.permutation_shapley:PermutationShapley",
        "atman": "whence.perturbation.atman:AtMan",
        "value_zeroing": "whence.perturbation.value_zeroing:ValueZeroing",
        "sobol": "whence.perturbation.sobol:Sobol",
        "context_cite": "whence.perturbation.context_cite:ContextCite",
        "reagent": "whence.perturbation.reagent:ReAGent",
        "raw_attention": "whence.attention.raw_attention:RawAttention",
        "attention_rollout": "whence.attention.attention_rollout:AttentionRollout",
        "attention_flow": "whence.attention.attention_flow:AttentionFlow",
        "grad_x_attention": "whence.attention.grad_x_attention:GradXAttention",
        "gae": "whence.attention.gae:GAE",
        "random": "whence.baselines.random_scores:RandomScores",
    },
    "rules": {
        "lrp_epsilon": "whence.relevance.lrp_epsilon:LRP_EPSILON",
        "cp_lrp": "whence.relevance.cp_lrp:CP_LRP",
        "ah_ln": "whence.relevance.ah_ln:AH_LN",
        "attnlrp": "whence.relevance.attnlrp:ATTNLRP",
    },
    "models": {
        "smollm2": "whence.subjects.embedded:SMOLLM2",
    },
    "metrics": {
        "sufficiency": "whence.metrics.sufficiency:Sufficiency",
        "comprehensiveness": "whence.metrics.comprehensiveness:Comprehensiveness",
        "soft_sufficiency": "whence.metrics.soft_sufficiency:SoftSufficiency",
        "soft_comprehensiveness": "whence.metrics.soft_comprehensiveness:SoftComprehensiveness",
        "morf_lerf": "whence.metrics.morf_lerf:MorfLerf",
        "auac": "whence.metrics.auac:AUAC",
        "deletion": "whence.metrics.deletion:Deletion",
        "insertion": "whence.metrics.insertion:Insertion",
        "log_odds": "whence.metrics.log_odds:LogOddsChange",
        "decision_flip": "whence.metrics.decision_flip:DecisionFlip",
        "infidelity": "whence.metrics.infidelity:Infidelity",
        "max_sensitivity": "whence.metrics.max_sensitivity:MaxSensitivity",
        "loo_correlation": "whence.metrics.loo_correlation:LooCorrelation",
        "completeness": "whence.metrics.completeness:Completeness",
        "plausibility": "whence.metrics.plausibility:Plausibility",
        "consistency": "whence.metrics.consistency:Consistency",
        "gini": "whence.metrics.gini:Gini",
        "entropy": "whence.metrics.entropy:Entropy",
    },
    "checks": {
        "completeness": "whence.checks.completeness:Completeness",
        "perturbation_vs_random": "whence.checks.perturbation_vs_random:PerturbationVsRandom",
        "method_agreement": "whence.checks.method_agreement:MethodAgreement",
        "label_randomization": "whence.checks.label_randomization:LabelRandomization",
        "parameter_randomization": "whence.checks.parameter_randomization:ParameterRandomization",
        "attention_permutation": "whence.checks.attention_permutation:AttentionPermutation",
        "adversarial_attention": "whence.checks.adversarial_attention:AdversarialAttention",
        "roar": "whence.checks.roar:Roar",
    },
    "views": {
        "terminal": "whence.views.terminal:render",
        "widget": "whence.views.widget:render",
        "html": "whence.views.html:render",
        "notebook": "whence.views.notebook:render",
        "notebook_text": "whence.views.notebook:text",
        "plot": "whence.views.plot:render",
        "figure_file": "whence.views.plot:save",
    },
}


DEFAULT_METHOD = "attnlrp"
OTHERWISE_BY_DEFAULT: dict[str, dict[str, Any]] = {"image-classification": {"gamma": 0.05}}
"""How `explain` and `validate` explain unless told otherwise: one method, with other parameters for some tasks.

Chosen by the tables of docs/leaderboard.md, as docs/which_method.md says.
"""

COMPARED_BY_DEFAULT = ("attnlrp", "deeplift", "leave_one_out", "gae")
"""What `compare` compares unless told otherwise: of each family one, by the tables of docs/leaderboard.md."""


EVALUATED_BY_DEFAULT = ("comprehensiveness", "sufficiency", "morf_lerf")
"""The metrics that `evaluate` measures unless told otherwise; they share their masked inputs."""


@cache
def _table(kind: str) -> dict[str, str]:
    """Names of one kind, built in and from entry points, to `"module:attribute"`."""
    if kind not in BUILTIN:
        raise UnknownNameError(f"Unknown kind {kind!r}. Kinds are: {', '.join(sorted(BUILTIN))}.")
    third_party = {point.name: point.value for point in entry_points(group=f"whence.{kind}")}
    return third_party | BUILTIN[kind]


def available(kind: str) -> list[str]:
    """The names registered under `kind` ("methods", "metrics", "checks", "rules", "models" or "views"), sorted.

    >>> "attnlrp" in available("methods")
    True
    """
    return sorted(_table(kind))


def path_of(kind: str, name: str) -> str:
    """The `"module:attribute"` that `name` stands for; an error names the nearest names."""
    table = _table(kind)
    if name not in table:
        near = difflib.get_close_matches(name, table, n=3, cutoff=0.5)
        hint = f"Did you mean {' or '.join(repr(n) for n in near)}? " if near else ""
        raise UnknownNameError(
            f"Unknown {kind.removesuffix('s')} {name!r}. {hint}"
            f"Known: {', '.join(sorted(table)) or 'none yet'}. See: whence.available({kind!r})."
        )
    return table[name]


def loadable(kind: str) -> dict[str, Any]:
    """Every object registered under `kind` by its name; a third party's that cannot be imported is warned of."""
    found = {}
    for name in available(kind):
        try:
            found[name] = resolve(kind, name)
        except Exception as error:
            if name in BUILTIN[kind]:
                raise
            warnings.warn(
                f"The {kind.removesuffix('s')} {name!r} of another package cannot be loaded: "
                f"{type(error).__name__}: {error}",
                WhenceWarning,
                stacklevel=2,
            )
    return found


def resolve(kind: str, name: str) -> Any:
    """The object registered as `name` under `kind`, imported now."""
    module, _, attribute = path_of(kind, name).partition(":")
    return getattr(import_module(module), attribute)
