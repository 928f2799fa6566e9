"""The record of a flow: what it says, the widest ways by brute force, and that it comes back as it was."""

import copy
import pickle
from itertools import pairwise, product

import numpy as np
import pytest

from whence.errors import InputError, NonFiniteError
from whence.records import Flow, TargetValue, Token

TOKENS = tuple(Token(text, i) for i, text in enumerate(("The", " film", " was", "\x1b[31m<b>")))
TARGETS = (TargetValue(" good", 4, 2.5, 0.0, "logit"), TargetValue(" bad", 4, -1.0, None, "probability"))


def record(layers=3, seed=0, tokens=TOKENS, targets=TARGETS, **changes):
    drawn = np.random.default_rng(seed)
    rows, count = len(targets), len(tokens)
    fields = {
        "tokens": tokens,
        "targets": targets,
        "nodes": drawn.normal(size=(rows, layers + 1, count)),
        "edges": np.tril(drawn.normal(size=(rows, layers, count, count))),
        "heads": drawn.normal(size=(rows, layers, 2)),
        "by_values": 0.5,
        "method": "attnlrp",
        "params": {"epsilon": 0.0},
        "provenance": {"model": "tiny", "text": "The film was\x1b[31m<b>", "caveat": "Not all."},
    }
    fields |= changes
    return Flow(**fields | {name: np.asarray(fields[name], dtype=np.float32) for name in ("nodes", "edges", "heads")})


def test_the_rest_is_what_does_not_come_from_others():
    one = record()
    for row, layer, token in product(range(2), range(3), range(4)):
        others = sum(float(one.edges[row, layer, query, token]) for query in range(4) if query != token)
        assert one.rest[row, layer, token] == pytest.approx(one.nodes[row, layer, token] - others, abs=1e-6)


@pytest.mark.parametrize("seed", range(8))
def test_a_path_is_the_widest_of_all_ways(seed):
    one = record(seed=seed)
    for row in range(2):
        found = one.paths(4, row)
        assert [path.tokens[0] for path in found] == np.argsort(-np.abs(one.nodes[row, 0])).tolist()
        for path in found:
            ways = [(path.tokens[0], *way) for way in product(range(4), repeat=3)]
            assert abs(path.value) == pytest.approx(max(min(map(abs, steps(one, row, way))) for way in ways))
            assert path.value == pytest.approx(steps(one, row, path.tokens)[path.narrowest])


def steps(one, row, way):
    """The signed flow of each step of a way, and of its start on top, written out."""
    flows = []
    for layer, (key, query) in enumerate(pairwise(way)):
        flows.append(one.rest[row, layer, key] if query == key else one.edges[row, layer, query, key])
    return [float(flow) for flow in (*flows, one.nodes[row, -1, way[-1]])]


def test_of_equally_wide_ways_the_wider_step_is_taken():
    edges = np.zeros((1, 2, 3, 3))
    edges[0, 1, 2, :2] = 0.1
    edges[0, 0, 1, 0] = 4.0
    nodes = np.array([[[5.0, 0, 0], [1.0, 1.0, 0.1], [0, 0, 9.0]]])
    one = record(tokens=TOKENS[:3], targets=TARGETS[:1], nodes=nodes, edges=edges, heads=np.zeros((1, 2, 1)))
    assert one.paths(1)[0].tokens == (0, 1, 2)
    assert one.paths(1)[0].value == pytest.approx(0.1)
    assert one.paths(1)[0].narrowest == 1


def test_paths_wants_a_number_and_a_row_there_is():
    for k in (0, True):
        with pytest.raises(InputError, match="at least 1"):
            record().paths(k)
    with pytest.raises(InputError, match="no target row 2: rows are 0 to 1"):
        record().paths(1, target=2)


def test_a_round_trip_through_json_and_a_file_changes_nothing(tmp_path):
    original = record()
    assert Flow.from_dict(original.to_dict()) == original
    original.save(tmp_path / "flow.safetensors")
    assert Flow.load(tmp_path / "flow.safetensors") == original
    assert pickle.loads(pickle.dumps(original)) == original
    assert copy.deepcopy(original) == original
    assert repr(original) == "Flow(method='attnlrp', targets=[' good', ' bad'], tokens=4, layers=3, heads=2)"


def test_records_of_other_numbers_differ():
    assert record() != record(seed=1)
    assert record() != record(method="cp_lrp")
    assert record() != record(by_values=1.0)
    assert record() != "flow"


def test_numbers_cannot_be_changed():
    with pytest.raises(ValueError, match="read-only"):
        record().edges[0, 0, 0, 0] = 1.0


def test_what_is_no_record_is_refused():
    with pytest.raises(InputError, match="has no heads"):
        Flow.from_dict({k: v for k, v in record().to_dict().items() if k != "heads"})
    with pytest.raises(InputError, match="no flow record"):
        Flow.from_dict(record().to_dict() | {"nodes": [[1.0], [1.0, 2.0]]})
    with pytest.raises(InputError, match=r"nodes have shape \(2, 3, 4\), wanted \(2, 4, 4\)"):
        record(nodes=record().nodes[:, :3])
    for broken in (np.nan, np.inf):
        with pytest.raises(NonFiniteError, match="attnlrp"):
            record(heads=np.full((2, 3, 2), broken))
