"""Inseq's side of `peers.py`, for the same model object, ids and log-probabilities."""

from typing import Any

import torch
from inseq.attr.step_functions import probability_fn
from inseq.models import HuggingfaceDecoderOnlyModel
from peers_driver import Task
from peers_texts import language_model, texts_of


def log_probability(args):
    """The log-probability of the token that comes next; of Inseq's own step functions none is that."""
    return probability_fn(args, logprob=True)


def attributed(method: str):
    """A task that explains every token of the continuation by one of Inseq's methods."""

    def make(settings: dict[str, Any], **options: Any) -> Task:
        network, tokenizer = language_model(settings["smollm2"])
        prompt, both = texts_of(settings, tokenizer)
        model = HuggingfaceDecoderOnlyModel(network, method, tokenizer=tokenizer, device="cpu")
        if method == "integrated_gradients":
            options = {"n_steps": settings["steps"], **options}

        def run(**more) -> torch.Tensor:
            found = model.attribute(prompt, both, attributed_fn=log_probability, show_progress=False, **options, **more)
            scores = found.sequence_attributions[0].target_attributions
            scores = scores.sum(-1) if scores.ndim == 3 else scores
            return scores[: len(settings["prompt"])].T.nan_to_num()

        return Task(network, run, lambda: run(attr_pos_end=len(settings["prompt"]) + 1))

    return make


TASKS = {
    "leave_one_out": attributed("occlusion"),
    "integrated_gradients": attributed("integrated_gradients"),
    "input_x_gradient": attributed("input_x_gradient"),
}
