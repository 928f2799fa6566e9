import sys
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from views.attended import TEXTS, one_stack, random_stack, two_stacks
from whence.errors import InputError, MissingExtraError
from whence.views.plot import render


def test_a_row_a_target_and_a_column_a_token(attribution_of) -> None:
    record = attribution_of(scores=np.arange(14.0).reshape(2, 7), labels=["a", "b"])
    image = render(record).axes[0].images[0]
    np.testing.assert_array_equal(image.get_array(), record.scores)


def test_the_scale_is_centred_at_zero(attribution_of) -> None:
    image = render(attribution_of()).axes[0].images[0]
    assert image.get_clim() == pytest.approx((-6.84, 6.84))
    assert image.get_cmap().name == "RdBu_r"


def test_methods_are_rows_each_on_its_own_scale(comparison_of) -> None:
    axes = render(comparison_of()).axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["attnlrp", "leave_one_out", "constant"]
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
    texts = ("<script>alert(1)</script>", "]]>", "\x1b[31m", "&amp;", "The", " E", "iff")
    path = attribution_of(texts, labels=["</svg>"]).save_figure(tmp_path / "a.svg")
    drawing = ElementTree.parse(path).getroot()
    words = ["".join(one.itertext()) for one in drawing.iter("{http://www.w3.org/2000/svg}text")]
    assert "<script>alert(1)</script>" in words
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
