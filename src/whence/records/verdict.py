"""What became of an explanation method when it was put to the tests of the literature."""

from dataclasses import dataclass, field
from os import PathLike
from typing import Any

import numpy as np

from whence.errors import InputError, NonFiniteError
from whence.records import storage
from whence.records.counting import counted
from whence.records.display import Displayed
from whence.records.plain import plain
from whence.records.reference import Reference

PASSED, FAILED, NOT_APPLICABLE = "passed", "failed", "not applicable"
STATUSES = (PASSED, FAILED, NOT_APPLICABLE)


@dataclass(frozen=True)
class Finding:
    """What one check found out.

    `status` is "passed", "failed" or "not applicable"; `sentence` says in words what was done and what came of it, or
    why it could not be done; `value` is the `statistic` named, `reference` what it is held against; `details` are
    further plain values, such as a curve or one number a layer. What is not applicable has no value; a check that was
    passed or failed has none where its statistic cannot be taken, as of scores that are all equal, and the sentence
    says so.
    """

    check: str
    status: str
    sentence: str
    statistic: str | None = None
    value: float | None = None
    reference: Reference | None = None
    details: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.status not in STATUSES:
            raise InputError(f"{self.status!r} is no status of a check. Statuses are: {', '.join(STATUSES)}.")
        if self.value is not None and self.status == NOT_APPLICABLE:
            raise InputError(f"A check that is {self.status} wants no value, got {self.value}.")
        if self.status != NOT_APPLICABLE and self.statistic is None:
            raise InputError(f"A check that is {self.status} wants a statistic, by name.")
        object.__setattr__(self, "details", plain(self.details))
        if self.value is not None and not np.isfinite(self.value):
            raise NonFiniteError(f"The check {self.check} came out NaN or infinite: {self.value}.")

    def to_dict(self) -> dict[str, Any]:
        """The fields as plain JSON values."""
        reference = None if self.reference is None else self.reference.to_dict()
        return {**self.__dict__, "reference": reference, "details": plain(self.details)}


@dataclass(frozen=True, repr=False)
class Verdict(Displayed):
    """Which checks a method's explanations passed, and which were not made.

    `findings` holds one entry for each check that was made or tried, `untested` the others with the reason; `inputs`
    counts the texts (or images) explained. A verdict is about one method on one model and these inputs. It does not
    say that an explanation is right: no check can.
    """

    method: str
    params: dict[str, Any]
    findings: tuple[Finding, ...]
    untested: tuple[tuple[str, str], ...]
    inputs: int
    provenance: dict[str, Any]

    def __post_init__(self) -> None:
        object.__setattr__(self, "findings", tuple(self.findings))
        object.__setattr__(self, "untested", tuple((str(name), str(reason)) for name, reason in self.untested))
        object.__setattr__(self, "params", plain(self.params))
        object.__setattr__(self, "provenance", plain(self.provenance))

    def __getitem__(self, check: str) -> Finding:
        """What one check found out, by its name."""
        for finding in self.findings:
            if finding.check == check:
                return finding
        made = ", ".join(finding.check for finding in self.findings) or "none"
        raise InputError(f"The check {check!r} was not made here. Made: {made}.")

    @property
    def passed(self) -> tuple[str, ...]:
        """The checks that were passed."""
        return self._with(PASSED)

    @property
    def failed(self) -> tuple[str, ...]:
        """The checks that were failed."""
        return self._with(FAILED)

    @property
    def not_applicable(self) -> tuple[str, ...]:
        """The checks that this method, model or data do not allow."""
        return self._with(NOT_APPLICABLE)

    @property
    def summary(self) -> str:
        """What was tested and what was not, in words."""
        made = len(self.passed) + len(self.failed)
        parts = [f"{self.method} passed {len(self.passed)} of {made} checks on {counted(self.inputs, 'input')}"]
        parts += [f"failed: {', '.join(self.failed)}"] if self.failed else []
        left = [*self.not_applicable, *(name for name, _ in self.untested)]
        parts += [f"not tested: {', '.join(left)}"] if left else []
        return "; ".join(parts) + ". Checks can find a method wanting; they cannot show that an explanation is right."

    def to_dict(self) -> dict[str, Any]:
        """The record as plain JSON values; `from_dict` is its inverse."""
        return {
            "method": self.method,
            "params": plain(self.params),
            "findings": [finding.to_dict() for finding in self.findings],
            "untested": [list(one) for one in self.untested],
            "inputs": self.inputs,
            "provenance": plain(self.provenance),
            "summary": self.summary,
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "Verdict":
        """The record that `to_dict` described, equal to the one it was made from; `InputError` for anything else."""
        try:
            findings = tuple(_finding(one) for one in data["findings"])
            untested = tuple((name, reason) for name, reason in data["untested"])
            return cls(data["method"], data["params"], findings, untested, data["inputs"], data["provenance"])
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"This is no verdict: {error!r}") from error

    def save(self, path: str | PathLike[str]) -> None:
        """Write one file: the record as JSON, in the metadata of a safetensors file as all records are."""
        storage.write(path, "verdict", self.to_dict(), {})

    @classmethod
    def load(cls, path: str | PathLike[str]) -> "Verdict":
        """Read what `save` wrote; equal to the record saved."""
        return cls.from_dict(storage.read(path, "verdict")[0])

    def _with(self, status: str) -> tuple[str, ...]:
        return tuple(finding.check for finding in self.findings if finding.status == status)

    def __repr__(self) -> str:
        return f"Verdict(method={self.method!r}, passed={list(self.passed)}, failed={list(self.failed)})"


def _finding(data: dict[str, Any]) -> Finding:
    reference = data["reference"]
    return Finding(**{**data, "reference": None if reference is None else Reference(**reference)})
