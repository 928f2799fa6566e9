"""What a neuron writes, as tokens."""

import numpy as np
import pytest
import torch

import tiny
import whence
from whence.errors import InputError, UnsupportedError


@pytest.fixture(scope="module", params=["llama", "gpt2"])
def subject(request):
    return whence.load({"llama": tiny.llama_lm, "gpt2": tiny.gpt2_lm}[request.param]())


def test_scores_are_what_one_more_unit_of_activation_adds_to_logits_read_off_the_stream(subject):
    """Without the final norm, as stated: the head is applied to the stream itself."""
    found = whence.vocabulary_projection(subject, (1, 5), k=4)
    streams = []
    for value in (2.0, 3.0):
        with whence.intervene(subject, {(1, 5): value}):
            kept = []
            norm = subject.model.model.norm if hasattr(subject.model, "model") else subject.model.transformer.ln_f
            hook = norm.register_forward_pre_hook(lambda m, args, kept=kept: kept.append(args[0]))
            with torch.no_grad():
                subject.model(input_ids=torch.tensor([[4, 5, 6]]))
            hook.remove()
            streams.append(subject.model.get_output_embeddings().weight.detach() @ kept[0][0, -1])
    added = (streams[1] - streams[0]).numpy()
    order = np.argsort(-added)
    assert [e.id for e in found.promoted] == order[:4].tolist()
    assert [e.id for e in found.suppressed] == order[::-1][:4].tolist()
    np.testing.assert_allclose([e.score for e in found.promoted], added[order[:4]], rtol=1e-5)
    np.testing.assert_allclose([e.score for e in found.suppressed], added[order[::-1][:4]], rtol=1e-5)
    assert [e.text for e in found.promoted] == [subject.output_label(e.id) for e in found.promoted]
    assert found.provenance["final_norm_folded_in"] is False


def test_a_vocabulary_is_the_most_there_is(subject):
    found = whence.vocabulary_projection(subject, "layer 0 neuron 0", k=10**6)
    assert len(found.promoted) == len(found.suppressed) == len(subject.tokenizer)
    assert [e.id for e in found.promoted] == [e.id for e in reversed(found.suppressed)]


@pytest.mark.parametrize("unit", ["layer 0 head 1", "layer 0", "residual 1"])
def test_what_is_no_one_direction_is_refused(subject, unit):
    with pytest.raises(UnsupportedError, match="writes no one direction"):
        whence.vocabulary_projection(subject, unit)


def test_bad_questions_are_refused(subject):
    with pytest.raises(InputError, match="no layer 5 neuron 0"):
        whence.vocabulary_projection(subject, (5, 0))
    with pytest.raises(InputError, match="at least 1"):
        whence.vocabulary_projection(subject, (0, 0), k=0)


def test_a_classifier_has_no_vocabulary_to_read_off():
    with pytest.raises(UnsupportedError, match="does not read a vocabulary"):
        whence.vocabulary_projection(whence.load(tiny.llama_classifier()), (0, 0))


def test_it_shows_itself_and_comes_back(subject, capsys):
    found = whence.vocabulary_projection(subject, (1, 5), k=3)
    assert whence.VocabularyProjection.from_dict(found.to_dict()) == found
    found.show()
    printed = capsys.readouterr().out
    assert "layer 1 neuron 5" in printed
    assert "suppresses" in printed
    assert "layer 1 neuron 5" in whence.report(found).to_html()
