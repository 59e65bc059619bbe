"""What fails in a province, as text and back."""

import json

import pytest

from netsky.fault import Fault, Part, parse_fault

FAULT = Fault(
    (Part("10.25.16.0/20", 2000, 2000, 2000, 0.004, 0.98, 0.97, ("深圳市", "东莞市")),),
    Part(None, 10_000, 10_000, 20, None, None, 0.03),
)


def test_a_fault_is_the_same_after_it_was_text():
    assert parse_fault(json.dumps(FAULT.document())) == FAULT


def test_one_from_before_there_were_cities_has_none():
    document = FAULT.document()
    del document["prefixes"][0]["cities"], document["rest"]["cities"]
    fault = parse_fault(json.dumps(document))
    assert fault.prefixes[0].cities == ()
    assert fault.rest == FAULT.rest


@pytest.mark.parametrize(
    "text", [None, "", "null", "{", "[]", "7", '{"prefixes": 1}', '{"rest": {}}']
)
def test_what_is_no_fault_is_none_rather_than_an_error(text):
    assert parse_fault(text) is None
