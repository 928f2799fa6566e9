"""The record of the units a prediction went through comes back as it was."""

import json

import pytest

import whence
from views.measured import profiles
from whence.errors import InputError
from whence.records import Profiles


def test_a_round_trip_through_json_and_a_file_changes_nothing(tmp_path):
    record = profiles()
    assert Profiles.from_dict(json.loads(json.dumps(record.to_dict()))) == record
    record.save(tmp_path / "p")
    assert Profiles.load(tmp_path / "p") == record
    assert Profiles.load(tmp_path / "p").entries[0].maximizers.entries[0].token.text == " city"


def test_records_that_differ_are_not_equal():
    assert profiles("a") != profiles("b")


def test_its_repr_names_the_target_and_the_first_units():
    assert repr(profiles()) == "Profiles(' Paris', 'layer 3 neuron 17', 'layer 1 head 2')"


@pytest.mark.parametrize("data", [{}, {"entries": 3}, {**profiles().to_dict(), "entries": [{"score": {}}]}])
def test_other_things_are_refused(data):
    with pytest.raises(InputError, match="no profiles of units"):
        Profiles.from_dict(data)


def test_another_records_file_is_refused(tmp_path):
    profiles().save(tmp_path / "p")
    with pytest.raises(InputError, match="kind 'profiles', wanted 'latents'"):
        whence.Latents.load(tmp_path / "p")
