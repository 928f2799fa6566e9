"""The bars of an account: each begins where the one before it ends, and the last ends where the value does."""

import re
from dataclasses import replace

import pytest

from records.samples import attribution, tokens_of
from views.test_html import Page
from whence.views import html
from whence.views.html_account import account


def record(scores, value, baseline=0.0, **provenance):
    return attribution(tokens_of("a", " b"), [scores], values=[value], baseline=baseline, **provenance)


def span(bar):
    """Where a bar begins and ends, in percent of the width."""
    place, width = map(float, re.search(r"\) (\S+)% 50%/(\S+)% 0.8em", bar.style).groups())
    left = place * (100 - width) / 100
    return left, left + width


def test_bars_follow_one_another_up_to_the_value():
    whole, total, rest = account(record([3.0, 1.0], 8.0), 0).bars
    assert [bar.number for bar in (whole, total, rest)] == ["+8.00", "+4.00", "+4.00"]
    assert span(whole) == (0.0, 100.0)
    assert span(total) == pytest.approx((0.0, 50.0), abs=0.1)
    assert span(rest) == pytest.approx((50.0, 100.0), abs=0.1)


def test_what_goes_back_is_hatched_and_has_its_sign():
    whole, total, rest = account(record([9.0, 1.0], 7.5, baseline=-0.5), 0).bars
    assert (whole.name, rest.name, rest.number) == ("value − baseline", "residual", "−2.0")
    assert "repeating-linear-gradient" in rest.style
    assert "repeating-linear-gradient" not in total.style
    assert span(rest) == pytest.approx((80.0, 100.0), abs=0.1)


def test_a_residual_is_split_by_what_absorbed_it():
    shares = {"h.0.bias": [1.0], "wpe.position": [0.5], "cls": [2.5]}
    bars = account(record([3.0, 1.0], 8.0, absorbed=shares), 0).bars
    assert [(bar.name, bar.number) for bar in bars[2:]] == [
        ("absorbed by cls", "+2.50"),
        ("absorbed by biases", "+1.00"),
        ("absorbed by positions", "+0.50"),
    ]
    assert span(bars[-1])[1] == pytest.approx(100.0, abs=0.1)


def test_of_very_many_absorbing_the_smallest_are_one():
    shares = {f"p{i}": [float(i)] for i in range(1, 9)}
    bars = account(record([3.0, 1.0], 40.0, absorbed=shares), 0).bars
    assert (len(bars), bars[-1].name, bars[-1].number) == (8, "by 3 more", "+6.0")


def test_nothing_left_has_no_bar():
    assert "0.8em" not in account(record([3.0, 1.0], 4.0), 0).bars[-1].style


def test_what_does_not_claim_to_add_up_has_no_account():
    one = record([3.0, 1.0], 4.0)
    assert account(replace(one, residual=None), 0) is None
    assert not Page(html.render([replace(one, residual=None)])).with_class("whence-account")
    assert Page(html.render([one])).with_class("whence-account")


def test_a_comparison_has_the_account_of_each_method_that_claims_one(comparison_of):
    page = Page(html.render([comparison_of()]))
    assert len(page.with_class("whence-account")) == 1
    assert "value = sum of scores + residual, in logit" in page.text
    assert not Page(html.render([comparison_of(rows=2)])).with_class("whence-account")
