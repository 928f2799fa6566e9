"""Explains the predictions of Transformer models and says how far each explanation can be trusted.

    import whence

    lm = whence.load("smollm2")
    whence.explain(lm, "The Eiffel Tower is located in the city of").show()

`import whence` loads neither torch nor transformers: each name is imported when it is first used.
"""

from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from whence import methods, metrics, relevance
    from whence.api import benchmark, compare, evaluate, explain, report, validate
    from whence.errors import (
        CallError,
        InputError,
        LoadError,
        MissingExtraError,
        NonFiniteError,
        TargetError,
        UnknownNameError,
        UnsupportedError,
        WhenceError,
        WhenceWarning,
    )
    from whence.inside import attentions, flow, latents, maximizers, profiles
    from whence.internals.intervene import Scale, intervene
    from whence.internals.vocabulary import vocabulary_projection
    from whence.perturbation.proposals import Sample
    from whence.perturbation.suppression import Suppress
    from whence.records import (
        Agreement,
        AttentionLayer,
        Attentions,
        Attribution,
        Comparison,
        Curve,
        Disagreement,
        Finding,
        Flow,
        HeadVectors,
        Latents,
        Leaderboard,
        Maximizers,
        Profile,
        Profiles,
        Reference,
        Report,
        Score,
        Scores,
        TargetValue,
        Token,
        Unit,
        Verdict,
        VocabularyProjection,
    )
    from whence.registry import available
    from whence.subjects.api_loading import load_api
    from whence.subjects.fake import FakeSubject
    from whence.subjects.loading import load
    from whence.targets import Contrast, Logit, LogProb, Prob

_HOME = {
    "whence.api": ("benchmark", "compare", "evaluate", "explain", "report", "validate"),
    "whence.errors": (
        "CallError",
        "InputError",
        "LoadError",
        "MissingExtraError",
        "NonFiniteError",
        "TargetError",
        "UnknownNameError",
        "UnsupportedError",
        "WhenceError",
        "WhenceWarning",
    ),
    "whence.inside": ("attentions", "flow", "latents", "maximizers", "profiles"),
    "whence.internals.intervene": ("Scale", "intervene"),
    "whence.internals.vocabulary": ("vocabulary_projection",),
    "whence.perturbation.proposals": ("Sample",),
    "whence.perturbation.suppression": ("Suppress",),
    "whence.records": (
        "Agreement",
        "AttentionLayer",
        "Attentions",
        "Attribution",
        "Comparison",
        "Curve",
        "Disagreement",
        "Finding",
        "Flow",
        "HeadVectors",
        "Latents",
        "Leaderboard",
        "Maximizers",
        "Profile",
        "Profiles",
        "Reference",
        "Report",
        "Score",
        "Scores",
        "TargetValue",
        "Token",
        "Unit",
        "Verdict",
        "VocabularyProjection",
    ),
    "whence.registry": ("available",),
    "whence.subjects.api_loading": ("load_api",),
    "whence.subjects.fake": ("FakeSubject",),
    "whence.subjects.loading": ("load",),
    "whence.targets": ("Contrast", "LogProb", "Logit", "Prob"),
}
_MODULE_OF = {name: module for module, names in _HOME.items() for name in names}
_NAMESPACES = ("methods", "metrics", "relevance")

__version__ = version("whence")
__all__ = [
    "Agreement",
    "AttentionLayer",
    "Attentions",
    "Attribution",
    "CallError",
    "Comparison",
    "Contrast",
    "Curve",
    "Disagreement",
    "FakeSubject",
    "Finding",
    "Flow",
    "HeadVectors",
    "InputError",
    "Latents",
    "Leaderboard",
    "LoadError",
    "LogProb",
    "Logit",
    "Maximizers",
    "MissingExtraError",
    "NonFiniteError",
    "Prob",
    "Profile",
    "Profiles",
    "Reference",
    "Report",
    "Sample",
    "Scale",
    "Score",
    "Scores",
    "Suppress",
    "TargetError",
    "TargetValue",
    "Token",
    "Unit",
    "UnknownNameError",
    "UnsupportedError",
    "Verdict",
    "VocabularyProjection",
    "WhenceError",
    "WhenceWarning",
    "attentions",
    "available",
    "benchmark",
    "compare",
    "evaluate",
    "explain",
    "flow",
    "intervene",
    "latents",
    "load",
    "load_api",
    "maximizers",
    "methods",
    "metrics",
    "profiles",
    "relevance",
    "report",
    "validate",
    "vocabulary_projection",
]


def __getattr__(name: str) -> Any:
    if name in _MODULE_OF:
        return getattr(import_module(_MODULE_OF[name]), name)
    if name in _NAMESPACES:
        return import_module(f"whence.{name}")
    raise AttributeError(f"module 'whence' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
