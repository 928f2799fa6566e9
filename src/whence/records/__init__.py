"""What comes out: frozen records of plain numbers, equal after a round trip through a file. No torch here."""

from whence.records.attribution import Attribution
from whence.records.comparison import Agreement, Comparison
from whence.records.report import Report
from whence.records.target_value import TargetValue
from whence.records.tokens import Token
from whence.records.units import Unit

__all__ = ["Agreement", "Attribution", "Comparison", "Report", "TargetValue", "Token", "Unit"]
