import base64
import re

import numpy as np
import pytest

from views.measured import CHANCE, CURVES, REMOVAL, score, scores, unmeasured
from views.page import Page
from views.test_untrusted import Skeleton
from views.untrusted import PAYLOADS
from whence.errors import InputError
from whence.records import Curve, Reference, Scores
from whence.views import html
from whence.views.colors import RDBU
from whence.views.html_chart import drawn
from whence.views.live import live
from whence.views.plot import render as plot
from whence.views.scores_sheet import charts, spread
from whence.views.sheet_parts import Chart
from whence.views.terminal_sheet import sparkline
from whence.views.token_text import readable

PLAIN = """\
Scores of attnlrp · “ Paris” · masked units become: pad · 96 forwards

  metric         value  better  random order  beats  unit
  morf_lerf      3.625  ↑        2.00 ± 0.50    80%  log-probability
  decision_flip      —  ↓                  —      —  log-probability
  random order: mean of 10 draws of units in random order, and 95 % confidence
  for the mean
  beats: the share of random orders that are worse, and half of those that are
  equal
  decision_flip has no value: the output is not predicted

morf_lerf
  curve                 first                            last
  least relevant first   −0.5  ████████████▇▇▇▆▆▅▅▅▄▄▃▃    −6
  most relevant first    −0.5  █▇▇▆▆▅▄▄▃▃▂▁▁▁▁▂▂▂▂▂▃▃▃▃    −6
  log-probability over share of units 0 to 1

smollm2 · 96 forwards · 6.5 s
Caveat: Masked inputs are off the data manifold.
"""


def lines(text: str) -> str:
    return "".join(f"{line.rstrip()}\n" for line in text.splitlines())


def page(*records, **options) -> Page:
    return Page(html.render(records, **options))


def test_the_terminal_says_all_of_it_in_80_columns(printed) -> None:
    assert lines(printed(scores(score(), unmeasured()))) == PLAIN


@pytest.mark.parametrize("no_color", [False, True])
def test_colours_add_nothing_to_what_is_said(printed, no_color) -> None:
    record = scores(score(), unmeasured())
    shown = printed(record, force_terminal=True, color_system="truecolor", no_color=no_color)
    assert re.sub(r"\x1b\[[\d;]*m", "", shown) == printed(record)
    assert not no_color or not re.search(r"\x1b\[(?:\d;)*[34]\d", shown)


@pytest.mark.parametrize("fragment", [False, True])
def test_the_page_says_the_same(fragment) -> None:
    shown = page(scores(score(), unmeasured()), fragment=fragment).text
    for words in (
        "Scores of attnlrp · “ Paris” · masked units become: pad · 96 forwards",
        "morf_lerf 3.625 ↑ 2.00 ± 0.50 80% log-probability",
        "decision_flip — ↓ — — log-probability",
        "decision_flip has no value: the output is not predicted",
        "least relevant first −0.5 → −6",
        "share of units",
        f"Caveat. {REMOVAL}",
    ):
        assert words in shown
    assert shown.count(REMOVAL) == 1


def test_a_page_of_curves_asks_for_nothing_and_runs_nothing() -> None:
    source = html.render([scores()], fragment=True)
    assert "http" not in source
    assert not re.search(r"url\(|@import|javascript:", source)
    assert not {"script", "link", "img", "image", "iframe"} & {tag for tag, _ in Page(source).elements}
    assert "NaN" not in source


def test_curves_are_told_apart_without_colour() -> None:
    paths = [attrs["class"] for attrs in page(scores()).with_class("whence-line")]
    assert paths == ["whence-line whence-line-0", "whence-line whence-line-1"] * 2


def banded() -> Scores:
    chance = Curve("random orders", (0.0, 1.0), (1.0, 2.0), (0.5, -9.0), (1.5, 2.5), "lowest to highest of 10")
    return scores(score(curves=((*CURVES, chance),)))


def test_a_band_is_drawn_under_the_lines_and_named(printed) -> None:
    shown = page(banded(), fragment=True)
    paths = [attrs["class"] for tag, attrs in shown.elements if tag == "path" and "class" in attrs]
    assert paths[:3] == ["whence-axis", "whence-band", "whence-line whence-line-0"]
    assert "whence-line whence-line-mean" in paths
    for text in (printed(banded()), shown.text):
        assert "random orders: mean, band lowest to highest of 10" in text


def test_a_chart_has_room_for_its_bands(printed) -> None:
    (drawing,) = [drawn(chart) for chart in charts(banded())]
    assert [tick.text for tick in drawing.y_ticks] == ["−8", "−6", "−4", "−2", "0", "2"]
    assert "least relevant first   −0.5  ▆▆▆▆" in printed(banded())


def test_a_chart_that_can_be_read_has_the_records_own_numbers() -> None:
    (chart,) = live(banded(), RDBU)["charts"]
    assert [curve["name"] for curve in chart["curves"]] == [*(curve.name for curve in CURVES), "random orders"]
    band = chart["curves"][2]["band"]
    assert np.frombuffer(base64.b64decode(band[0]["data"]), "<f4").tolist() == [0.5, -9.0]
    assert live(scores(unmeasured()), RDBU) is None


def test_a_notebook_gets_a_fragment() -> None:
    shown = scores()._repr_html_()
    assert shown.startswith("<div")
    assert "morf_lerf" in shown
    assert "<html" not in shown


def test_a_page_without_heat_maps_does_not_explain_colours(attribution_of) -> None:
    assert "Colour is sign" not in page(scores()).text
    assert "An explanation is not the truth" in page(scores()).text
    assert "Colour is sign" in page(scores(), attribution_of()).text


def test_scores_of_several_strategies_are_a_table_each_and_the_columns_explained_once(printed) -> None:
    record = scores(score(), score(value=1.5, strategy="eos"), score("gini", 0.5, strategy=None, curves=()))
    shown = printed(record)
    for caption in ("masked units become: pad", "masked units become: eos", "nothing masked"):
        assert shown.count(caption) == 1
    assert "2 masking strategies" in shown
    assert "morf_lerf · eos" in shown
    assert shown.count("beats: the share") == 1
    assert len(page(record).of("table")) == 3


def test_one_strategy_and_none_are_one_table() -> None:
    assert len(page(scores(score(), score("gini", 0.5, strategy=None, curves=()))).of("table")) == 1


def test_equal_caveats_are_said_once_and_others_with_their_metrics(printed) -> None:
    record = scores(
        score(), score("deletion"), score("gini", caveat="Few are not right."), score("entropy", caveat=None)
    )
    shown = printed(record)
    assert f"Caveat (morf_lerf, deletion): {REMOVAL}" in shown
    assert "Caveat (gini): Few are not right." in shown
    assert page(record).text.count(REMOVAL) == 1


def test_each_target_row_has_its_values_and_those_without_say_why(printed) -> None:
    record = scores(
        score(values=(1.0, None, 2.5), curves=((), (), ()), reason="a row is blank"),
        score("soft_comprehensiveness", values=(7.0, 8.0, 9.0), curves=()),
        targets=(" Par", "is", "."),
    )
    for shown in (printed(record), page(record).text):
        assert "morf_lerf has no value for 1 of 3 target rows: a row is blank" in shown
        assert "each target row" in shown
        assert re.search(r"“is”\s+—\s+8", shown)
        assert "NaN" not in shown


def test_many_rows_and_curves_are_cut_short_and_counted(printed) -> None:
    many = scores(score(values=(1.0,) * 20, curves=(CURVES,) * 20), targets=tuple(f"t{i}" for i in range(20)))
    for shown in (printed(many), page(many).text):
        assert "4 more target rows in the record" in shown
        assert "The curves of 8 more are in the record." in shown
        assert "and 17 more target rows" in shown


def test_numbers_beside_a_value_are_said(printed) -> None:
    record = scores(score(parts={"token F1": 0.4, "AUPRC": 0.75}))
    assert "morf_lerf: token F1 0.4, AUPRC 0.75" in printed(record)
    assert "morf_lerf: token F1 0.4, AUPRC 0.75" in page(record).text


def test_the_cost_of_several_explanations_is_said_to_be_shared(printed) -> None:
    assert "96 forwards and 6.5 s for 4 explanations together" in " ".join(printed(scores(explanations=4)).split())


def test_curves_have_their_own_unit_where_it_is_another(printed) -> None:
    shown = printed(scores(score("decision_flip", 0.5, unit="share of units", curve_unit="decision")))
    assert "decision over share of units 0 to 1" in shown
    assert "share of units\n" in lines(shown)


@pytest.mark.parametrize("metric", ["soft_comprehensiveness", "x" * 90])
def test_nothing_is_wider_than_the_terminal(printed, metric) -> None:
    record = scores(score(metric, -13.54, random=Reference("r", -17.3, -22.9, -12.5, 10)), targets=("y" * 200,))
    assert max(map(len, printed(record).splitlines())) <= 80


def test_a_name_of_a_metric_fits_with_all_columns(printed) -> None:
    record = scores(score("soft_comprehensiveness", -13.54, random=Reference("r", -17.3, -22.5, -12.1, 10), beaten=1.0))
    assert "soft_comprehensiveness  −13.54  ↑        −17.3 ± 5.2   100%  log-probability" in lines(printed(record))


def everywhere(text: str):
    entry = score(
        text,
        unit=text,
        strategy=text,
        random=Reference(text, 0.0, -1.0, 1.0, 10, text),
        curves=(
            (Curve(text, (0.0, 1.0), (1.0, 2.0), (0.0, 0.0), (2.0, 2.0), text),),
            (Curve(text, (0.0,), (1.0,)), Curve(text, (), ())),
        ),
        values=(1.0, None),
        parts={text: 1.0},
        reason=text,
        caveat=text,
        curve_unit=text,
    )
    other = score("other", strategy=f"{text}2", curves=(), values=(1.0, 2.0))
    return scores(entry, other, targets=(text, text), model=text, nested={text: text})


@pytest.mark.parametrize("payload", PAYLOADS)
def test_no_text_changes_what_a_page_is_made_of(payload) -> None:
    shown = Skeleton(html.render([everywhere(payload)]))
    assert shown.parts == Skeleton(html.render([everywhere("safe")])).parts
    assert readable(payload) in shown.words


@pytest.mark.parametrize("payload", PAYLOADS)
def test_no_control_code_reaches_a_terminal(printed, payload) -> None:
    assert not set(printed(everywhere(payload), width=200)) & set("\x00\x1b\x9b\u202e\u2066\r")


@pytest.mark.parametrize(
    ("reference", "text"),
    [
        (CHANCE, "2.00 ± 0.50"),
        (Reference("", 0.0, 0.0, 0.0, 10), "0"),
        (Reference("", -0.5, -0.75, 0.0, 10), "−0.500 [−0.750, 0.000]"),
    ],
)
def test_an_interval_is_as_long_as_it_must_be(reference, text) -> None:
    assert spread(reference) == text


def test_a_sparkline_goes_by_place_not_by_point() -> None:
    early = Curve("", (0.0, 0.1, 1.0), (0.0, 1.0, 1.0))
    assert sparkline(early, 0.0, 1.0) == "▁▄▇" + "█" * 21
    assert sparkline(Curve("", (0.0, 1.0), (2.0, 2.0)), 2.0, 2.0) == "▁" * 24


def test_a_chart_runs_from_corner_to_corner_and_marks_zero() -> None:
    chart = drawn(Chart("", "x", "y", (Curve("c", (0.0, 1.0), (-1.0, 1.0)),)))
    assert chart.curves[0].path == f"M{chart.left} {chart.bottom}L{chart.right} 12"
    assert [tick.text for tick in chart.y_ticks] == ["−1.0", "−0.5", "0", "0.5", "1.0"]
    assert [tick.text for tick in chart.x_ticks] == ["0", "0.2", "0.4", "0.6", "0.8", "1.0"]


@pytest.mark.parametrize(
    ("low", "high", "wanted"),
    [
        (-30.06, 0.3545, ["−30", "−20", "−10", "0"]),
        (-0.3545, 0.1, ["−0.3", "−0.2", "−0.1", "0", "0.1"]),
        (0.0, 5.0, ["0", "1", "2", "3", "4", "5"]),
        (1000.2, 1000.9, ["1000.2", "1000.4", "1000.6", "1000.8"]),
        (0.0, 5e-6, ["0", "1e−6", "2e−6", "3e−6", "4e−6", "5e−6"]),
        (2.0, 2.0, ["2"]),
    ],
)
def test_ticks_are_round(low, high, wanted) -> None:
    """The same cases as in the front end's tests/curves.test.ts."""
    chart = drawn(Chart("", "x", "y", (Curve("c", (0.0, 1.0), (low, high)),)))
    assert [tick.text for tick in chart.y_ticks] == wanted


def test_plot_draws_a_chart_for_each_set_of_curves(tmp_path) -> None:
    figure = plot(scores(score(), score("$\\frac$", curve_unit="$^"), unmeasured()))
    figure.savefig(tmp_path / "figure.png")
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["morf_lerf", "$\\frac$"]
    assert figure.axes[0].get_xlabel() == "share of units"
    assert figure.axes[1].get_ylabel() == "$^"
    assert len(figure.axes[0].lines) == 2
    axes = plot(banded()).axes[0]
    assert (len(axes.lines), len(axes.collections)) == (3, 1)
    assert axes.get_legend().get_texts()[2].get_text() == "random orders (lowest to highest of 10)"
    with pytest.raises(InputError, match="no curves to plot"):
        plot(scores(unmeasured()))
