"""Long inputs: what is drawn stays small, says what it leaves out, and leaves no number wrong."""

import re

import numpy as np
import pytest

from views.golden import same_as_golden
from whence.records import Comparison
from whence.views import html
from whence.views.long_inputs import MOST_PILLS, MOST_TOKENS, drawn, rows_drawn

SENTENCE = ["It", " is", " what", " it", " was", " and", " will", " be", " again", "."]


def long_record(attribution_of, tokens: int, rows: int = 1):
    texts = [(" " if i and not i % 10 else "") + SENTENCE[i % 10] for i in range(tokens)]
    scores = np.random.default_rng(0).normal(size=(rows, tokens))
    return attribution_of(texts, scores, labels=[f" label{i}" for i in range(rows)], visible=[tokens] * rows)


def pills(page: str) -> int:
    return page.count('role="listitem"')


@pytest.mark.parametrize(("tokens", "shown"), [(MOST_TOKENS, MOST_TOKENS), (MOST_TOKENS + 10, 61), (2000, 200)])
def test_more_tokens_than_can_be_looked_through_are_drawn_as_sentences(attribution_of, tokens, shown) -> None:
    record = long_record(attribution_of, tokens)
    page = html.render([record], fragment=True)
    assert pills(page) == shown
    assert (f"{tokens} tokens, shown as sums over their {shown} sentences" in page) == (tokens != shown)
    assert np.allclose(drawn(record).scores.sum(), record.scores.sum(), atol=1e-3)


def test_a_page_of_two_thousand_tokens_is_small(attribution_of) -> None:
    assert len(html.render([long_record(attribution_of, 2000)])) < 700_000


def test_only_as_many_target_rows_are_drawn_as_can_be_looked_through(attribution_of) -> None:
    record = long_record(attribution_of, 100, rows=60)
    page = html.render([record], fragment=True)
    assert pills(page) == MOST_PILLS
    assert "20 more target rows: see the interactive view or the record" in page
    assert "60 target rows" in page
    assert "more target row" not in html.render([long_record(attribution_of, 100, rows=40)], fragment=True)


def test_the_first_row_is_always_there(attribution_of) -> None:
    record = long_record(attribution_of, MOST_TOKENS, rows=2)
    assert rows_drawn(record, times=100) == 1
    page = html.render([long_record(attribution_of, MOST_TOKENS, rows=9)], fragment=True)
    assert "3 more target rows" in page
    assert "9 target rows" in page


def test_the_table_of_numbers_is_bounded_too(attribution_of) -> None:
    page = html.render([long_record(attribution_of, 610, rows=60)], fragment=True)
    table = page[page.index("Numbers as a table") :]
    assert table.count("<tr>") - 1 == 10_000 // 60
    assert f"The {10_000 // 60} strongest; {610 - 10_000 // 60} more are in the record." in page


def test_a_comparison_is_bounded(attribution_of) -> None:
    records = [long_record(attribution_of, 2000, rows=10) for _ in range(4)]
    page = html.render([Comparison(tuple(records), ())], fragment=True)
    assert pills(page) == 4 * 200 * 5
    assert "5 more target rows: see the interactive view or the record" in page


def test_a_terminal_shows_the_strongest_sentences(attribution_of, printed) -> None:
    shown = printed(long_record(attribution_of, 2000))
    lines = shown.splitlines()
    assert len(lines) < 60
    assert max(map(len, lines)) <= 80
    assert "the 20 sentences of largest |sum|, of 200, in reading order; sums over their" in shown
    assert len(re.findall(r"^  It is what it was and will be.*│", shown, flags=re.MULTILINE)) == 20
    assert "the 20 tokens of largest |score|, of 2000, in reading order" in shown


@pytest.mark.parametrize("rows", [1, 2])
def test_a_long_text_in_a_terminal_with_and_without_colour(attribution_of, printed, rows) -> None:
    record = long_record(attribution_of, 700, rows)
    same_as_golden(f"long_text_{rows}", printed(record))
    colored = printed(record, force_terminal=True, color_system="truecolor", no_color=False)
    same_as_golden(f"long_text_{rows}_colored", colored)


def test_a_terminal_shows_as_many_rows_as_can_be_read(attribution_of, printed) -> None:
    shown = printed(long_record(attribution_of, 100, rows=60))
    assert "60 target rows" in shown
    assert shown.count("“ label") == 40
    assert "20 more target rows: see the interactive view or the record" in shown


def test_a_provenance_shows_no_table_of_standard_errors(attribution_of) -> None:
    record = attribution_of(standard_error=[[0.1234567] * 7])
    both = record.difference(record)
    for one in (record, both):
        assert "0.1234567" not in html.render([one], fragment=True)
