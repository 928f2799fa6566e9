"""The units that a prediction went through as the values their HTML template shows."""

from dataclasses import dataclass, replace

from whence.records import Maximizers, Profile, Profiles, TokenScore
from whence.views import profile_text as said
from whence.views.colors import Palette
from whence.views.evidence import caveat, cost, settings
from whence.views.html_strip import Pill, Strip, heat_style, strip
from whence.views.numbers import signed
from whence.views.token_text import isolated, readable


@dataclass(frozen=True)
class Side:
    """Vocabulary entries that a unit promotes, or suppresses: each as a pill with its score."""

    name: str
    pills: tuple[tuple[Pill, str], ...]


@dataclass(frozen=True)
class UnitPart:
    """One unit: what it is, its relevance, its tokens, and the texts that drive it, each with its caption."""

    name: str
    relevance: str
    negative: bool
    most: str
    sides: tuple[Side, ...]
    missing: str | None
    texts: str | None
    maps: tuple[tuple[str, Strip], ...]


@dataclass(frozen=True)
class ProfilesPart:
    """What `profiles.html` shows."""

    title: str
    facts: tuple[str, ...]
    units: tuple[UnitPart, ...]
    vocabulary: str | None
    caveat: str | None
    cost: tuple[str, ...]
    provenance: tuple[tuple[str, str], ...]
    template: str = "profiles.html"

    @property
    def name(self) -> str:
        """What it is about, in a table of contents."""
        return self.title

    @property
    def pictured(self) -> bool:
        """Whether there is a picture among the texts."""
        return any(one.picture for unit in self.units for _, one in unit.maps)


def profiles_part(record: Profiles, palette: Palette) -> ProfilesPart:
    """The values of Profiles as text, in the order they are read."""
    return ProfilesPart(
        said.title(record),
        tuple(said.facts(record)),
        tuple(_unit(record, entry, palette) for entry in record.entries),
        said.VOCABULARY if any(entry.projection for entry in record.entries) else None,
        caveat(record.provenance),
        tuple(cost(record.provenance)),
        tuple(settings({name: value for name, value in record.provenance.items() if name != "caveat"})),
    )


def _unit(record: Profiles, entry: Profile, palette: Palette) -> UnitPart:
    found = entry.maximizers
    return UnitPart(
        readable(entry.unit.name),
        said.relevance(record, entry),
        entry.score.score < 0,
        said.most(record, entry),
        _sides(entry, palette),
        None if entry.projection else said.missing(entry),
        None if found is None else said.texts(found),
        () if found is None else _maps(found, palette),
    )


def _sides(entry: Profile, palette: Palette) -> tuple[Side, ...]:
    projection = entry.projection
    if projection is None:
        return ()
    scale = said.vocabulary_scale((*projection.promoted, *projection.suppressed))
    named = ((said.PROMOTES, projection.promoted), (said.SUPPRESSES, projection.suppressed))
    return tuple(Side(name, tuple(_pill(one, scale, palette) for one in tokens)) for name, tokens in named)


def _pill(token: TokenScore, scale: float, palette: Palette) -> tuple[Pill, str]:
    text, score = readable(token.text), signed(token.score, scale)
    style = heat_style(token.score, scale, palette)
    return Pill(text, f"{isolated(text)}: {score}", style, token.score < 0, False, False, False), score


def _maps(found: Maximizers, palette: Palette) -> tuple[tuple[str, Strip], ...]:
    maps = []
    for rank, entry in enumerate(found.entries, start=1):
        drawn = strip(entry.attribution, 0, palette)
        pills = tuple(replace(pill, marked=i == entry.at) for i, pill in enumerate(drawn.pills))
        maps.append((said.example(found, rank, entry), replace(drawn, pills=pills)))
    return tuple(maps)
