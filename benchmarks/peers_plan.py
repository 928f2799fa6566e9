"""What `peers.py` runs: each library with its fastest settings, and with its own defaults where these tell more."""

from dataclasses import dataclass, field, replace
from typing import Any


@dataclass(frozen=True)
class Entry:
    """A row: a library's task with options, and these in words.

    `slow` rows are run once. `unsigned` ones give sizes only. `first_row` ones mean the same as the others only for the
    first token of the continuation.
    """

    library: str
    task: str
    setting: str = ""
    options: dict[str, Any] = field(default_factory=dict)
    slow: bool = False
    unsigned: bool = False
    first_row: bool = False

    @property
    def name(self) -> str:
        return f"{self.library} {self.task}" + (f", {self.setting}" if self.setting else "")

    def but(self, **options: Any) -> "Entry":
        return replace(self, options=self.options | options)


LEAVE_ONE_OUT, IG, IXG = "leave_one_out", "integrated_gradients", "input_x_gradient"
LANGUAGE = {
    LEAVE_ONE_OUT: [
        Entry("whence", LEAVE_ONE_OUT),
        Entry("whence", "occlusion", "window 1"),
        Entry("captum", LEAVE_ONE_OUT, "whole sequences", {"forward_in_tokens": False}),
        Entry("inseq", LEAVE_ONE_OUT, "16 masked inputs a pass", {"perturbations_per_eval": 16}, unsigned=True),
        Entry("captum", LEAVE_ONE_OUT, "token by token, no cache", {"use_cached_outputs": False}, slow=True),
        Entry("captum", LEAVE_ONE_OUT, "as it comes (cache)", slow=True),
        Entry("inseq", LEAVE_ONE_OUT, "as it comes (1 a pass)", slow=True, unsigned=True),
    ],
    IG: [
        Entry("whence", IG),
        Entry("captum", IG, "10 points a pass", {"internal_batch_size": 10}, first_row=True),
        Entry("inseq", IG, "10 points a pass", {"internal_batch_size": 10}),
    ],
    IXG: [Entry("whence", IXG), Entry("captum", IXG), Entry("inseq", IXG)],
}

BATCH = "64 masked texts a pass"
KERNEL_SHAP, LIME = "kernel_shap", "lime"
CLASSIFIER = {
    KERNEL_SHAP: [
        Entry("whence", KERNEL_SHAP),
        Entry("whence", KERNEL_SHAP, "160 samples", {"samples": 160}),
        Entry("captum", KERNEL_SHAP, BATCH, {"perturbations_per_eval": 64}),
        Entry("shap", KERNEL_SHAP, BATCH, {"batch": 64}),
    ],
    LIME: [
        Entry("whence", LIME),
        Entry(
            "whence",
            LIME,
            "kernel width 0.5, pairs, 170 samples",
            {"samples": 170, "kernel_width": 0.5, "paired": True},
        ),
        Entry("captum", LIME, BATCH, {"perturbations_per_eval": 64}),
    ],
}

ESTIMATES = [
    *CLASSIFIER[KERNEL_SHAP],
    *CLASSIFIER[LIME],
    Entry("captum", LIME, "linear regression", {"perturbations_per_eval": 64, "plain": True}),
]
