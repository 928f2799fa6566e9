"""Whether a model retrained without the tokens an explanation puts first has lost more than by chance."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Float

from whence.checks.base import Case, Check, status
from whence.checks.likeness.ranks import half_interval
from whence.checks.training.encoder import accuracy, small_encoder, train
from whence.checks.training.kept import Kept
from whence.checks.training.labelled import usable_rows
from whence.checks.training.masked_texts import (
    MaskedTexts,
    Order,
    explained_settings,
    masked_texts,
    orders_of,
    settings_of,
)
from whence.errors import InputError
from whence.methods.checks import check_number, check_whole
from whence.records import Finding, Reference
from whence.records.counting import counted
from whence.records.verdict import NOT_APPLICABLE

METHOD, CHANCE = "method", "random"


@dataclass(frozen=True)
class Roar(Check):
    """Remove and retrain: what a small encoder can still learn from texts whose top tokens are masked.

    Formula: with acc_r(share, order) the accuracy on held-out texts of an encoder trained from scratch, both on texts
    whose first `share` of the tokens in an order are masked, in repeat r (the seed of its weights and batches):
    the mean over repeats of d_r = mean over shares of acc_r(share, random) − acc_r(share, explanation). Passed where
    it is above 0 by more than its 95 % confidence interval, Student's t over the repeats.
    Source: Hooker et al. 2019, "A Benchmark for Interpretability Methods in Deep Neural Networks", section 3 (ROAR),
    on text: a masked token becomes one token that stands for nothing, control tokens stay.
    The order is by the size of the method's scores, largest first, whatever their sign. By signed scores for the
    predicted class, what is left of a text would speak for another class, and so tell the label (on SST-2 an encoder
    then learnt more from half of the tokens than from all of them).
    Shapes and units: accuracies from 0 to 1, of one encoder for each share and repeat; the gain is their difference.
    Cost: an explanation and a forward pass of every labelled text; 1 + 2 · shares trainings for each repeat. Of a run
    that is gone on with, the forward passes again, which say what is explained.
    Errors: `InputError` for shares, repeats or the like that cannot be, and for a file in `folder` that is another's.
    Does not claim: that the explained model uses these tokens: the retrained one is another, which may learn the label
    from what is left; nor that texts with masked tokens are like texts.

    Applies to text classifiers, given texts with labels. `held_out` is the share of the texts that is tested on,
    `layers`, `hidden`, `epochs` and `lr` make and train the encoder. Texts that the model cannot read, and labels that
    it has not, are counted in `details["refused"]`. With a `folder`, explanations and accuracies are kept in a file as
    they come, and the same check goes on from there; results of another model, method, data or settings are not used.

    >>> Roar(repeats=3).trainings
    21
    """

    shares: tuple[float, ...] = (0.1, 0.3, 0.5)
    repeats: int = 5
    held_out: float = 0.2
    layers: int = 2
    hidden: int = 64
    epochs: int = 3
    lr: float = 1e-3
    folder: str | None = None

    key: ClassVar[str] = "roar"
    asks: ClassVar[str] = "Is a model retrained without the top tokens worse than one without as many random tokens?"
    unasked: ClassVar[str | None] = "it trains models, which takes minutes"

    def __post_init__(self) -> None:
        if isinstance(self.shares, str) or not isinstance(self.shares, Sequence) or not self.shares:
            raise InputError(f"shares must be shares of the tokens, such as (0.1, 0.3, 0.5), got {self.shares!r}.")
        object.__setattr__(self, "shares", tuple(self.shares))
        for name, share in [*(("shares", share) for share in self.shares), ("held_out", self.held_out)]:
            check_number(name, share, above=0, at_most=0.99)
        check_whole("repeats", self.repeats, least=2)
        for name in ("layers", "hidden", "epochs"):
            check_whole(name, getattr(self, name), least=1)
        check_number("lr", self.lr, above=0)

    @property
    def trainings(self) -> int:
        """How many models are trained."""
        return self.repeats * (1 + 2 * len(self.shares))

    def _inapplicable(self, case: Case) -> str | None:
        if case.subject.task != "text-classification":
            return f"Roar retrains text classifiers; {case.subject.name} is made for {case.subject.task}."
        if len(case.labelled) < 2:
            return 'Roar trains on texts with labels: give a list of {"text": ..., "label": ...} as data.'
        if len(case.attributions[0].targets) != 1:
            return "Roar orders the tokens of a text by one explanation, and there are several targets. Ask for one."
        return None

    def _find(self, case: Case) -> Finding:
        rows = usable_rows(case)
        texts = masked_texts(rows, self.held_out, case.run.seed)
        details = rows.details
        if texts.one_sided:
            usable = counted(len(texts.ids), "text")
            reason = f"Roar needs texts of two labels to train on and to test on; {usable} can be used."
            return Finding(self.key, NOT_APPLICABLE, reason, details=details)
        kept = Kept(self.folder, self.key)
        explained = explained_settings(case, texts)
        orders = orders_of(case, texts, explained, kept)
        with case.run.progress_of(self.trainings * self.epochs * len(texts.trained), "roar: trainings") as advance:
            measured = _Trainings(self, case, texts, explained, kept, advance)
            whole = np.array([measured.accuracy(repeat) for repeat in range(self.repeats)])
            details |= _about(texts) | {"unmasked": float(whole.mean())}
            if whole.mean() <= texts.majority:
                reason = (
                    f"The small encoder learns nothing from the texts as they are: its accuracy is {whole.mean():.1%}, "
                    f"and the commonest label makes up {texts.majority:.1%}. Give more texts, or more epochs."
                )
                return Finding(self.key, NOT_APPLICABLE, reason, details=details)
            by_method = measured.table(METHOD, lambda repeat: orders)
            by_chance = measured.table(CHANCE, lambda repeat: texts.random_orders(case.run.seed, repeat))
        return self._finding(case, by_method, by_chance, details)

    def _finding(
        self,
        case: Case,
        by_method: Float[np.ndarray, "repeat share"],
        by_chance: Float[np.ndarray, "repeat share"],
        details: dict[str, Any],
    ) -> Finding:
        gains = (by_chance - by_method).mean(axis=1)
        gain, half = float(gains.mean()), half_interval(gains)
        curves = {METHOD: by_method.mean(axis=0), CHANCE: by_chance.mean(axis=0)}
        shares, fallen, by_luck = (
            ", ".join(f"{value:.1%}" for value in values) for values in (self.shares, *curves.values())
        )
        return Finding(
            self.key,
            status(gain > half),
            f"A small encoder has an accuracy of {details['unmasked']:.1%} on held-out texts. Retrained with the "
            f"tokens masked that {case.method.key} puts first ({shares} of them), it has {fallen}; with as many random "
            f"tokens masked, {by_luck}: on average {100 * gain:.1f} points more are lost than by chance "
            f"(± {100 * half:.1f}, {self.repeats} repeats).",
            "accuracy with random tokens masked − accuracy with top tokens masked, mean over shares",
            gain,
            Reference("no difference", 0.0, -half, half, self.repeats, "95 % confidence for the mean"),
            details=details
            | {"shares": self.shares, **curves, "gains": gains}
            | {"by_repeat": {METHOD: by_method, CHANCE: by_chance}},
        )


@dataclass(frozen=True, eq=False)
class _Trainings:
    """Encoders trained from scratch on texts with some tokens masked, and how right each is on those held out."""

    check: Roar
    case: Case
    texts: MaskedTexts
    explained: Mapping[str, Any]
    """What results depend on that are made of explanations."""
    kept: Kept
    advance: Callable[[int], None]

    def table(self, by: str, orders: Callable[[int], Sequence[Order]]) -> Float[np.ndarray, "repeat share"]:
        """The accuracy of every repeat with each share of the tokens masked, in the orders of the repeat."""
        return np.array(
            [
                [self.accuracy(repeat, by, share, orders(repeat)) for share in self.check.shares]
                for repeat in range(self.check.repeats)
            ]
        )

    def accuracy(self, repeat: int, by: str = "nothing", share: float = 0.0, orders: Sequence[Order] = ()) -> float:
        """The accuracy of one model on masked texts; of texts as they are without an order."""
        made_by = {name: getattr(self.check, name) for name in ("held_out", "layers", "hidden", "epochs", "lr")}
        settings = self.explained if by == METHOD else settings_of(self.case, self.texts)
        settings = {**settings, **made_by, "by": by, "share": share, "repeat": repeat}
        count = self.check.epochs * len(self.texts.trained)
        counted = 0

        def advance(texts: int) -> None:
            nonlocal counted
            counted += texts
            self.advance(texts)

        def work() -> float:
            ids = self.texts.ids if not orders else self.texts.masked(orders, share)
            return self._trained(ids, repeat, advance)

        found = float(self.kept.get_or(settings, work))
        self.advance(count - counted)
        return found

    def _trained(self, ids: Sequence[np.ndarray], repeat: int, advance: Callable[[int], None]) -> float:
        check, texts, seed = self.check, self.texts, self.case.run.seed + repeat
        longest = max(len(one) for one in ids)
        device = self.case.subject.device
        labels = [str(label) for label in range(texts.classes)]
        model = small_encoder(texts.vocabulary, labels, longest, check.layers, check.hidden, seed, device)
        learnt, tested = ([ids[i] for i in part] for part in (texts.trained, texts.tested))
        train(model, learnt, texts.labels[texts.trained], check.epochs, check.lr, seed, advance)
        return accuracy(model, tested, texts.labels[texts.tested])


def _about(texts: MaskedTexts) -> dict[str, Any]:
    return {"trained": len(texts.trained), "tested": len(texts.tested), "commonest_label": texts.majority}
