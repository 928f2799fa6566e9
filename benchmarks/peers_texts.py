"""What every peer is given alike: the same weights, ids and masked words, by transformers and torch only."""

from functools import cache
from typing import Any

import torch
import transformers

transformers.logging.set_verbosity_error()


@cache
def language_model(folder: str):
    """The language model and its tokenizer, with the attention that transformers takes by itself."""
    model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    return model, transformers.AutoTokenizer.from_pretrained(folder)


@cache
def classifier(folder: str):
    """The classifier and its tokenizer."""
    model = transformers.AutoModelForSequenceClassification.from_pretrained(folder, dtype=torch.float32).eval()
    return model, transformers.AutoTokenizer.from_pretrained(folder)


def texts_of(settings: dict[str, Any], tokenizer) -> tuple[str, str]:
    """Prompt and continuation as text; the peers tokenize it again, which must give the same ids."""
    prompt, both = settings["prompt"], settings["prompt"] + settings["continuation"]
    texts = tokenizer.decode(prompt), tokenizer.decode(both)
    for ids, text in zip((prompt, both), texts, strict=True):
        if tokenizer.encode(text) != ids:
            raise SystemExit(f"{text!r} does not tokenize as it was cut")
    return texts


def words_of(text: str, tokenizer) -> tuple[list[int], list[int | None]]:
    """The ids of a text, and which word, by white space, each belongs to: None for special tokens."""
    found = tokenizer(text, return_offsets_mapping=True)
    words, special = [], tokenizer.get_special_tokens_mask(found["input_ids"], already_has_special_tokens=True)
    for (start, _), is_special in zip(found["offset_mapping"], special, strict=True):
        words.append(None if is_special else len(text[: start + 1].split()) - 1)
    return found["input_ids"], words


@torch.no_grad()
def class_logits(model, ids: torch.Tensor) -> torch.Tensor:
    """Logits of texts of one length, without padding."""
    return model(input_ids=ids, attention_mask=torch.ones_like(ids)).logits


@cache
def masked(text: str, folder: str) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, int]:
    """Of a text: its ids, the same with every word masked, which word each token is of (specials with word 0, which
    changes nothing, as they are never masked), and the class the model finds likeliest."""
    model, tokenizer = classifier(folder)
    ids, words = words_of(text, tokenizer)
    plain = torch.tensor([ids])
    hidden = torch.tensor([[i if w is None else tokenizer.mask_token_id for i, w in zip(ids, words, strict=True)]])
    of_word = torch.tensor([[0 if w is None else w for w in words]])
    return plain, hidden, of_word, int(class_logits(model, plain).argmax())
