"""Verdicts and scores: what they refuse to hold, and that they come back as they were."""

import json
import math

import pytest

from views.measured import CURVES, finding, score, scores, unmeasured, verdict
from whence.errors import InputError, NonFiniteError
from whence.records import Curve, Finding, Reference, Scores, Verdict

RECORDS = {
    "scores": scores(score(parts={"a": 1.5}), unmeasured(), targets=("<b>", "\x1b[31m"), caveat="c"),
    "no scores": Scores("m", {}, (), (), {}),
    "verdict": verdict(
        finding(details={"curve": [[0, 1.0]], "none": None, "deep": {"er": [1]}}), finding("x", "failed")
    ),
    "all statuses": verdict(),
    "no findings": verdict(findings=(), untested=()),
}


@pytest.mark.parametrize("record", RECORDS.values(), ids=RECORDS)
def test_a_round_trip_through_json_and_a_file_changes_nothing(record, tmp_path):
    kind = type(record)
    assert kind.from_dict(json.loads(json.dumps(record.to_dict(), allow_nan=False))) == record
    record.save(tmp_path / "record")
    assert kind.load(tmp_path / "record") == record


@pytest.mark.parametrize(
    "nonsense",
    [
        {},
        {"findings": 3},
        RECORDS["verdict"].to_dict() | {"findings": [{}]},
        RECORDS["verdict"].to_dict() | {"findings": ["text"]},
        RECORDS["verdict"].to_dict() | {"findings": [{**finding().to_dict(), "surprise": 1}]},
        RECORDS["verdict"].to_dict() | {"untested": [["name"]]},
        RECORDS["verdict"].to_dict() | {"untested": 3},
    ],
    ids=str,
)
def test_what_is_no_verdict_is_refused(nonsense):
    with pytest.raises(InputError, match="This is no verdict"):
        Verdict.from_dict(nonsense)


@pytest.mark.parametrize(
    "nonsense",
    [{}, {"scores": [3]}, {"scores": 3}, RECORDS["scores"].to_dict() | {"scores": [{"metric": "m"}]}],
    ids=str,
)
def test_what_are_no_scores_is_refused(nonsense):
    with pytest.raises(InputError, match="These are no scores"):
        Scores.from_dict(nonsense)


def test_one_kind_of_file_is_not_another(tmp_path):
    verdict().save(tmp_path / "record")
    with pytest.raises(InputError, match="kind 'verdict', wanted 'scores'"):
        Scores.load(tmp_path / "record")


def test_a_finding_has_a_status_there_is():
    with pytest.raises(InputError, match=r"'correct' is no status of a check. Statuses are: passed, failed, not app"):
        finding(status="correct")


def test_what_could_not_be_made_has_no_value_and_what_was_made_names_its_statistic():
    for status in ("passed", "failed"):
        assert finding(status=status, value=None).value is None
        with pytest.raises(InputError, match=f"{status} wants a statistic"):
            finding(status=status, statistic=None)
    with pytest.raises(InputError, match="not applicable wants no value"):
        finding(status="not applicable", value=0.5)
    assert finding(status="not applicable").value is None


@pytest.mark.parametrize("broken", [math.nan, math.inf, -math.inf])
def test_nothing_holds_nan_or_infinity(broken):
    makers = [
        lambda: finding(value=broken),
        lambda: finding(details={"deep": [{"er": broken}]}),
        lambda: verdict(provenance={"seconds": broken}),
        lambda: Reference("r", broken, 0.0, 0.0, 1),
        lambda: Reference("r", 0.0, broken, 0.0, 1),
        lambda: Reference("r", 0.0, 0.0, broken, 1),
        lambda: Curve("c", (broken,), (0.0,)),
        lambda: Curve("c", (0.0,), (broken,)),
        lambda: score(value=broken),
        lambda: score(values=(1.0, broken)),
        lambda: score(parts={"part": broken}),
    ]
    for make in makers:
        with pytest.raises(NonFiniteError):
            make()


def test_what_was_passed_and_failed_is_found_by_name():
    record = verdict()
    assert record.passed == ("parameter_randomization",)
    assert record.failed == ("completeness",)
    assert record.not_applicable == ("roar",)
    assert record["completeness"].status == "failed"
    with pytest.raises(
        InputError, match=r"'gini' was not made here. Made: parameter_randomization, completeness, roar"
    ):
        record["gini"]


def test_the_summary_says_what_was_tested_and_what_was_not():
    text = verdict().summary
    assert text.startswith("attnlrp passed 1 of 2 checks on 3 inputs; failed: completeness; not tested: roar, label_")
    assert text.endswith("they cannot show that an explanation is right.")
    assert "correct" not in text


def test_records_share_nothing_with_what_they_are_made_of():
    details = {"curve": [[0, 1.0]]}
    record = verdict(finding(details=details))
    details["curve"].append([1, 2.0])
    record.to_dict()["findings"][0]["details"]["curve"].append([1, 2.0])
    assert record.findings[0].details == {"curve": [[0, 1.0]]}
    measured = scores(score(parts={"a": 1.0}))
    measured.to_dict()["scores"][0]["parts"]["b"] = 2.0
    assert measured[0].parts == {"a": 1.0}


def test_a_curve_has_a_y_for_each_x():
    with pytest.raises(InputError, match="one y for each x, got 2 and 1"):
        Curve("c", (0.0, 1.0), (1.0,))


@pytest.mark.parametrize(("low", "high"), [((0.0,), (1.0, 2.0)), ((), (1.0, 2.0)), ((0.0,), (1.0,))])
def test_a_band_has_two_ends_for_each_x(low, high):
    with pytest.raises(InputError, match="a low and a high for each of 2 x, or none at all"):
        Curve("c", (0.0, 1.0), (1.0, 2.0), low, high)


def test_a_band_comes_back_and_a_record_from_before_there_were_bands_loads(tmp_path):
    chance = Curve("random orders", (0.0, 1.0), (1.0, 2.0), (0.5, 2.0), (1.5, 2.0), "lowest to highest of 4")
    record = scores(score(curves=((*CURVES, chance),)))
    record.save(tmp_path / "scores")
    assert Scores.load(tmp_path / "scores") == record
    assert record.to_dict()["scores"][0]["curves"][0][2]["band"] == "lowest to highest of 4"
    assert list(record.to_dict()["scores"][0]["curves"][0][0]) == ["name", "x", "y"]


def test_a_score_is_found_by_metric_or_place_and_is_a_number():
    record = scores(score(), unmeasured())
    assert record["morf_lerf"] is record[0]
    assert (len(record), [entry.metric for entry in record]) == (2, ["morf_lerf", "decision_flip"])
    assert float(record[0]) == 3.625
    assert record[0].curves == (CURVES,)
    with pytest.raises(InputError, match="decision_flip has no value: the output is not predicted"):
        float(record[1])
    with pytest.raises(InputError, match=r"'gini' was not measured here. Measured: morf_lerf, decision_flip."):
        record["gini"]
    with pytest.raises(InputError, match=r"'up' is no direction. Directions are: higher, lower, neither."):
        score(direction="up")


def test_a_finding_is_no_more_than_its_fields():
    assert Finding("c", "not applicable", "Why.").to_dict() == {
        "check": "c",
        "status": "not applicable",
        "sentence": "Why.",
        "statistic": None,
        "value": None,
        "reference": None,
        "details": {},
    }
