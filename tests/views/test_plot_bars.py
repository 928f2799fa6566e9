"""Figures of a few numbers: every number is drawn where it stands, and its sign shows without colour."""

from dataclasses import replace

import pytest

from records.test_latents import record as latents
from views.examples import maximizers
from views.measured import finding, profiles, verdict
from views.test_leaderboard import board
from whence.errors import InputError
from whence.records import Reference, Report, TokenScore, Unit, VocabularyProjection
from whence.views.colors import PUOR, hex_code
from whence.views.plot import render


def bars(axes):
    return [(bar.get_width(), bar.get_hatch()) for bar in axes.patches]


def test_the_top_units_of_each_target_row_are_bars_largest_first() -> None:
    record = latents()
    figure = render(record)
    for row, axes in enumerate(figure.axes):
        top = record.top(10, row)
        assert bars(axes) == [(one.score, "////" if one.score < 0 else None) for one in top]
        assert axes.get_yticklabels()[0].get_text().startswith(top[0].unit.name)
    assert [axes.get_xlabel() for axes in figure.axes] == ["logit", "probability"]
    with pytest.raises(InputError, match="no units to plot"):
        render(latents(scores=latents().scores[:, :, :0], units=()))


def test_colours_are_the_palettes() -> None:
    from matplotlib.colors import to_hex

    shown = [to_hex(bar.get_facecolor()) for bar in render(latents(), palette="PuOr").axes[0].patches]
    assert shown[:2] == [hex_code(PUOR.negative), hex_code(PUOR.positive)]


def test_what_a_neuron_promotes_stands_above_what_it_suppresses() -> None:
    record = VocabularyProjection(
        Unit("neuron", 1, 2), (TokenScore("$a$", 1, 2.0),), (TokenScore("b", 2, -3.0), TokenScore("c", 3, -1.0)), {}
    )
    axes = render(record).axes[0]
    assert [width for width, _ in bars(axes)] == [2.0, -1.0, -3.0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["“$a$”", "“c”", "“b”"]


def test_a_leaderboard_has_a_chart_for_each_metric_best_first_with_its_interval() -> None:
    figure = render(board(metrics=2))
    assert [axes.get_title(loc="left") for axes in figure.axes] == [
        "metric_0 ↑ · masked by mask",
        "metric_1 ↑ · masked by mask",
    ]
    axes = figure.axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["attnlrp", "random", "integrated_gradients"]
    assert [width for width, _ in bars(axes)] == [8.25, 0.5, -3.0]
    assert list(axes.lines[0].get_xdata()) == [7.25, 9.25]
    assert axes.get_legend().get_texts()[0].get_text() == "random orders"


def test_a_verdict_has_each_statistic_beside_what_it_is_held_against() -> None:
    record = verdict(
        finding("kept", reference=Reference("$\\x$", 0.9, 0.85, 0.93, 10)),
        finding("lost", "failed", reference=None),
        finding("roar", "not applicable"),
        finding("untaken", value=None),
    )
    axes = render(record).axes
    assert len(axes) == 2
    assert list(axes[0].lines[0].get_xdata()) == [0.85, 0.93]
    assert axes[0].lines[2].get_xdata() == pytest.approx([0.04])
    assert [one.lines[-2].get_marker() for one in axes] == ["o", "X"]
    assert "kept\n✓ passed" in axes[0].get_yticklabels()[0].get_text()
    assert "$\\x$, 0.900 [0.850, 0.930]" in axes[0].get_title(loc="left")
    with pytest.raises(InputError, match="No check of this verdict has a statistic"):
        render(verdict(finding("roar", "not applicable")))


def test_profiles_have_the_relevance_of_each_unit_beside_its_tokens() -> None:
    axes = render(profiles()).axes[0]
    assert bars(axes) == [(3.02, None), (-0.4, "////")]
    assert axes.get_yticklabels()[0].get_text() == "layer 3 neuron 17\nmost at “ city”"
    (right,) = axes.child_axes
    said = [label.get_text() for label in right.get_yticklabels()]
    assert said[0] == "promotes “ Paris”, “ city”\nsuppresses “ the”, “,”"
    assert said[1].startswith("no tokens:  city writes")
    with pytest.raises(InputError, match="no units to plot"):
        render(replace(profiles(), entries=()))


@pytest.mark.parametrize("text", ["$\\frac$", "z" * 500, "\x1b[31m\u202e"])
def test_any_text_in_profiles_leaves_room_for_the_bars(text, tmp_path) -> None:
    figure = render(profiles(text))
    figure.savefig(tmp_path / "a.png")
    assert figure.axes[0].get_position().width * figure.get_size_inches()[0] > 2


def test_maximizers_have_a_bar_for_each_text_first_on_top() -> None:
    record = maximizers()
    axes = render(record).axes[0]
    assert [width for width, _ in bars(axes)] == [entry.value for entry in record.entries]
    assert axes.get_yticklabels()[0].get_text() == "“The Eiffel Tower is in”\nmost at “ Tower”"
    assert (axes.get_xlabel(), axes.get_title(loc="left")) == ("activation", "layer 1 neuron 17: 2 of 10 texts")
    with pytest.raises(InputError, match="no texts to plot"):
        render(replace(record, entries=()))


def test_a_report_says_to_plot_its_records() -> None:
    with pytest.raises(InputError, match=r"plot its records one by one, as by records\[0\]\.plot\(\)"):
        Report((profiles(),)).plot()
