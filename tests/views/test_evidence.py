from dataclasses import replace

import numpy as np
import pytest

from whence.records import Attribution, Comparison, TargetValue, Token
from whence.views.evidence import (
    account_facts,
    caveats,
    cost,
    evidence,
    heading,
    leaders,
    plain,
    seen,
    settings,
    strongest,
)
from whence.views.html_strip import strip
from whence.views.long_inputs import MOST_TOKENS


def test_value_less_baseline_is_the_total_and_the_residual(attribution_of) -> None:
    record = attribution_of(scores=[1.0, 2.0, 3.0, -1.0, 0.0, 0.0, 0.0])
    account = evidence(record, 0)
    assert (account.value, account.baseline, account.total, account.residual) == ("11.53 logit", "0", "5", "+6.53")


def test_the_residual_is_a_share_of_value_less_baseline(attribution_of) -> None:
    record = attribution_of()
    shifted = (replace(record.targets[0], value=5.0, baseline_value=3.0),)
    moved = replace(record, targets=shifted, residual=np.array([0.5], dtype=np.float32))
    assert evidence(moved, 0).residual_share == "25.0%"
    level = replace(moved, targets=(replace(record.targets[0], value=3.0, baseline_value=3.0),))
    assert evidence(level, 0).residual_share is None


def test_the_strongest_are_of_either_sign_and_earlier_first_among_equals() -> None:
    assert strongest(np.array([1.0, -3.0, 3.0, 2.0]), 3) == [1, 2, 3]


def test_equal_scores_have_no_leaders() -> None:
    assert leaders(np.ones(5)) == []
    assert leaders(np.ones(1)) == [0]
    assert leaders(np.ones(0)) == []


def test_a_heading_says_what_the_model_said_by_itself(attribution_of, printed) -> None:
    assert heading(attribution_of(target="predicted"), 0) == "predicted “ Paris”"
    assert heading(attribution_of(target="chosen"), 0) == heading(attribution_of(), 0) == "“ Paris”"
    assert "predicted “ Paris”" in printed(attribution_of(target="predicted"))


def test_costs_are_said_as_far_as_known() -> None:
    assert cost({}) == []
    assert cost({"forwards": 12, "backwards": 0}) == ["12 forwards", "0 backwards"]
    assert cost({"model": "m\n", "seconds": "?"}) == ["m⏎", "? s"]


def test_each_caveat_is_said_once_with_its_methods(attribution_of) -> None:
    records = [attribution_of(caveat=text) for text in ("same", "same", None, "other")]
    assert caveats(records, "abcd") == [("a, b", "same"), ("d", "other")]


def test_nested_settings_are_named_by_their_path() -> None:
    assert settings({"a": {"b": 1, "c": [1, "x"]}, "d": None}) == [("a.b", "1"), ("a.c", "1, x"), ("d", "null")]
    assert plain([]) == "none"
    assert plain({}) == "{}"


def test_a_row_shows_the_tokens_the_model_had_not_read_without_colour(attribution_of, printed) -> None:
    record = attribution_of()
    early = replace(record, targets=(replace(record.targets[0], position=3),))
    assert seen(early, 0) == 3
    assert seen(replace(early, provenance={"derived": ["words"]}), 0) == len(record.tokens)
    both = replace(
        early,
        targets=(*early.targets, replace(record.targets[0], position=7)),
        scores=np.concatenate([record.scores, record.scores]),
        residual=np.zeros(2, dtype=np.float32),
    )
    lines = printed(both).splitlines()
    first, second = (i for i, line in enumerate(lines) if line.startswith("“ Paris”"))
    assert "iff¦el Tower" in " ".join(lines[first:second])
    assert " Tower" in " ".join(lines[second:])
    assert "¦" not in " ".join(lines[second:])
    assert sum("behind ¦: not read yet when this was predicted" in line for line in lines) == 1
    pills = [strip(both, row).pills for row in (0, 1)]
    assert [[pill.unread for pill in row] for row in pills] == [[False] * 3 + [True] * 4, [False] * 7]
    assert (pills[0][4].name, pills[0][4].style) == (" Tower: not read yet when this was predicted", "")
    assert strip(both, 0).scale == strip(replace(both, scores=both.scores * np.float32([1, 1, 1, 9, 9, 9, 9])), 0).scale


def test_of_a_very_long_text_the_end_that_was_not_read_is_cut(attribution_of) -> None:
    record = attribution_of(["a"] * (MOST_TOKENS + 9), np.ones(MOST_TOKENS + 9))
    early = replace(record, targets=(replace(record.targets[0], position=3),))
    pills = strip(early, 0).pills
    assert len(pills) == MOST_TOKENS + 1
    assert pills[-1].name == "9 more tokens: not read yet when this was predicted"


def test_a_compared_method_says_its_residual(attribution_of, printed) -> None:
    records = [attribution_of(), attribution_of(method="random", complete=False)]
    (fact,) = account_facts(records[0], 0)
    shown = printed(Comparison(tuple(records), ()))
    assert shown.count(fact) == 1
    assert account_facts(records[1], 0) == []


def test_text_written_from_right_to_left_is_laid_out_so(attribution_of) -> None:
    assert strip(attribution_of(["مر", "حبا"], [1.0, 2.0]), 0).direction == "rtl"
    assert strip(attribution_of(), 0).direction == "ltr"


def absorbing(shares, residual=1.0, derived=()):
    return Attribution.build(
        [Token("a", 1)],
        [TargetValue("x", None, 3.0, 0.0, "logit")],
        np.array([[3.0 - residual]]),
        complete=True,
        method="cp_lrp",
        params={},
        provenance={"absorbed": shares, "derived": list(derived)},
    )


def test_what_absorbed_relevance_is_told_by_kind_largest_first():
    record = absorbing({"a.position_embeddings.weight": [0.5], "b.bias": [-0.25], "c.bias": [-0.75], "cls": [1.5]})
    assert evidence(record, 0).absorbed == ["cls +1.5", "biases −1", "positions +0.5"]


def test_what_absorbed_nothing_is_not_told():
    record = absorbing({"a.weight": [0.0], "b.bias": [2e-6], "cls": [1.0]})
    assert evidence(record, 0).absorbed == ["cls +1"]
    assert evidence(absorbing({"cls": [1.0], "b.bias": [-4e-6]}), 0).absorbed == ["cls +1", "biases −4e−6"]


def test_a_long_name_is_cut_to_its_end_and_no_line_wraps(printed):
    name = "encoder." + ".".join(f"layers.{i}.sublayer" for i in range(8)) + ".scale"
    record = absorbing({name: [0.5], f"{name}s": [0.25], "cls": [0.25]})
    first = evidence(record, 0).absorbed[0]
    assert first.startswith("…")
    assert first.endswith("sublayer.scale +0.5")
    lines = printed(record).splitlines()
    assert all(line.startswith("  ") for line in lines[1:] if "sublayer" in line)
    assert max(map(len, lines)) <= 80


def test_what_the_rules_did_not_hand_on_is_told_beside_it():
    record = absorbing({"embeddings.token_type_embeddings.weight": [0.25]})
    assert evidence(record, 0).absorbed == ["the rules themselves +0.75", "token types +0.25"]


@pytest.mark.parametrize("record", [absorbing({}), absorbing({"b.bias": [1.0]}, derived=["share"])])
def test_nothing_is_told_where_nothing_is_known_in_these_units(record):
    assert evidence(record, 0).absorbed == []
