"""A flow shown: what is the largest comes first, every format says the same, and no token gets out."""

import base64
import json
import re
import zlib
from io import StringIO

import numpy as np
import pytest
from rich.console import Console

from views.flows import TEXTS, make_flow
from views.golden import same_as_golden
from whence.records import FlowPath
from whence.views import html, live_flow, terminal
from whence.views.colors import RDBU
from whence.views.flow_sheet import flow_maps, path_text, token_names
from whence.views.live import live
from whence.views.plot import render as plot

EVIL = ("<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "</style>", "]]>", "\x00\x1b[31m", "\u202eabc")


def printed(record, color=False):
    file = StringIO()
    options = {"force_terminal": True, "color_system": "truecolor"} if color else {"color_system": None}
    terminal.render([record], Console(file=file, width=80, no_color=not color, **options))
    return file.getvalue()


@pytest.mark.parametrize("color", [False, True])
def test_in_a_terminal_it_reads_as_it_was_found_good(color):
    text = printed(make_flow(), color)
    assert max(len(re.sub(r"\x1b\[[0-9;]*m", "", line)) for line in text.splitlines()) <= 80
    same_as_golden("flow_colored" if color else "flow", text)


def test_of_several_rows_each_is_named_and_the_first_maps_are_drawn():
    text = printed(make_flow(rows=6))
    assert text.count("widest paths") == 6
    assert text.count("relevance of heads") == 4
    assert "Maps are of the first 4 of 6 target rows." in text


def test_maps_have_the_top_first_and_the_input_last():
    record = make_flow()
    nodes, heads = flow_maps(record, 0)
    np.testing.assert_array_equal(nodes.values, record.nodes[0, ::-1])
    assert (nodes.rows[0], nodes.rows[-1], heads.rows[0]) == ("3 top", "0 input", "2")
    np.testing.assert_array_equal(heads.values, record.heads[0, ::-1])


def test_a_path_in_words_says_where_it_is_on_which_residuals():
    record = make_flow(("a", "b", "a"), layers=4)
    text = path_text(record, FlowPath((0, 0, 1, 2, 2), 1.0, 1), token_names(record))
    assert text == "“a” #0 residuals 0–1 → “b” 2 → “a” #2 3–4"


def test_long_tokens_are_cut_in_a_path_and_told_apart_by_their_place():
    record = make_flow(("a" * 20, "b" * 21, "b" * 22))
    assert token_names(record) == [f"“{'a' * 20}”", f"“{'b' * 19}…” #1", f"“{'b' * 19}…” #2"]


def test_a_page_holds_maps_tables_and_the_data_of_its_view():
    record = make_flow()
    page = html.render([record])
    assert "<title>Inside the model: predicted “ Paris” 4.5 logit</title>" in page
    for said in ("widest paths", "strongest heads", "0 input", '"view":"flow"'):
        assert said in page
    assert '"view":"flow"' not in html.render([record], fragment=True)


def test_no_token_label_or_name_gets_out_of_a_page_or_into_a_terminal():
    record = make_flow(EVIL, method="<b>", provenance={"model": "</script><script>alert(2)</script>"})
    page = html.render([record])
    for bad in ("<script>alert", "<img src", "<b>", "\x00", "\x1b", "\u202e"):
        assert bad not in page
    assert "\x1b[31m" not in printed(record)


# ---------------------------------------------------------------------- the data of the interactive view


def numbers(told):
    data = base64.b64decode(told["data"])
    data = zlib.decompress(data) if told["deflated"] else data
    return np.frombuffer(data, "<f4").reshape(told["shape"])


def test_data_are_the_records_own_numbers():
    record = make_flow(rows=2)
    data = live(record, RDBU)
    np.testing.assert_array_equal(numbers(data["nodes"]), record.nodes)
    np.testing.assert_array_equal(numbers(data["rest"]), record.rest)
    np.testing.assert_array_equal(numbers(data["headScores"]), record.heads)
    assert [path["tokens"] for path in data["targets"][1]["paths"]] == [list(p.tokens) for p in record.paths(5, 1)]
    json.dumps(data, allow_nan=False)


@pytest.mark.parametrize("count", [2, 5, 12])
def test_edges_kept_are_the_strongest_of_each_token(count):
    record = make_flow([f"t{i}" for i in range(count)], rows=2)
    told = live(record, RDBU)["edges"]
    assert told["kept"] == min(5, count - 1)
    for side, axis in (("above", 0), ("below", 1)):
        others, values = numbers(told[side]).astype(int), numbers(told[f"{side}Value"])
        for row, layer, token in np.ndindex(2, 3, count):
            edges = np.delete(record.edges[row, layer].take(token, axis=1 - axis), token)
            strongest = sorted(np.abs(edges), reverse=True)[: told["kept"]]
            np.testing.assert_array_equal(np.abs(values[row, layer, token]), strongest)
            for other, value in zip(others[row, layer, token], values[row, layer, token], strict=True):
                pair = (other, token) if side == "above" else (token, other)
                assert other != token
                assert value == record.edges[row, layer][pair]


def test_a_long_input_keeps_fewer_edges_and_of_too_long_a_one_none(monkeypatch):
    whole = live(make_flow([f"t{i}" for i in range(40)]), RDBU)["edges"]
    monkeypatch.setattr(live_flow, "_MOST_NODES", 2 * 3 * 40 * 2)
    assert (whole["kept"], live(make_flow([f"t{i}" for i in range(40)]), RDBU)["edges"]["kept"]) == (5, 2)
    monkeypatch.setattr(live_flow, "_MOST_NODES", 10)
    told = live(make_flow(), RDBU)["edges"]
    assert (told["kept"], numbers(told["above"]).size) == (0, 0)


def test_a_page_of_two_thousand_tokens_is_no_matrix():
    record = make_flow([f"t{i}" for i in range(2000)], layers=2)
    assert record.edges.nbytes > 30e6
    assert len(html.render([record])) < 3e6


# ---------------------------------------------------------------------- figures


def test_a_figure_has_two_maps_for_each_row_and_paths_over_the_first():
    record = make_flow(rows=2)
    axes = plot(record).axes
    maps = [one for one in axes if one.images]
    assert len(maps) == 4
    np.testing.assert_array_equal(maps[0].images[0].get_array(), record.nodes[0, ::-1])
    np.testing.assert_array_equal(maps[3].images[0].get_array(), record.heads[1, ::-1])
    path = record.paths(1)[0]
    assert list(maps[0].lines[1].get_xdata()) == list(path.tokens)
    assert list(maps[0].lines[1].get_ydata()) == [3, 2, 1, 0]


def test_a_figures_text_is_never_taken_for_mathematics(tmp_path):
    record = make_flow(("$\\frac$", "$", "\x00", "東", *TEXTS[:1]))
    figure = plot(record)
    figure.savefig(tmp_path / "figure.png")
    assert figure.axes[0].get_xticklabels()[0].get_text() == "$\\frac$"
