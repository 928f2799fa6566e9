"""The record of what is inside a model: what it says, and that it comes back as it was."""

import copy
import pickle

import numpy as np
import pytest

from whence.errors import InputError, NonFiniteError
from whence.records import Attribution, Latents, TargetValue, Token, Unit

TOKENS = (Token("The", 5, 0, 3), Token(" film", 6, 3, 8), Token("\x1b[31m<b>", 7, 8, 15))
UNITS = (Unit("head", 0, 0), Unit("head", 0, 1), Unit("cross_head", 1, 0, "decoder"), Unit("head", 1, 1))
TARGETS = (TargetValue(" good", 3, 2.5, 0.0, "logit"), TargetValue(" bad", 4, -1.0, None, "probability"))
SCORES = np.array(
    [
        [[1.0, -4.0, 0.25, 2.0], [-3.0, -1.0, 0.5, 0.0], [2.5, 2.0, 0.0, 0.0]],
        [[0.0, 1.0, 0.0, -9.0], [0.0, 1.0, 0.0, 9.5], [0.0, 1.0, 0.0, 0.0]],
    ],
    dtype=np.float32,
)


def record(scores=SCORES, **changes):
    fields = {
        "kind": "head",
        "units": UNITS,
        "tokens": TOKENS,
        "targets": TARGETS,
        "scores": scores,
        "method": "attnlrp",
        "params": {"epsilon": 0.0},
        "provenance": {"model": "tiny", "text": "The film\x1b[31m<b>", "caveat": "Not all."},
    }
    return Latents(**(fields | changes))


def test_total_is_the_sum_over_tokens():
    np.testing.assert_array_equal(record().total, SCORES.sum(axis=1))
    assert record().total.dtype == np.float32


def test_top_is_by_magnitude_of_the_sum_signed_and_stable():
    found = record().top(3)
    assert [(s.unit, s.score) for s in found] == [(UNITS[1], -3.0), (UNITS[3], 2.0), (UNITS[2], 0.75)]
    assert [(s.at, s.token, s.score_there) for s in found[:2]] == [(0, TOKENS[0], -4.0), (0, TOKENS[0], 2.0)]
    second = record().top(10, target=1)
    assert [s.unit for s in second] == [UNITS[1], UNITS[3], UNITS[0], UNITS[2]]
    assert (second[1].score, second[1].at, second[1].score_there) == (0.5, 1, 9.5)


@pytest.mark.parametrize("k", [0, -1, True])
def test_top_wants_a_number_of_units(k):
    with pytest.raises(InputError, match="at least 1"):
        record().top(k)


def test_top_wants_a_row_there_is():
    with pytest.raises(InputError, match="no target row 2: rows are 0 to 1"):
        record().top(1, target=2)


def test_of_is_one_unit_over_the_tokens():
    one = record().of("decoder layer 1 cross-attention head 0")
    assert isinstance(one, Attribution)
    np.testing.assert_array_equal(one.scores, SCORES[:, :, 2])
    assert one.residual is None
    assert one.provenance["derived"] == ["decoder layer 1 cross-attention head 0"]
    with pytest.raises(InputError, match=r"layer 9 head 0 is not among these 4 units"):
        record().of("layer 9 head 0")


def test_a_round_trip_through_json_and_a_file_changes_nothing(tmp_path):
    original = record()
    assert Latents.from_dict(original.to_dict()) == original
    original.save(tmp_path / "latents.safetensors")
    assert Latents.load(tmp_path / "latents.safetensors") == original
    assert pickle.loads(pickle.dumps(original)) == original
    assert copy.deepcopy(original) == original


def test_records_of_other_numbers_or_units_differ():
    assert record() != record(scores=SCORES + 1)
    assert record() != record(units=UNITS[::-1])
    assert record() != record(method="cp_lrp")
    assert record() != "latents"


def test_an_empty_record_comes_back_too():
    empty = record(scores=np.zeros((2, 3, 0), dtype=np.float32), units=())
    assert Latents.from_dict(empty.to_dict()) == empty
    assert empty.top(3) == []


def test_scores_cannot_be_changed():
    with pytest.raises(ValueError, match="read-only"):
        record().scores[0, 0, 0] = 1.0


def test_what_is_no_record_is_refused():
    with pytest.raises(InputError, match="has no units"):
        Latents.from_dict({k: v for k, v in record().to_dict().items() if k != "units"})
    with pytest.raises(InputError, match="no latents record"):
        Latents.from_dict(record().to_dict() | {"units": {"kind": ["head"]}})
    with pytest.raises(InputError, match=r"wanted \(targets, tokens, units\) = \(2, 3, 4\)"):
        record(scores=SCORES[:, :2])
    for broken in (np.nan, np.inf):
        with pytest.raises(NonFiniteError, match="attnlrp"):
            record(scores=np.where(SCORES == 9.5, broken, SCORES))


def test_a_table_has_a_row_for_each_target_and_unit():
    pytest.importorskip("pandas")
    frame = record().to_pandas()
    assert len(frame) == 8
    row = frame[(frame["target"] == " bad") & (frame["name"] == "layer 1 head 1")].iloc[0]
    assert (row["score"], row["token"], row["score_there"], row["unit"]) == (0.5, " film", 9.5, "probability")


def test_it_is_shown_in_text_and_html_and_no_token_gets_out_of_it(capsys):
    loudest = SCORES.copy()
    loudest[:, 2, 0] = 50.0
    shown = record(scores=loudest)
    shown.show()
    printed = capsys.readouterr().out
    assert "2 target rows" in printed
    assert "layer 0 head 0" in printed
    assert "Caveat: Not all." in printed
    assert "\x1b[31m" not in printed
    page = shown.to_html()
    assert "layer 0 head 0" in page
    assert "<b>" not in page
    assert shown._repr_html_().startswith("<div")
