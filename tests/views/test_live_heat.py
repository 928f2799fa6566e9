"""The data of interactive heat maps: the record's own numbers to the last bit, and texts that do nothing."""

import base64
import json
import zlib
from itertools import pairwise

import numpy as np
import pytest

from whence.records import Agreement, Attribution, Comparison, TargetValue, Token
from whence.records.grid import grid_tokens
from whence.views import html
from whence.views.colors import PUOR, RDBU
from whence.views.live import live
from whence.views.numbers import number


def decoded(data) -> np.ndarray:
    """The numbers as a browser reads them."""
    raw = base64.b64decode(data["data"])
    raw = zlib.decompress(raw) if data["deflated"] else raw
    return np.frombuffer(raw, {"f4": "<f4", "u1": "u1"}[data["type"]]).reshape(data["shape"])


@pytest.mark.parametrize("count", [1, 7, 3000])
def test_scores_survive_to_the_last_bit(attribution_of, count) -> None:
    scores = np.random.default_rng(0).normal(size=(3, count)) * 10.0 ** np.arange(-3, 6, 3)[:, None]
    record = attribution_of([f" t{i}" for i in range(count)], scores, labels=["a", "b", "c"])
    data = live(record, RDBU)
    assert data["scores"]["deflated"] == (count == 3000)
    assert np.array_equal(decoded(data["scores"]), record.scores)
    json.dumps(data, allow_nan=False)


def test_standard_errors_are_there_where_the_record_has_them(attribution_of) -> None:
    assert live(attribution_of(), RDBU)["errors"] is None
    record = attribution_of(standard_error=[[0.5] * 7])
    assert np.array_equal(decoded(live(record, RDBU)["errors"]), record.standard_error)


def test_a_target_has_its_account_and_its_place(attribution_of) -> None:
    record = attribution_of(scores=np.ones((2, 7)), labels=[" Paris", "\x1b"])
    first, second = live(record, PUOR)["targets"]
    assert first["label"] == "“ Paris”"
    assert first["value"] == f"{number(11.53)} logit"
    assert first["residual"] == "+4.53 (39.3% of value)"
    assert (first["unit"], first["baseline"], first["seen"], first["token"]) == ("logit", "0", 7, None)
    assert second["text"] == "␛"
    placed = Attribution(
        record.tokens, (TargetValue(" Tower", 4, 1.0, None, "logit"),), record.scores[:1], None, "m", {}, {}
    )
    (target,) = live(placed, RDBU)["targets"]
    assert (target["seen"], target["token"], target["residual"]) == (4, 4, None)


def test_words_and_sentences_are_runs_that_cover_every_token(attribution_of) -> None:
    record = attribution_of(["A", " cat", ".", " It", " s", "at", "."], np.ones(7))
    levels = live(record, RDBU)["levels"]
    for name, derived in (("words", record.words()), ("sentences", record.sentences())):
        starts = levels[name]["starts"]
        assert starts[0] == 0
        assert all(a < b for a, b in pairwise(starts))
        sums = np.add.reduceat(record.scores, starts, axis=1)
        assert np.array_equal(sums, derived.scores)


def test_a_run_that_its_tokens_do_not_spell_has_a_name(attribution_of) -> None:
    half = Token("🗼", 1, 2, 3)
    tokens = [Token("A", 0, 0, 1), half, half, Token("!", 3, 3, 4), Token(" B", 4, 4, 6)]
    words = live(attribution_of(tokens=tokens, scores=np.ones(5)), RDBU)["levels"]["words"]
    assert words == {"starts": [0, 1, 4], "names": {1: "🗼!"}}


def test_groups_are_shown_as_they_are(attribution_of) -> None:
    record = attribution_of(scores=np.ones((2, 7)), labels=["a", "b"])
    for derived in (record.words(), record.sentences(), record.segments([(0, 10)]), record.top(2)):
        data = live(derived, RDBU)
        assert data["levels"] == {}
        assert len(data["tokens"]) == len(derived.tokens) == data["scores"]["shape"][1]
        assert [target["token"] for target in data["targets"]] == [None, None]
    assert set(live(record.share(), RDBU)["levels"]) == {"words", "sentences"}


def test_a_difference_is_shown_as_any_explanation_is(attribution_of, printed) -> None:
    found = attribution_of().difference(attribution_of(scores=np.ones(7), method="saliency"))
    data = live(found, RDBU)
    assert np.array_equal(decoded(data["scores"]), found.scores)
    assert data["targets"][0]["value"] == "0 logit"
    for shown in (printed(found), html.render([found]), html.render([found], fragment=True)):
        assert "attnlrp − saliency" in shown
        assert "+5.84" in shown


def test_an_image_has_no_tokens_to_send(attribution_of) -> None:
    about = {"grid": [100, 100], "cell": [2, 3]}
    scores = np.random.default_rng(1).normal(size=10_000)
    record = attribution_of(tokens=grid_tokens(100, 100, "pixel"), scores=scores, **about)
    data = live(record, RDBU)
    assert (data["tokens"], data["ids"], data["levels"]) == ([], [], {})
    grid = data["grid"]
    assert (grid["rows"], grid["columns"], grid["height"], grid["width"], grid["unit"]) == (100, 100, 200, 300, "pixel")
    assert grid["scales"] == [pytest.approx(float(np.percentile(np.abs(record.scores), 99)))]
    assert len(json.dumps(data)) < 70_000


def test_a_comparison_has_the_records_own_agreements(comparison_of) -> None:
    compared = comparison_of(rows=2)
    data = live(compared, RDBU)
    assert [method["label"] for method in data["methods"]] == ["attnlrp", "leave_one_out", "constant"]
    for method, record in zip(data["methods"], compared.attributions, strict=True):
        assert np.array_equal(decoded(method["scores"]), record.scores)
        assert [row["unit"] for row in method["rows"]] == [record.unit_of(row) for row in (0, 1)]
    for sent, entry in zip(data["agreements"], compared.agreements, strict=True):
        for name in ("first", "second", "target", "spearman", "spearman_p", "kendall", "kendall_p", "k"):
            assert sent[name] == getattr(entry, name)
    assert data["agreements"][0]["overlaps"] == [[1, 1.0], [3, 1.0], [5, 0.8]]
    assert data["agreements"][1]["overlaps"] == []


def test_overlaps_of_all_tokens_say_nothing_and_are_left_out(attribution_of) -> None:
    records = (attribution_of(), attribution_of(method="two"))
    entry = Agreement(0, 1, 0, 7, 1.0, 0.0, 1.0, 0.0, 3, 1.0, overlaps=((1, 1.0), (3, 1.0), (7, 1.0), (10, 1.0)))
    data = live(Comparison(records, (entry,)), RDBU)
    assert data["agreements"][0]["overlaps"] == [[1, 1.0], [3, 1.0]]
