"""What is said of the units that a prediction went through, for every format."""

from whence.records import Maximizer, Maximizers, Profile, Profiles, TokenScore
from whence.views.numbers import NO_NUMBER, counted, number, signed
from whence.views.token_text import quoted, readable

VOCABULARY = "logits per unit of activation, before the final norm; where the activation is negative, the reverse"
PROMOTES, SUPPRESSES = "promotes", "suppresses"


def title(record: Profiles) -> str:
    """The number explained."""
    target = record.target
    predicted = "predicted " if record.provenance.get("target") == "predicted" else ""
    return f"{predicted}{quoted(target.label)} {number(target.value)} {readable(target.unit)}"


def facts(record: Profiles) -> list[str]:
    """How the units were chosen."""
    units = counted(record.among, "unit")
    kind = readable(record.kind)
    return [
        f"by {readable(record.method)}",
        f"the {len(record.entries)} of largest |relevance| of {units} of kind {kind}",
    ]


def scale(record: Profiles) -> float:
    """The largest |relevance|, which the digits of the others suit."""
    return max((abs(entry.score.score) for entry in record.entries), default=0.0)


def relevance(record: Profiles, entry: Profile) -> str:
    """A unit's relevance over all tokens, with its unit."""
    return f"{signed(entry.score.score, scale(record))} {readable(record.target.unit)}"


def most(record: Profiles, entry: Profile) -> str:
    """The token where a unit's relevance is largest, and what it is there."""
    score = entry.score
    return f"most at {quoted(score.token.text)}: {signed(score.score_there, scale(record))}"


def vocabulary_scale(entries: tuple[TokenScore, ...]) -> float:
    """The largest |score| of vocabulary entries."""
    return max((abs(one.score) for one in entries), default=0.0)


def texts(found: Maximizers) -> str:
    """Where a unit's texts come from."""
    return f"largest {readable(found.by)} among {counted(found.searched, 'text')}"


def example(found: Maximizers, rank: int, entry: Maximizer) -> str:
    """What stands beside one text."""
    place = f"text {entry.text + 1} of {found.searched}"
    return f"{rank}. {place} · {readable(found.by)} {number(entry.value)} at {quoted(entry.token.text)}"


def missing(entry: Profile) -> str:
    """Why a unit has no tokens."""
    return f"no tokens: {readable(entry.reason)}" if entry.reason else f"no tokens {NO_NUMBER}"
