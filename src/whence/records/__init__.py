"""What comes out: frozen records of plain numbers, equal after a round trip through a file. No torch here."""

from whence.records.attentions import AttentionLayer, Attentions, HeadVectors
from whence.records.attribution import Attribution
from whence.records.comparison import Agreement, Comparison
from whence.records.disagreement import Disagreement
from whence.records.flow import Flow, FlowPath
from whence.records.latents import Latents, UnitScore
from whence.records.leaderboard import Leaderboard
from whence.records.maximizers import Maximizer, Maximizers
from whence.records.profiles import Profile, Profiles
from whence.records.reference import Reference
from whence.records.report import Report
from whence.records.scores import Curve, Score, Scores
from whence.records.target_value import TargetValue
from whence.records.tokens import Token
from whence.records.units import Unit, as_unit
from whence.records.verdict import Finding, Verdict
from whence.records.vocabulary_projection import TokenScore, VocabularyProjection

__all__ = [
    "Agreement",
    "AttentionLayer",
    "Attentions",
    "Attribution",
    "Comparison",
    "Curve",
    "Disagreement",
    "Finding",
    "Flow",
    "FlowPath",
    "HeadVectors",
    "Latents",
    "Leaderboard",
    "Maximizer",
    "Maximizers",
    "Profile",
    "Profiles",
    "Reference",
    "Report",
    "Score",
    "Scores",
    "TargetValue",
    "Token",
    "TokenScore",
    "Unit",
    "UnitScore",
    "Verdict",
    "VocabularyProjection",
    "as_unit",
]
