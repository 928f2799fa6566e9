"""The interactive comparison: one token in all rows, the record's agreements, two methods and their difference."""

from typing import Any

import numpy as np
import pytest

from whence.records import Agreement, Comparison
from whence.views import html


def rows(page: Any) -> Any:
    return page.locator(".whence-live .whence-row")


def readout(page: Any) -> str:
    return " ".join(page.locator(".whence-heat-readout").inner_text().split())


def numbers(page: Any) -> str:
    return " ".join(page.locator(".whence-heat-pair").inner_text().split())


def test_a_token_is_marked_and_read_out_in_every_row(opened, comparison_of) -> None:
    page = opened(html.render([comparison_of()]))
    assert rows(page).count() == 3 + 3
    rows(page).nth(1).locator("button").nth(4).hover()
    assert page.locator(".whence-marked").all_inner_texts() == [" Tower"] * 6
    said = readout(page)
    assert "attnlrp +6.84 logit 1st of 7" in said
    assert "leave_one_out −6.84 logit 1st of 7" in said
    assert "constant 0 attention weight 1st of 7" in said
    page.mouse.move(1, 1)
    assert page.locator(".whence-marked").count() == 0
    rows(page).nth(0).locator("button").nth(0).focus()
    page.keyboard.press("ArrowRight")
    assert page.locator(".whence-marked").all_inner_texts() == [" E"] * 6


def test_a_correlation_chooses_the_pair(opened, comparison_of) -> None:
    page = opened(html.render([comparison_of()]))
    assert "Spearman −1.00 (p 0.001)" in numbers(page)
    cell = page.get_by_role("button", name="attnlrp and constant")
    assert "none, constant scores" in cell.get_attribute("aria-label")
    assert cell.get_attribute("aria-pressed") == "false"
    cell.click()
    assert cell.get_attribute("aria-pressed") == "true"
    assert "constant scores, no ranking" in numbers(page)
    assert rows(page).nth(5).locator(".whence-row-head strong").inner_text() == "attnlrp − constant"


def test_overlaps_are_those_of_the_record(opened, comparison_of) -> None:
    page = opened(html.render([comparison_of()]))
    assert "Top-3 in common 100%" in numbers(page)
    page.get_by_role("radio", name="5").check()
    assert "Top-5 in common 80%" in numbers(page)
    assert "Rank-biased overlap 0.90" in numbers(page)


def test_a_difference_in_one_unit_is_that_of_the_record(opened, comparison_of) -> None:
    compared = comparison_of()
    page = opened(html.render([compared]))
    first, second, difference = (rows(page).nth(i).locator("button").nth(4) for i in (3, 4, 5))
    wanted = compared.attributions[0].difference(compared.attributions[1])
    assert [one.get_attribute("aria-label") for one in (first, second, difference)] == [
        " Tower: +6.84 logit",
        " Tower: −6.84 logit",
        f" Tower: +{wanted.scores[0, 4]:.1f} logit",
    ]


def test_a_difference_of_two_units_is_one_of_shares(opened, attribution_of) -> None:
    records = (attribution_of(), attribution_of(scores=np.arange(7.0), method="raw", unit="weight", complete=False))
    page = opened(html.render([Comparison(records, (Agreement(0, 1, 0, 7, 0.1, 0.8, 0.1, 0.8, 3, 1 / 3),))]))
    wanted = records[0].share().difference(records[1].share()).scores[0]
    names = rows(page).nth(4).locator("button").evaluate_all("all => all.map(one => one.ariaLabel)")
    assert all("share of each one’s Σ|score|" in name for name in names)
    shown = [float(name.split(": ")[1].split()[0].replace("−", "-")) for name in names]
    assert shown == pytest.approx(wanted.tolist(), abs=6e-4)


def test_each_target_has_its_own_agreements(opened, comparison_of) -> None:
    page = opened(html.render([comparison_of(rows=2)]))
    assert "Spearman −1.00" in numbers(page)
    page.get_by_role("radio", name="“ label1”").check()
    assert "Spearman −0.50 (p 0.002)" in numbers(page)
    assert "of this target; means over all targets stand below" in page.locator(".whence-live caption").inner_text()
    assert "−0.75" in page.locator(".whence-part > .whence-scroll").first.inner_text()


def test_words_in_every_row(opened, comparison_of) -> None:
    page = opened(html.render([comparison_of()]))
    page.get_by_role("radio", name="words").check()
    for i in range(6):
        assert rows(page).nth(i).locator("button").count() == 5


def test_one_method_alone_is_compared_with_nothing(opened, attribution_of) -> None:
    page = opened(html.render([Comparison((attribution_of(),), ())]))
    assert rows(page).count() == 1
    assert page.locator(".whence-live .whence-matrix").count() == 0


@pytest.mark.parametrize(("width", "dark"), [(1000, False), (1000, True), (420, False), (420, True)])
def test_nothing_is_wider_than_the_page(opened, comparison_of, width, dark) -> None:
    page = opened(html.render([comparison_of(rows=2)]), width=width, dark=dark)
    rows(page).nth(0).locator("button").nth(3).hover()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
