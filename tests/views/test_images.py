"""A record of an image is a heat map over the picture, in every view, with its sign without colour too."""

import base64
import io
import re

import numpy as np
import pytest
from PIL import Image

import whence
from tiny_images import picture
from views.page import Page, markup
from whence.records import Agreement, Attribution, Comparison, TargetValue
from whence.records.grid import grid_tokens
from whence.views.png import png

INK = {"force_terminal": True, "color_system": "truecolor"}
PLAIN = {"force_terminal": False, "no_color": True}


def jpeg(height=12, width=12):
    written = io.BytesIO()
    Image.fromarray(picture(0, height, width)).save(written, "JPEG")
    return base64.b64encode(written.getvalue()).decode()


def image_record(rows=3, columns=4, unit="patch", labels=("cat",), method="attnlrp", scores=None, **about):
    tokens = grid_tokens(rows, columns, unit)
    if scores is None:
        scores = np.linspace(-1, 2, len(labels) * len(tokens)).reshape(len(labels), -1)
    provenance = {"grid": [rows, columns], "cell": [4, 4], "pixels": [4 * rows, 4 * columns]}
    view = {"image": {"name": "cat.png", "view": jpeg(4 * rows, 4 * columns)}}
    return Attribution.build(
        tokens,
        [TargetValue(label, None, 3.0, 0.0, "logit") for label in labels],
        np.asarray(scores),
        complete=True,
        method=method,
        params={},
        provenance=provenance | view | about,
    )


def comparison():
    records = (image_record(), image_record(method="leave_one_out", scores=np.eye(12)[:1]))
    return Comparison(records, (Agreement(0, 1, 0, 12, 0.5, 0.1, 0.4, 0.1, 3, 1 / 3),))


# ---------------------------------------------------------------------- terminal


def test_without_styles_each_cell_is_a_sign_and_ninths_of_the_scale(printed):
    scores = [[-1.0, 0.0, 0.5, 1.0, -0.25, 0.01, 0.2, -0.9, 0.0, 0.3, 0.6, -0.6]]
    shown = printed(image_record(scores=scores), **PLAIN)
    assert "  −9 ·+4+9\n  −2 ·+2−8\n   ·+3+5−5\n" in shown
    assert "3 × 4 patches" in shown
    assert "digits: ninths" in shown


def test_with_styles_negative_cells_are_underlined(printed):
    shown = printed(image_record(scores=[[-1.0, 1.0, *[0.0] * 10]]), **INK)
    first, second = re.findall(r"\x1b\[([0-9;]+)m  \x1b", shown)[:2]
    assert first.split(";")[0] == "4"
    assert second.split(";")[0] != "4"
    assert "underlined: negative" in shown


def test_the_sign_of_almost_nothing_is_not_marked(printed):
    scores = [[-1.0, -0.04, *[1.0] * 10]]
    styles = re.findall(r"\x1b\[([0-9;]+)m  \x1b", printed(image_record(scores=scores), **INK))
    assert [style.split(";")[0] == "4" for style in styles[:3]] == [True, False, False]
    assert "  −9 ·+9" in printed(image_record(scores=scores), **PLAIN)


@pytest.mark.parametrize("side", [16, 56, 224])
@pytest.mark.parametrize("width", [40, 80])
def test_a_large_grid_is_summed_until_it_fits(printed, side, width):
    record = image_record(side, side, scores=np.ones((1, side * side)), image=None)
    lines = printed(record, width=width, **PLAIN).splitlines()
    cells = [line for line in lines if re.fullmatch(r"  (\+\d)+", line)]
    assert 1 <= len(cells) <= 40
    assert max(map(len, lines)) <= width
    if side > (width - 2) // 2:
        assert "the sum of" in " ".join(lines)


@pytest.mark.parametrize("labels", [("cat",), ("cat", "dog")])
def test_the_strongest_cells_are_named(printed, labels):
    shown = printed(image_record(labels=labels), **PLAIN)
    assert "patch 2,3" in shown


def test_a_comparison_shows_a_grid_for_each_method(printed):
    shown = printed(comparison(), **PLAIN)
    assert shown.count("3 × 4 patches") == 2


def test_the_base64_picture_is_never_printed(printed):
    assert jpeg()[:40] not in printed(image_record(3, 3), **PLAIN)
    assert "/9j/" not in printed(comparison(), **PLAIN)


# ---------------------------------------------------------------------- HTML


def test_the_page_draws_each_cell_over_the_picture_with_its_number():
    page = markup(image_record().to_html())
    assert page.count("<rect ") == 12
    assert "<title>patch 0,0: −1.00 logit</title>" in page
    assert "<title>patch 2,3: +2.00 logit</title>" in page
    assert page.count(f"data:image/jpeg;base64,{jpeg(12, 16)}") == 2
    assert 'viewBox="0 0 16 12"' in page


def test_each_cell_stands_over_its_own_pixels():
    page = image_record(scores=[[-1.0, *[0.0] * 10, 1.0]]).to_html()
    places = re.findall(r'<rect x="(\d+)" y="(\d+)" width="4" height="4"', page)
    assert places == [(str(4 * column), str(4 * row)) for row in range(3) for column in range(4)]
    (x, y) = map(float, re.search(r'class="whence-mark" d="M([\d.]+) ([\d.]+)h', page).groups())
    assert 0 < x < 4
    assert 0 < y < 4


def test_only_a_page_with_a_picture_may_load_data(attribution_of):
    rules = Page(image_record().to_html()).policies[0].split("; ")
    assert rules[:3] == ["default-src 'none'", "style-src 'unsafe-inline'", "img-src data:"]
    assert [rule.split()[0] for rule in rules[3:]] == ["script-src"]
    assert "img-src" not in Page(attribution_of().to_html()).policies[0]
    for record in (comparison(), whence.report(attribution_of(), image_record())):
        assert "img-src data:" in Page(record.to_html()).policies[0].split("; ")


def test_negative_cells_carry_a_mark():
    page = image_record(scores=[[-1.0, 1.0, -0.01, *[0.0] * 9]]).to_html()
    (marks,) = re.findall(r'class="whence-mark" d="([^"]*)"', page)
    assert marks.count("M") == 1
    assert "whence-mark" not in markup(image_record(scores=np.ones((1, 12))).to_html())


def test_many_cells_are_one_picture_whose_colours_end_before_the_outliers():
    scores = np.random.default_rng(0).normal(size=(1, 40 * 40))
    scores[0, 0] = 1e6
    page = image_record(40, 40, unit="pixel", cell=[1, 1], pixels=[40, 40], scores=scores, image=None).to_html()
    assert "<rect" not in page
    assert "1% of the scores go beyond" in page
    (data,) = re.findall(r"data:image/png;base64,([A-Za-z0-9+/=]+)", page)
    with Image.open(io.BytesIO(base64.b64decode(data))) as heat:
        drawn = np.asarray(heat).astype(int)
    assert drawn.shape == (40, 40, 4)
    red = drawn[..., 0] > drawn[..., 2]
    assert np.array_equal(red, scores.reshape(40, 40) > 0)
    order = np.argsort(np.abs(scores[0]))
    opacity = drawn[..., 3].reshape(-1)[order]
    assert (np.diff(opacity) >= 0).all()
    assert np.median(opacity) > 30


def test_of_many_cells_the_table_has_the_strongest():
    scores = np.zeros((1, 3000))
    scores[0, 1234] = -5
    page = image_record(50, 60, scores=scores, image=None).to_html()
    assert "The 500 strongest; 2500 more are in the record." in page
    assert "patch 20,34" in page
    assert len(markup(page)) < 400_000


def test_every_score_zero(printed):
    for side in (3, 40):
        record = image_record(side, side, scores=np.zeros((1, side * side)), image=None)
        assert "every score is 0" in record.to_html()
        assert "every score is 0" in printed(record, **PLAIN)


def test_without_a_picture_the_grid_stands_alone():
    page = image_record(image=None).to_html()
    assert page.count("<rect ") == 12
    assert "<image" not in page


def test_the_picture_stands_once_beside_the_rows_of_a_page():
    page = comparison().to_html()
    assert page.count('aria-label="The image as the model takes it"') == 1
    assert page.count("<rect ") == 24


STRANGE = [
    '"><script>alert(1)</script>',
    "https://example.org/spy.png",
    base64.b64encode(b"<svg onload='alert(1)'>").decode(),
    base64.b64encode(b"\x89PNG\r\n").decode(),
    "\xff",
    7,
    None,
    ["a"],
]


@pytest.mark.parametrize("view", STRANGE)
def test_what_is_no_jpeg_is_not_shown(view, printed):
    record = image_record(image={"name": "<b>", "view": view})
    page = record.to_html()
    assert "<image" not in markup(page)
    assert "example.org" not in page
    assert "img" not in {tag for tag, _ in Page(page).elements}
    assert Page(page).modules == Page(image_record().to_html()).modules
    assert [data["grid"]["picture"] for data in Page(page).data] == [None]
    assert "&lt;b&gt;" in page
    printed(record, **PLAIN)


@pytest.mark.parametrize("about", [{"cell": "4"}, {"cell": [4]}, {"pixels": [0, 5]}, {"pixels": None}, {"image": 3}])
def test_a_strange_layout_is_drawn_as_well_as_it_goes(about, printed):
    record = image_record(**about)
    assert record.to_html().count("<rect ") == 12
    printed(record, **PLAIN)


def test_units_named_by_a_stranger_are_escaped(printed):
    record = image_record(unit="<i>\x1b[31m")
    assert "<i>" not in record.to_html().replace("&lt;i&gt;", "")
    assert "\x1b[31m" not in printed(record, **PLAIN)


# ---------------------------------------------------------------------- plot and PNG


@pytest.mark.parametrize(("record", "maps"), [(image_record(labels=("cat", "dog")), 2), (comparison(), 2)])
def test_the_plot_is_the_picture_and_a_map_for_each(record, maps, tmp_path):
    figure = record.plot()
    pictures = [axes for axes in figure.axes if axes.images]
    assert len(pictures) == 1 + maps
    for axes in pictures[1:]:
        lowest, highest = axes.images[0].get_clim()
        assert lowest == -highest < 0
    figure.savefig(tmp_path / "plot.png")


def test_the_plot_draws_the_scores_where_they_are():
    record = image_record()
    (axes,) = [axes for axes in record.plot().axes if axes.images and axes.get_title("left").startswith("attnlrp")]
    assert np.array_equal(axes.images[0].get_array(), record.scores[0].reshape(3, 4))


def test_a_png_is_read_back_as_it_was_written():
    colours = np.random.default_rng(0).integers(0, 256, (7, 5, 4), dtype=np.uint8)
    with Image.open(io.BytesIO(png(colours))) as image:
        assert image.mode == "RGBA"
        assert np.array_equal(np.asarray(image), colours)
