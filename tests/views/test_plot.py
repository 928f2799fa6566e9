import sys
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from views.attended import TEXTS, one_stack, random_stack, two_stacks
from views.examples import image
from views.flows import make_flow
from views.measured import score, scores
from whence.errors import InputError, MissingExtraError
from whence.views.plot import render


def title_of(axes) -> str:
    return axes.get_title(loc="left").replace("\n", " ")


def test_a_row_a_target_and_a_column_a_token(attribution_of) -> None:
    record = attribution_of(scores=np.arange(14.0).reshape(2, 7), labels=["a", "b"])
    image = render(record).axes[0].images[0]
    np.testing.assert_allclose(image.get_array(), record.scores / [[6.0], [13.0]], rtol=1e-6)


def test_of_several_rows_each_has_a_scale_of_its_own_and_its_numbers_are_the_scores(attribution_of) -> None:
    scores = np.outer([1.0, -100.0], [0.5, 1.0])
    record = attribution_of(("The", " E"), scores, labels=["a", "b"], unit=["logit", "log-probability"])
    axes, bar = render(record).axes
    np.testing.assert_array_equal(axes.images[0].get_array(), [[0.5, 1.0], [-0.5, -1.0]])
    assert [text.get_text() for text in axes.texts] == ["+0.50", "+1.00", "−50", "−100"]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["“a” (logit)", "“b” (log-probability)"]
    assert bar.get_ylabel() == "share of row’s largest"
    assert "each row has a scale of its own" in title_of(axes)


def test_what_a_row_could_not_read_is_blank(attribution_of) -> None:
    record = attribution_of(("The", " E", "iff"), np.ones((2, 3)), labels=["a", "b"], visible=[1, 3])
    axes = render(record).axes[0]
    assert np.ma.getmaskarray(axes.images[0].get_array()).tolist() == [[False, True, True], [False] * 3]
    assert len(axes.texts) == 4
    assert "blank: not read yet" in title_of(axes)


def test_negative_cells_have_a_line_at_their_foot_at_any_size(attribution_of) -> None:
    for rows, columns in ((1, 5), (90, 60)):
        scores = np.zeros((rows, columns))
        scores[-1, :5] = (2.0, -2.0, -0.2, -0.01, 0.1)
        record = attribution_of(["a"] * columns, scores, labels=["b"] * rows, visible=[columns] * rows)
        (lines,) = render(record).axes[0].collections
        assert [(segment[:, 0].mean(), segment[0, 1]) for segment in lines.get_segments()] == [
            pytest.approx((1, rows - 0.64)),
            pytest.approx((2, rows - 0.64)),
        ]


@pytest.mark.parametrize(("rows", "columns"), [(320, 300), (1, 100), (500, 2), (3, 2000)])
def test_no_figure_is_larger_than_a_page_and_nothing_is_warned_of(attribution_of, tmp_path, rows, columns) -> None:
    texts = [(" " * bool(i)) + ("end." if i % 10 == 9 else "word") for i in range(columns)]
    read = [min(columns, 5 + row) for row in range(rows)]
    figure = render(attribution_of(texts, np.ones((rows, columns)), labels=["b"] * rows, visible=read))
    figure.savefig(tmp_path / "figure.png", dpi=20)
    assert (figure.get_size_inches() <= (16.0, 20.0)).all()
    note = f"{columns} tokens, shown as sums over their {columns // 10} sentences"
    assert (note in title_of(figure.axes[0])) == (columns > 100)


def test_a_sentence_that_a_row_could_not_begin_to_read_is_blank(attribution_of) -> None:
    texts = ["a."] + [" word", " end."] * 60
    record = attribution_of(texts, np.ones((1, 121)), visible=[4])
    image = render(record).axes[0].images[0]
    assert np.flatnonzero(~np.ma.getmaskarray(image.get_array())[0]).tolist() == [0, 1, 2]


def test_a_long_name_is_cut_and_the_map_keeps_its_room(attribution_of, tmp_path) -> None:
    figure = render(attribution_of(("The", "x" * 500, " E", "iff", "el", " is", " in"), labels=["y" * 500]))
    figure.savefig(tmp_path / "figure.png")
    axes = figure.axes[0]
    assert axes.get_xticklabels()[1].get_text() == "x" * 19 + "…"
    assert len(axes.get_yticklabels()[0].get_text()) < 50
    assert axes.get_position().width * figure.get_size_inches()[0] > 2.5
    assert axes.get_position().height * figure.get_size_inches()[1] > 0.8


def test_without_scores_there_is_nothing_to_plot(attribution_of) -> None:
    with pytest.raises(InputError, match="no scores to plot"):
        render(attribution_of((), np.zeros((1, 0))))


def test_the_scale_is_centred_at_zero(attribution_of) -> None:
    image = render(attribution_of()).axes[0].images[0]
    assert image.get_clim() == pytest.approx((-6.84, 6.84))
    assert image.get_cmap().name == "RdBu_r"


def test_methods_are_rows_each_on_its_own_scale(comparison_of) -> None:
    axes = render(comparison_of()).axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == [
        "attnlrp (logit)",
        "leave_one_out (logit)",
        "constant (attention weight)",
    ]
    assert np.abs(axes.images[0].get_array()).max(axis=1).tolist() == [1.0, 1.0, 0.0]


def test_several_targets_of_several_methods_are_all_rows(comparison_of) -> None:
    assert len(render(comparison_of(rows=2)).axes[0].get_yticklabels()) == 6


def test_each_head_of_a_layer_has_a_map_of_its_weights() -> None:
    record = one_stack()
    maps = [axes for axes in render(record).axes if axes.images]
    assert len(maps) == 6
    for i, axes in enumerate(maps):
        np.testing.assert_array_equal(axes.images[0].get_array(), record.layers[i // 3].weights[i % 3])
        assert axes.images[0].get_clim() == (0, 1)
    assert [label.get_text() for label in maps[0].get_yticklabels()] == list(TEXTS)


def test_of_many_flows_charts_and_pictures_some_are_drawn_and_it_says_so(tmp_path) -> None:
    curves = scores(*(score(f"metric_{i}") for i in range(20)))
    pictures = image()
    pictures = replace(
        pictures, targets=pictures.targets * 30, scores=np.repeat(pictures.scores, 30, axis=0), residual=None
    )
    found = {"8 of 30 target rows": make_flow(rows=30), "15 of 20 charts": curves, "23 of 30 maps": pictures}
    for said, record in found.items():
        figure = render(record)
        figure.savefig(tmp_path / "figure.png", dpi=20)
        assert figure.get_suptitle() == said
        assert (figure.get_size_inches() <= (16.0, 20.0)).all()


def test_of_many_heads_maps_become_smaller_so_that_no_figure_is_larger_than_a_page() -> None:
    assert (render(random_stack(9, 20, 3, causal=True)).get_size_inches() <= (16.0, 20.0)).all()


def test_of_many_layers_and_heads_some_have_maps_and_it_says_so() -> None:
    figure = render(random_stack(9, 20, 3, causal=True))
    assert sum(bool(axes.images) for axes in figure.axes) == 6 * 16
    assert figure.get_suptitle() == "6 of 9 layers, 16 of 20 heads"


def test_attention_from_target_to_source_names_both() -> None:
    maps = [axes for axes in render(two_stacks()).axes if axes.images]
    assert [label.get_text() for label in maps[4].get_yticklabels()] == ["<pad>", "Salut"]
    assert [label.get_text() for label in maps[4].get_xticklabels()] == ["Hello", " you", "</s>"]


def test_labels_are_never_taken_for_mathematics(attribution_of, tmp_path) -> None:
    texts = ("$\\frac$", "$", "\x00", "\n", "$x^$", "東", "🗼")
    figure = render(attribution_of(texts, labels=["$\\bad{$"], method="$\\x$", unit="$^$"))
    figure.savefig(tmp_path / "figure.png")
    shown = [label.get_text() for label in figure.axes[0].get_xticklabels()]
    assert shown[0] == "$\\frac$"
    assert shown[5:] == ["⟨U+6771⟩", "⟨U+1F5FC⟩"]


def test_without_matplotlib_the_error_names_the_extra(attribution_of, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingExtraError, match=r"pip install matplotlib"):
        render(attribution_of())


def test_other_things_are_refused() -> None:
    with pytest.raises(InputError, match="got dict"):
        render({})


@pytest.mark.parametrize("kind", ["svg", "png"])
def test_the_same_record_gives_the_same_file(attribution_of, tmp_path, kind) -> None:
    first, second = (attribution_of().save_figure(tmp_path / f"{name}.{kind}") for name in ("a", "b"))
    assert first.read_bytes() == second.read_bytes()
    other = attribution_of(scores=(0.0, *[1.0] * 6)).save_figure(tmp_path / f"c.{kind}")
    assert other.read_bytes() != first.read_bytes()


def test_the_text_of_a_drawing_is_text_and_nothing_else(attribution_of, tmp_path) -> None:
    texts = ("<script>1</script>", "]]>", "\x1b[31m", "&amp;", "The", " E", "iff")
    path = attribution_of(texts, labels=["</svg>"]).save_figure(tmp_path / "a.svg")
    drawing = ElementTree.parse(path).getroot()
    words = ["".join(one.itertext()) for one in drawing.iter("{http://www.w3.org/2000/svg}text")]
    assert "<script>1</script>" in words
    assert "+6.84" in words
    assert not list(drawing.iter("{http://www.w3.org/2000/svg}script"))
    assert "<dc:date>" not in path.read_text(encoding="utf-8")


def test_a_picture_has_200_dots_an_inch(attribution_of, tmp_path) -> None:
    with Image.open(attribution_of().save_figure(tmp_path / "a.PNG")) as image:
        assert image.info["dpi"] == pytest.approx((200, 200), abs=0.1)
        wide, high = attribution_of().plot().get_size_inches()
        assert image.size == (int(200 * wide), int(200 * high))


def test_a_palette_changes_the_file(attribution_of, tmp_path) -> None:
    red, orange = (attribution_of().save_figure(tmp_path / f"{name}.svg", palette=name) for name in ("RdBu", "PuOr"))
    assert red.read_bytes() != orange.read_bytes()


def test_another_ending_or_no_folder_is_an_error(attribution_of, tmp_path) -> None:
    with pytest.raises(InputError, match=r"as .svg or .png, got 'a.pdf'. Use plot\(\).savefig\(\)"):
        attribution_of().save_figure(tmp_path / "a.pdf")
    with pytest.raises(InputError, match=r"Cannot write .*: No such file"):
        attribution_of().save_figure(tmp_path / "no" / "a.svg")
