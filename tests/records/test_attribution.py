"""The record itself: what it holds, that it never changes, that it is equal after a round trip."""

import copy
import json
import pickle
from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import whence
from records.samples import attribution, steady, tokens_of
from whence.errors import InputError, NonFiniteError, WhenceError
from whence.records import Attribution, TargetValue, Token

TOKENS = (
    Token("<s>", 1, None, None, "prompt", True),
    Token("The", 5, 0, 3, "prompt"),
    Token(" 😀", 6, 3, 5, "user"),
    Token("😀", 7, 4, 5, "user"),
    Token("\u200f\n\x1b[31m", 8, 5, 12, "continuation"),
)
finite = st.floats(allow_nan=False, allow_infinity=False, width=32, min_value=-(2.0**90), max_value=2.0**90)


def through_dict(record, folder):
    return Attribution.from_dict(record.to_dict())


def through_json(record, folder):
    return Attribution.from_dict(json.loads(json.dumps(record.to_dict(), allow_nan=False)))


def through_file(record, folder):
    record.save(folder / "record.safetensors")
    return Attribution.load(folder / "record.safetensors")


ways = pytest.mark.parametrize("way", [through_dict, through_json, through_file])


# ---------------------------------------------------------------------- what it holds


def test_dict_has_exactly_the_pinned_keys():
    described = attribution(TOKENS).to_dict()
    assert list(described) == ["tokens", "targets", "scores", "residual", "method", "params", "provenance"]
    assert [set(token) for token in described["tokens"]] == [{"text", "id", "start", "end", "role", "special"}] * 5
    assert [set(t) for t in described["targets"]] == [{"label", "position", "value", "baseline_value", "unit"}] * 2


def test_dict_holds_plain_values():
    record = attribution(TOKENS, [[1, 2, 3, 4, 5.5]], values=[20.0])
    described = record.to_dict()
    assert described["scores"] == [[1.0, 2.0, 3.0, 4.0, 5.5]]
    assert described["residual"] == [4.25]
    assert described["tokens"][0] == {
        "text": "<s>",
        "id": 1,
        "start": None,
        "end": None,
        "role": "prompt",
        "special": True,
    }
    assert described["targets"][0] == {
        "label": " target0",
        "position": 5,
        "value": 20.0,
        "baseline_value": 0.25,
        "unit": "logit",
    }


def test_residual_of_a_method_that_claims_nothing_is_none():
    record = attribution(TOKENS, complete=False)
    assert record.residual is None
    assert record.to_dict()["residual"] is None


@steady
@given(arrays(np.float32, (3, 4), elements=finite), st.lists(finite, min_size=3, max_size=3), st.none() | finite)
def test_residual_is_what_the_stored_scores_leave_of_the_value(scores, values, baseline):
    record = attribution(tokens_of("a", " b", "c", " d"), scores, values=values, baseline=baseline)
    assert record.scores.dtype == record.residual.dtype == np.float32
    for row, value, residual in zip(scores, values, record.residual, strict=True):
        left = value - (baseline or 0.0) - sum(float(score) for score in row)
        size = max(1.0, abs(value), abs(baseline or 0.0), float(np.abs(row).max()))
        assert float(residual) == pytest.approx(left, rel=1e-6, abs=1e-12 * size)


def test_residual_counts_the_rounding_of_scores_to_float32():
    third = np.array([[1 / 3, 1 / 3, 1 / 3]])
    record = Attribution.build(
        tokens_of("a", "b", "c"),
        [TargetValue("x", None, 1.0, 0.0, "logit")],
        third,
        complete=True,
        method="m",
        params={},
        provenance={},
    )
    assert record.residual[0] == np.float32(1.0 - 3 * float(np.float32(1 / 3)))
    assert record.residual[0] != 0


def test_unit_is_the_scores_own_where_it_is_not_the_targets():
    assert attribution(TOKENS, unit="probability").unit == "probability"
    assert attribution(TOKENS, unit="probability", scores_unit="attention weight").unit == "attention weight"


def test_text_is_none_where_it_was_not_kept():
    assert attribution(TOKENS).text is None
    assert attribution(TOKENS, text="The").text == "The"


def test_scores_that_do_not_fit_tokens_and_targets_are_refused():
    record = attribution(TOKENS)
    with pytest.raises(InputError, match=r"shape \(2, 5\).*\(targets, tokens\) = \(2, 4\)"):
        replace(record, tokens=TOKENS[:4])
    with pytest.raises(InputError, match=r"\(1, 5\)"):
        replace(record, targets=record.targets[:1])


def test_residual_that_does_not_fit_the_targets_is_refused():
    with pytest.raises(InputError):
        replace(attribution(TOKENS), residual=np.zeros(3, np.float32))


# ---------------------------------------------------------------------- NaN and infinity


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize(
    "place",
    [
        "scores",
        "residual",
        "value",
        pytest.param("baseline_value"),
    ],
)
def test_non_finite_numbers_are_refused(place, bad):
    record = attribution(TOKENS, complete=False)
    changed = {
        "scores": {"scores": np.full((2, 5), bad, np.float32)},
        "residual": {"residual": np.array([0.0, bad], np.float32)},
        "value": {"targets": (record.targets[0], replace(record.targets[1], value=bad))},
        "baseline_value": {"targets": (record.targets[0], replace(record.targets[1], baseline_value=bad))},
    }
    with pytest.raises(NonFiniteError, match=r"attnlrp: the .* NaN or infinite.*float32"):
        replace(record, **changed[place])


def test_a_file_cannot_bring_nan_in():
    described = attribution(TOKENS).to_dict()
    described["scores"][1][2] = float("nan")
    with pytest.raises(NonFiniteError):
        Attribution.from_dict(described)


# ---------------------------------------------------------------------- immutability


@pytest.mark.parametrize("name", ["scores", "residual", "tokens", "targets", "method", "params", "provenance"])
def test_fields_cannot_be_set(name):
    record = attribution(TOKENS)
    with pytest.raises(FrozenInstanceError):
        setattr(record, name, getattr(record, name))


def test_arrays_are_read_only():
    record = attribution(TOKENS)
    for array in (record.scores, record.residual):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1.0


@pytest.mark.parametrize(
    "duplicate",
    [
        lambda r, _: r.words(),
        lambda r, _: r.top(2),
        lambda r, _: r.share(),
        through_file,
        pytest.param(lambda r, _: copy.deepcopy(r)),
        pytest.param(lambda r, _: pickle.loads(pickle.dumps(r))),
    ],
    ids=["words", "top", "share", "file", "deepcopy", "pickle"],
)
def test_arrays_of_records_made_from_it_are_read_only(duplicate, tmp_path):
    made = duplicate(attribution(TOKENS), tmp_path)
    assert not made.scores.flags.writeable
    assert not made.residual.flags.writeable


def test_a_record_does_not_follow_the_arrays_it_was_made_from():
    scores = np.ones((2, 5), np.float32)
    record = replace(attribution(TOKENS), scores=scores)
    scores[:] = 9
    assert (record.scores == 1).all()
    assert scores.flags.writeable


def test_a_record_does_not_follow_the_dicts_it_was_made_from():
    params, provenance = {"steps": [1]}, {"versions": {"numpy": "2"}}
    record = replace(attribution(TOKENS), params=params, provenance=provenance)
    params["steps"].append(2)
    provenance["versions"]["numpy"] = "9"
    assert record.params == {"steps": [1]}
    assert record.provenance == {"versions": {"numpy": "2"}}


def test_changing_the_dict_does_not_change_the_record():
    record = attribution(TOKENS)
    expected = copy.deepcopy(record)
    described = record.to_dict()
    described["params"]["steps"] = 99
    described["provenance"]["versions"]["numpy"] = "9"
    described["tokens"][0]["text"] = "changed"
    described["scores"][0][0] = 99.0
    assert record == expected


def test_derived_records_share_nothing_that_can_change():
    record = attribution(TOKENS)
    record.words().provenance["versions"]["numpy"] = "9"
    assert record.provenance["versions"] == {"numpy": "2"}


def test_tokens_and_targets_are_tuples_whatever_was_given():
    record = attribution(TOKENS)
    assert replace(record, tokens=tuple(TOKENS)).tokens == TOKENS
    assert isinstance(
        Attribution.build(
            list(TOKENS), list(record.targets), record.scores, complete=True, method="m", params={}, provenance={}
        ).tokens,
        tuple,
    )


# ---------------------------------------------------------------------- equality


@pytest.mark.parametrize(
    "change",
    [
        {"scores": np.zeros((2, 5), np.float32)},
        {"residual": None},
        {"residual": np.zeros(2, np.float32)},
        {"tokens": (*TOKENS[:4], replace(TOKENS[4], role="user"))},
        {"method": "saliency"},
        {"params": {}},
        {"provenance": {"seed": 8}},
    ],
    ids=lambda change: next(iter(change)),
)
def test_records_that_differ_in_one_field_are_not_equal(change):
    record = attribution(TOKENS)
    assert record == attribution(TOKENS)
    assert record != replace(record, **change)
    assert replace(record, **change) != record


def test_records_that_differ_in_a_target_are_not_equal():
    record = attribution(TOKENS)
    assert record != replace(record, targets=(record.targets[0], replace(record.targets[1], value=0.5)))


def test_a_record_equals_no_other_kind_of_thing():
    record = attribution(TOKENS)
    assert record != record.to_dict()
    assert record != 0


# ---------------------------------------------------------------------- round trips


@ways
@pytest.mark.parametrize("complete", [True, False])
@pytest.mark.parametrize("baseline", [None, 0.1])
def test_equal_after_a_round_trip(way, complete, baseline, tmp_path):
    record = attribution(TOKENS, complete=complete, baseline=baseline, text="The 😀")
    back = way(record, tmp_path)
    assert back == record
    assert back.to_dict() == record.to_dict()


@ways
@pytest.mark.parametrize(
    "derive",
    [lambda a: a.words(), lambda a: a.sentences(), lambda a: a.segments([(3, 5), (0, 3)]), lambda a: a.share()],
    ids=["words", "sentences", "segments", "share"],
)
def test_derived_records_are_equal_after_a_round_trip(way, derive, tmp_path):
    record = derive(attribution(TOKENS))
    assert way(record, tmp_path) == record


@pytest.mark.parametrize(
    "way",
    [
        through_dict,
        through_json,
        pytest.param(through_file),
    ],
)
@pytest.mark.parametrize("layout", ["top", "transposed", "fortran"])
def test_the_layout_of_scores_in_memory_changes_nothing(way, layout, tmp_path):
    tokens = tokens_of("a", "b", "c")
    rows = [[1, 2, 3], [4, 5, 6]]
    record = {
        "top": lambda: attribution(tokens, rows).top(2),
        "transposed": lambda: attribution(tokens, np.array(rows, np.float32).T.copy().T),
        "fortran": lambda: replace(attribution(tokens), scores=np.asfortranarray(np.array(rows, np.float32))),
    }[layout]()
    assert way(record, tmp_path).scores.tolist() == record.scores.tolist()


@steady
@given(
    st.integers(0, 3).flatmap(lambda rows: arrays(np.float32, (rows, 4), elements=finite)),
    st.lists(st.text(st.characters(exclude_categories=())), min_size=4, max_size=4),
    st.booleans(),
    st.dictionaries(st.text(), st.none() | st.booleans() | st.integers() | finite | st.text()),
)
def test_any_record_is_equal_after_a_round_trip(tmp_path_factory, scores, texts, complete, params):
    record = replace(attribution(tokens_of(*texts), scores, complete=complete), params=params)
    folder = tmp_path_factory.mktemp("records")
    for way in (through_dict, through_json, through_file):
        assert way(record, folder) == record


@pytest.mark.parametrize("value", [(1, 2), [(1, 2)], {"inner": (1,)}, np.float32(0.5), np.int64(3)], ids=repr)
def test_params_are_equal_after_a_round_trip_whatever_their_type(value, tmp_path):
    record = replace(attribution(TOKENS), params={"value": value})
    assert through_file(record, tmp_path) == record


@pytest.mark.parametrize(
    "change",
    [
        {"scores": [[1.0], [2.0], [3.0], [4.0], [5.0]] * 2},
        {"scores": [[1.0, 2.0]]},
        {"scores": None},
        {"tokens": [{"text": "a", "surprise": 1}]},
        {"targets": None},
    ],
    ids=["transposed", "short", "none", "unknown key", "no targets"],
)
def test_a_dict_that_is_not_a_record_is_refused(change):
    with pytest.raises(WhenceError):
        Attribution.from_dict(attribution(TOKENS).to_dict() | change)


@pytest.mark.parametrize("key", ["tokens", "targets", "scores", "residual", "method", "params", "provenance"])
def test_a_dict_that_lacks_a_key_is_refused(key):
    described = attribution(TOKENS).to_dict()
    del described[key]
    with pytest.raises(WhenceError, match=key):
        Attribution.from_dict(described)


# ---------------------------------------------------------------------- to_pandas


def test_pandas_has_a_row_for_each_target_and_token():
    pytest.importorskip("pandas")
    record = attribution(TOKENS)
    frame = record.to_pandas()
    assert list(frame.columns) == [
        "target",
        "target_position",
        "token_index",
        "token",
        "id",
        "start",
        "end",
        "role",
        "special",
        "score",
        "unit",
    ]
    assert frame["score"].tolist() == record.scores.reshape(-1).tolist()
    assert frame["target"].tolist() == [" target0"] * 5 + [" target1"] * 5
    assert frame["token_index"].tolist() == [0, 1, 2, 3, 4] * 2
    assert frame["token"].tolist() == [token.text for token in TOKENS] * 2
    assert set(frame["unit"]) == {"logit"}
    assert frame["special"].sum() == 2


def test_repr_is_short_and_says_what_it_is():
    assert repr(attribution(TOKENS)) == (
        "Attribution(method='attnlrp', targets=[' target0', ' target1'], tokens=5, unit='logit')"
    )
    many = attribution(tokens_of("a"), [[1]] * 9)
    assert "' target2', ...]" in repr(many)
    assert "target3" not in repr(many)


def test_rows_of_different_units_say_their_own():
    subject = whence.FakeSubject({"good": [1.0, -2.0]}, labels=("no", "yes"))
    record = whence.explain(subject, "good film", target=[whence.Logit("no"), whence.Prob("no")], method="attnlrp")
    assert [record.unit_of(row) for row in (0, 1)] == ["logit", "probability"]
    assert record.unit == "logit, probability"
    pytest.importorskip("pandas")
    assert record.to_pandas()["unit"].unique().tolist() == ["logit", "probability"]
    assert [t.unit for t in record.share().targets] == [
        "logit / total |logit|",
        "probability / total |probability|",
    ]
