"""An epoch in numbers."""

import json

import pytest

from tests.training.tiny_models import record
from training.epoch.epoch_record import EpochRecord

PLAIN = record(bleu_4=None, cider=None, peak=None, distance=None, comparable=False)  # a decoder without attention


@pytest.mark.parametrize("kept", [record(), PLAIN])
def test_record_comes_back_from_json_as_it_was(kept):
    assert EpochRecord.from_dict(json.loads(json.dumps(kept.to_dict()))) == kept


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"flavour": 1}, KeyError),
        ({"comparable": "perhaps"}, KeyError),
        ({"epoch": "one"}, ValueError),
        ({"train_loss": ""}, ValueError),
        ({"train_loss": None}, TypeError),
    ],
)
def test_record_of_another_form_is_refused(change, error):
    with pytest.raises(error):
        EpochRecord.from_dict(record().to_dict() | change)


def test_record_that_lacks_a_field_is_refused():
    with pytest.raises(KeyError, match="cider"):
        EpochRecord.from_dict({key: value for key, value in record().to_dict().items() if key != "cider"})
