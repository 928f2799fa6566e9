"""Attention shown: what stands out in words, in 80 columns, and every head as a picture in a page."""

import base64
import re
import zlib
from io import StringIO

import numpy as np
import pytest
from rich.console import Console

from views.attended import TEXTS, one_stack, random_stack, two_stacks
from views.golden import same_as_golden
from whence.records import AttentionLayer, Attentions, Token
from whence.views import html, terminal
from whence.views.attention_sheet import attention_sheet
from whence.views.sheet_parts import Mosaic


def printed(record, **options):
    file = StringIO()
    terminal.render([record], Console(**({"file": file, "width": 80, "color_system": None} | options)))
    return file.getvalue()


def attended(weights, texts="abc", **fields):
    """A record of one layer of one head."""
    count = len(texts)
    layer = AttentionLayer(0, "self", (0, count), (0, count), np.array([weights], dtype=np.float32))
    tokens = [Token(text, i, special=text == "S") for i, text in enumerate(texts)]
    return Attentions(tuple(tokens), (layer,), {"text": "a b c"} | fields)


RECORDS = {"one_stack": one_stack, "two_stacks": two_stacks}


@pytest.mark.parametrize("name", RECORDS)
def test_a_terminal_shows_it_without_colour(name):
    text = printed(RECORDS[name]())
    assert max(map(len, text.splitlines())) <= 80
    same_as_golden(f"attention_{name}", text)


@pytest.mark.parametrize("name", RECORDS)
def test_a_terminal_shows_it_in_colour(name):
    options = {"force_terminal": True, "color_system": "truecolor", "no_color": False}
    same_as_golden(f"attention_{name}_colored", printed(RECORDS[name](), **options))


def test_the_strongest_link_is_none_that_says_little():
    """Not to the first token, not to a special one, not from a token to itself."""
    weights = [[1, 0, 0, 0], [0.9, 0.1, 0, 0], [0.1, 0.05, 0.8, 0.05], [0.1, 0.02, 0.8, 0.08]]
    (table,) = attention_sheet(attended(weights, "abSd")).drawn
    assert [row[:5] for row in table.rows] == [("0", "0", "2 “S”", "1 “b”", "0.05")]


def test_where_there_is_no_link_there_is_no_table():
    assert attention_sheet(attended([[1.0]], "a")).drawn == ()
    assert "strongest" not in printed(attended([[1.0]], "a"))


def test_of_many_layers_the_strongest_links_are_listed_in_order():
    record = one_stack(layers=20)
    (table,) = attention_sheet(record).drawn
    numbers = [int(row[0]) for row in table.rows]
    weights = [float(row[4]) for row in table.rows]
    assert (len(numbers), numbers) == (12, sorted(numbers))
    assert "and 8 layers with weaker ones" in table.remarks
    tables = (attention_sheet(Attentions(record.tokens, (layer,), {})).drawn for layer in record.layers)
    every = [float(table.rows[0][4]) for (table,) in tables]
    assert sorted(weights) == sorted(every)[8:]


def test_the_first_tokens_share_leaves_out_the_token_that_can_look_nowhere_else():
    (first, *_) = attention_sheet(attended([[1, 0, 0], [0.5, 0.5, 0], [0.1, 0.4, 0.5]])).matrices
    np.testing.assert_allclose(first.values, [[0.3]], atol=1e-6)
    (both, *_) = attention_sheet(attended([[0.5, 0.5], [0.1, 0.9]], "ab")).matrices
    np.testing.assert_allclose(both.values, [[0.3]], atol=1e-6)


def test_a_sink_is_said():
    assert (
        "up to 30% of a row on no token (an attention sink)"
        in attention_sheet(attended([[0.7, 0], [0.5, 0.4]], "ab")).facts
    )
    assert not any("sink" in fact for fact in attention_sheet(one_stack()).facts)


def test_the_mean_of_the_last_layer_is_there_where_tokens_are_few():
    record = one_stack()
    mean = attention_sheet(record).matrices[1]
    assert mean.rows == mean.columns == TEXTS
    np.testing.assert_allclose(mean.values, record.layers[1].weights.mean(axis=0), atol=1e-6)
    assert len(attention_sheet(random_stack(1, 1, 129, causal=True)).matrices) == 1
    cross = attention_sheet(two_stacks()).matrices[1]
    assert (cross.rows, cross.columns) == (("<pad>", "Salut"), ("Hello", " you", "</s>"))


def test_every_head_has_its_tile_by_the_root_of_its_weights():
    record = one_stack()
    (mosaic,) = attention_sheet(record).mosaics
    assert mosaic.tiles.shape == (2, 3, 6, 6)
    for layer, row in zip(record.layers, mosaic.tiles, strict=True):
        np.testing.assert_allclose(row**2, layer.weights, atol=1e-6)


def test_of_layers_of_several_shapes_each_tile_is_a_square():
    record = two_stacks()
    (mosaic,) = attention_sheet(record).mosaics
    assert mosaic.rows == ("encoder 0", "decoder 0", "cross 0")
    assert mosaic.tiles.shape == (3, 2, 3, 3)
    np.testing.assert_allclose(mosaic.tiles[0] ** 2, record.layers[0].weights, atol=1e-6)
    np.testing.assert_allclose(mosaic.tiles[2][:, [0, 2]] ** 2, record.layers[2].weights, atol=1e-6)


def test_a_pixel_of_a_long_input_is_the_largest_weight_it_stands_for():
    record = random_stack(4, 8, 200, causal=False)
    (mosaic,) = attention_sheet(record).mosaics
    side = mosaic.tiles.shape[-1]
    assert side < 200
    assert "A pixel is the largest weight of up to" in mosaic.note
    starts = [i * 200 // side for i in range(side + 1)]
    blocks = record.layers[1].weights[3, starts[5] : starts[6], starts[2] : starts[3]]
    assert mosaic.tiles[1, 3, 5, 2] ** 2 == pytest.approx(blocks.max(), abs=1e-6)


def picture_of(page):
    """Rows and columns of the one PNG picture, and its opacities."""
    (data,) = re.findall(r'class="whence-pixels" href="data:image/png;base64,([^"]+)"', page)
    raw = base64.b64decode(data)
    width, height = (int.from_bytes(raw[i : i + 4], "big") for i in (16, 20))
    start = raw.index(b"IDAT") + 4
    pixels = np.frombuffer(zlib.decompress(raw[start:]), np.uint8).reshape(height, 4 * width + 1)
    return pixels[:, 1:].reshape(height, width, 4)[..., 3]


def test_the_picture_is_one_and_clear_between_the_tiles():
    opacities = picture_of(html.render([one_stack()], fragment=True))
    assert opacities.shape == (2 * 7, 3 * 7)
    assert not opacities[6::7].any()
    assert not opacities[:, 6::7].any()
    assert opacities[0, 0] == 255


@pytest.mark.parametrize("shape", [(1, 1, 1), (32, 32, 60), (2, 2, 600)])
def test_a_static_page_stays_small_whatever_the_size(shape):
    page = html.render([random_stack(*shape, causal=False)], fragment=True)
    assert len(page) < 500_000


def test_names_of_many_columns_do_not_run_into_each_other():
    page = html.render([random_stack(2, 64, 4, causal=True)], fragment=True)
    places = [float(x) for x in re.findall(r'<text class="whence-tick" x="([\d.]+)" y="12" text-anchor="middle"', page)]
    assert len(places) > 10
    assert np.diff(places).min() >= 20


@pytest.mark.parametrize("payload", ["<script>alert(1)</script>", "\x1b[31m", "\u202e", "</style>"])
def test_no_token_gets_out_of_it(payload):
    record = one_stack((payload, "b", payload), text=payload)
    page = html.render([record])
    assert "<script>alert" not in page
    assert "\x1b" not in page + printed(record)
    assert "\u202e" not in page + printed(record)
    assert page.count("</style>") == 1


def test_the_policy_lets_the_pictures_in():
    assert "img-src data:" in html.render([one_stack()])


def test_a_mosaic_is_for_formats_that_draw():
    (mosaic,) = attention_sheet(one_stack()).mosaics
    assert isinstance(mosaic, Mosaic)
    assert mosaic.caption not in printed(one_stack())


def test_a_page_is_named_after_its_text():
    assert "<title>attention in “The Eiffel Tower is”</title>" in html.render([one_stack()])


@pytest.mark.parametrize("count", [3, 40])
def test_weights_have_no_sign_in_any_format(count):
    weights = np.tril(np.ones((count, count)))
    record = attended(weights / weights.sum(1, keepdims=True), "a" * count)
    page = html.render([record], fragment=True)
    tables = re.findall(r'<td class="whence-heat"[^>]*>([^<]*)</td>', page)
    assert all(re.fullmatch(r"[\d.]+", text) for text in tables)
    assert ">negative</span>" not in page
    assert "<span>0</span> <span" in page
    text = printed(record)
    assert "0 … 1.00 attention weight" in text
    assert not re.search(r"[+±−]\d", text)
