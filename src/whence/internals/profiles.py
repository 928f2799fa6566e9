"""The units a prediction went through, with what each of them writes and what drives it."""

import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from whence.errors import InputError, UnsupportedError
from whence.internals.maximizers import maximizers_of
from whence.internals.vocabulary import vocabulary_projection
from whence.methods.base import Cost, Method
from whence.methods.model_map import map_of
from whence.methods.run import Run
from whence.records import Latents, Profile, Profiles, Unit, UnitScore, VocabularyProjection
from whence.subjects.subject import Subject

_CAVEAT = (
    "Most units do several things. The tokens a unit writes for and the texts that drive it, of those given, show a "
    "part of that, and not that the model needs the unit: intervene() tests what comes of changing it."
)


@dataclass(frozen=True, eq=False)
class Search:
    """Where the texts that drive a unit are looked for: among `texts`, by "activation" or "relevance", `k` of them,
    each explained by `method`.
    """

    texts: Iterable[Any]
    by: str
    k: int
    method: Method
    run: Run


def profiles_of(
    subject: Subject, latents: Latents, k: int, target: int, tokens: int, search: Search | None
) -> Profiles:
    """The k units of largest |relevance| in one target row, each with its tokens and texts; see `whence.profiles`."""
    start = time.perf_counter()
    map_of(subject.model)
    _check_weights(subject, latents)
    found = [_profile(subject, score, tokens, search) for score in latents.top(k, target)]
    cost = Cost()
    for one in found:
        if one.maximizers is not None:
            cost.add(one.maximizers.provenance["forwards"], one.maximizers.provenance["backwards"])
    provenance = subject.provenance() | {
        "seconds": time.perf_counter() - start,
        **asdict(cost),
        "target": latents.provenance.get("target"),
        "text": latents.provenance.get("text"),
        "caveat": _CAVEAT,
    }
    return Profiles(
        latents.kind,
        latents.targets[target],
        tuple(found),
        len(latents.units),
        latents.method,
        latents.params,
        provenance,
    )


def _check_weights(subject: Subject, latents: Latents) -> None:
    mine, theirs = subject.provenance().get("weights"), latents.provenance.get("weights")
    if None not in (mine, theirs) and mine != theirs:
        raise InputError(
            f"The latents are of {latents.provenance.get('model')} with other weights than those of {subject.name}, "
            f"whose units do other things. Give the model that latents() was called with."
        )


def _profile(subject: Subject, score: UnitScore, tokens: int, search: Search | None) -> Profile:
    projection, reason = _projection(subject, score.unit, tokens)
    if search is None:
        return Profile(score, projection, reason, None)
    driving = maximizers_of(subject, score.unit, search.texts, search.by, search.k, search.method, search.run)
    return Profile(score, projection, reason, driving)


def _projection(subject: Subject, unit: Unit, k: int) -> tuple[VocabularyProjection | None, str | None]:
    try:
        return vocabulary_projection(subject, unit, k), None
    except UnsupportedError as error:
        return None, str(error)
