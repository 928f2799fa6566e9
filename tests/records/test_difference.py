"""The difference of two records: linear in both, in one unit, and honest about what it leaves out."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from records.samples import attribution, tokens_of
from whence.errors import InputError
from whence.records import Attribution, TargetValue

TOKENS = tokens_of("The", " cat", " sat")
rows = st.lists(st.floats(-8, 8, width=16), min_size=3, max_size=3)


def record(scores, *, complete=True, values=(2.0,), baselines=(0.5,), unit="logit", method="one", **provenance):
    scores = np.atleast_2d(np.asarray(scores, dtype=np.float32))
    targets = [
        TargetValue(f" t{i}", 3 + i, value, baseline, "logit")
        for i, (value, baseline) in enumerate(zip(values, baselines, strict=True))
    ]
    about = {"scores_unit": unit, "model": "m", **provenance}
    return Attribution.build(
        TOKENS, targets, scores, complete=complete, method=method, params={"steps": 3}, provenance=about
    )


@given(rows, rows)
def test_scores_are_subtracted_and_the_account_adds_up(first, second):
    a, b = record([first]), record([second], values=(5.0,), baselines=(-1.0,), method="two")
    found = a.difference(b)
    assert np.array_equal(found.scores, a.scores - b.scores)
    (target,) = found.targets
    assert (target.label, target.value, target.baseline_value, target.unit) == (" t0", -3.0, 1.5, "logit")
    total = found.scores.sum(dtype=np.float64)
    assert target.value - target.baseline_value == pytest.approx(total + found.residual[0], abs=1e-4)
    assert found.residual == pytest.approx(a.residual - b.residual, abs=1e-4)


def test_swapping_the_two_changes_every_sign():
    a, b = record([[1, 2, 3]]), record([[3, -1, 0]], method="two")
    assert np.array_equal(a.difference(b).scores, -b.difference(a).scores)
    assert not a.difference(a).scores.any()


def test_there_is_a_residual_only_where_both_claim_one():
    a, b = record([[1, 2, 3]]), record([[1, 1, 1]], complete=False, baselines=(None,))
    for found in (a.difference(b), b.difference(a)):
        assert found.residual is None
        assert found.targets[0].baseline_value is None


def test_what_measures_from_zero_keeps_the_account_whole():
    a, b = record([[1, 2, 3]], baselines=(0.5,)), record([[1, 1, 1]], baselines=(None,))
    assert a.difference(b).residual == pytest.approx(a.residual - b.residual)


def test_rows_whose_targets_differ_are_named_after_both():
    a = record(np.ones((2, 3)), values=(1.0, 2.0), baselines=(0.0, 0.0))
    swapped = Attribution(
        a.tokens, a.targets[::-1], a.scores, a.residual, "two", {}, {**a.provenance, "visible": [3, 3]}
    )
    labels = [(target.label, target.position) for target in a.difference(swapped).targets]
    assert labels == [("“ t0” \N{MINUS SIGN} “ t1”", None), ("“ t1” \N{MINUS SIGN} “ t0”", None)]


def test_each_side_of_a_name_is_quoted_on_its_own_in_every_view():
    shown = record([[1, 2, 3]]).difference(
        Attribution.build(
            TOKENS,
            [TargetValue(" t1", 3, 1.0, 0.5, "logit")],
            np.ones((1, 3)),
            complete=True,
            method="one",
            params={},
            provenance={"scores_unit": "logit", "model": "m"},
        )
    )
    name = "“ t0” \N{MINUS SIGN} “ t1”"
    page = shown.to_html()
    assert f"Explanation of {name}" in page
    assert f"“{name}" not in page


def test_it_says_how_it_was_made():
    a = record([[1, 2, 3]], caveat="A.", forwards=3, standard_error=[[0.1, 0.2, 0.3]])
    b = record([[1, 1, 1]], caveat="B.", forwards=4, standard_error=[[1.0, 1.0, 1.0]], method="two")
    found = a.difference(b)
    assert found.method == "one \N{MINUS SIGN} two"
    assert found.params == {"first": {"steps": 3}, "second": {"steps": 3}}
    about = found.provenance
    assert about["derived"] == ["difference(two)"]
    assert about["model"] == "m"
    assert about["forwards"] == 7
    assert about["caveat"] == "one: A. two: B."
    assert (about["first"]["forwards"], about["second"]["forwards"]) == (3, 4)
    assert found.standard_error == pytest.approx(np.array([[1.1, 1.2, 1.3]]))
    assert Attribution.from_dict(found.to_dict()) == found


def test_tokens_a_row_could_not_read_stay_so():
    a = record(np.ones((2, 3)), values=(1.0, 2.0), baselines=(0.0, 0.0), visible=[1, 2])
    found = a.difference(a)
    assert [found.visible(row) for row in range(2)] == [1, 2]
    assert [found.words().visible(row) for row in range(2)] == [3, 3]


def test_other_units_can_be_compared_as_shares():
    a, b = record([[1, 2, -5]]), record([[4, 0, 4]], unit="attention weight", complete=False, method="two")
    with pytest.raises(InputError, match=r"'logit' and 'attention weight' in row 0\. Take shares"):
        a.difference(b)
    found = a.share().difference(b.share())
    assert found.scores.tolist()[0] == pytest.approx([1 / 8 - 1 / 2, 2 / 8, -5 / 8 - 1 / 2])
    assert found.unit == "share of total |score|"
    assert found.residual is None


def test_what_cannot_be_subtracted_says_why():
    a = record([[1, 2, 3]])
    with pytest.raises(InputError, match="got dict"):
        a.difference({})
    with pytest.raises(InputError, match="' cat' and ' dog' as token 1"):
        a.difference(attribution(tokens_of("The", " dog", " sat"), [[1, 2, 3]]))
    with pytest.raises(InputError, match="3 and 2 of them"):
        a.difference(attribution(TOKENS[:2], [[1, 2]]))
    with pytest.raises(InputError, match="as many target rows in both, got 1 and 2"):
        a.difference(record(np.ones((2, 3)), values=(1.0, 2.0), baselines=(0.0, 0.0)))
