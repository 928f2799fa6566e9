"""A unit's name says which it is, and a name that says nothing is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whence.errors import InputError
from whence.records import Unit, as_unit

COUNTS = st.integers(0, 10**6)
STACKS = st.sampled_from(["", "encoder", "decoder", "model.stages.0"])
UNITS = st.one_of(
    st.builds(Unit, st.sampled_from(["neuron", "head", "cross_head"]), COUNTS, COUNTS, STACKS),
    st.builds(Unit, st.sampled_from(["layer", "residual"]), COUNTS, st.none(), STACKS),
)


@given(UNITS)
def test_a_name_is_read_back_as_the_unit(unit):
    assert Unit.parse(unit.name) == unit
    assert as_unit(unit.name) == as_unit(unit) == unit


@pytest.mark.parametrize(
    ("unit", "name"),
    [
        (Unit("neuron", 3, 1021), "layer 3 neuron 1021"),
        (Unit("head", 3, 5), "layer 3 head 5"),
        (Unit("cross_head", 2, 0, "decoder"), "decoder layer 2 cross-attention head 0"),
        (Unit("layer", 3), "layer 3"),
        (Unit("residual", 0, stack="encoder"), "encoder residual 0"),
    ],
)
def test_names(unit, name):
    assert unit.name == name


def test_a_pair_is_a_neuron():
    assert as_unit((3, 1021)) == Unit("neuron", 3, 1021)


@pytest.mark.parametrize("name", ["", "neuron 3", "layer 3 neuron", "layer -1", "layer 3 neuron 5 head 2", "residual"])
def test_other_names_are_refused_with_what_a_name_looks_like(name):
    with pytest.raises(InputError, match=r"names no unit\. Wanted: 'layer 3 neuron 1021'"):
        as_unit(name)


@pytest.mark.parametrize("value", [3, 3.0, None, (1,), (1, 2, 3), (1, -2), (True, 1), ["layer", 3]])
def test_other_things_are_no_units(value):
    with pytest.raises(InputError, match="is no unit"):
        as_unit(value)


@pytest.mark.parametrize(
    "fields", [("neurons", 0, 0), ("neuron", 0), ("neuron", 0, None), ("head", -1, 0), ("layer", 0, 3)]
)
def test_a_unit_that_cannot_be_is_refused(fields):
    with pytest.raises(InputError, match=r"no kind of unit|counted from 0|has no index"):
        Unit(*fields)
