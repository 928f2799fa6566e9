"""Captum's side of `peers.py`: each task with the fastest of its settings that gives right numbers."""

from typing import Any

import torch
from captum._utils.models.linear_model import SkLearnLinearRegression
from captum.attr import (
    FeatureAblation,
    KernelShap,
    LayerGradientXActivation,
    LayerIntegratedGradients,
    Lime,
    LLMAttribution,
    LLMGradientAttribution,
    TextTokenInput,
)
from peers_driver import Task
from peers_texts import class_logits, classifier, language_model, masked, texts_of


def leave_one_out(settings: dict[str, Any], **options: Any) -> Task:
    """Every prompt token replaced in turn; one masked prompt a forward is all that `LLMAttribution` can do."""
    model, tokenizer = language_model(settings["smollm2"])
    method = LLMAttribution(FeatureAblation(model), tokenizer)
    return prompted(settings, method, model, tokenizer, options)


def integrated_gradients(settings: dict[str, Any], **options: Any) -> Task:
    """Points on the way from the replaced prompt; the tokens of the continuation one by one."""
    model, tokenizer = language_model(settings["smollm2"])
    method = LLMGradientAttribution(LayerIntegratedGradients(model, model.get_input_embeddings()), tokenizer)
    return prompted(settings, method, model, tokenizer, {"n_steps": settings["steps"], **options})


def input_x_gradient(settings: dict[str, Any], **options: Any) -> Task:
    """Gradient × activation of the embeddings; the tokens of the continuation one by one."""
    model, tokenizer = language_model(settings["smollm2"])
    method = LLMGradientAttribution(LayerGradientXActivation(model, model.get_input_embeddings()), tokenizer)
    return prompted(settings, method, model, tokenizer, options)


def prompted(settings, method, model, tokenizer, options) -> Task:
    prompt, _ = texts_of(settings, tokenizer)
    given = TextTokenInput(prompt, tokenizer, baselines=settings["replacement"])
    target = torch.tensor(settings["continuation"])
    return Task(
        model,
        lambda: method.attribute(given, target=target, **options).token_attr,
        lambda: method.attribute(given, target=target[:2], **options),
    )


def kernel_shap(settings: dict[str, Any], **options: Any) -> Task:
    return worded(settings, KernelShap, options)


def lime(settings: dict[str, Any], **options: Any) -> Task:
    """As it comes (a lasso), or, with `plain`, by linear regression."""
    return worded(settings, Lime, options)


def worded(settings, method, options) -> Task:
    model, _ = classifier(settings["minilm"])

    def one(text: str, explain) -> torch.Tensor:
        plain, hidden, of_word, target = masked(text, settings["minilm"])
        return explain.attribute(
            plain,
            baselines=hidden,
            target=target,
            feature_mask=of_word,
            n_samples=settings["samples"],
            perturbations_per_eval=options.get("perturbations_per_eval", 64),
            return_input_shape=False,
        )[0]

    def run(texts) -> list[torch.Tensor]:
        settings_of = {"interpretable_model": SkLearnLinearRegression()} if options.get("plain") else {}
        explain = method(lambda ids: class_logits(model, ids), **settings_of)
        torch.manual_seed(options.get("seed", 0))
        return [one(text, explain) for text in texts]

    texts = settings[options.get("texts", "texts")]
    for text in texts:  # made beforehand, as in every other library's task
        masked(text, settings["minilm"])
    return Task(model, lambda: run(texts), lambda: run(texts[:1]))


TASKS = {
    "leave_one_out": leave_one_out,
    "integrated_gradients": integrated_gradients,
    "input_x_gradient": input_x_gradient,
    "kernel_shap": kernel_shap,
    "lime": lime,
}
