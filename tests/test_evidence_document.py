"""A taking of evidence as JSON: what is written is what is read."""

import json

import pytest

from netsky.evidence import QuietPaths
from netsky.evidence_document import parse_quiet, parse_taking, quiet_document, taking_document
from testing.evidence import OPENED_AT, make_report, make_taking


def test_what_is_written_is_what_is_read():
    taking = make_taking()
    text = json.dumps(taking_document(taking), allow_nan=False)
    assert parse_taking(json.loads(text)) == taking


def test_what_mtr_could_not_tell_is_kept_with_its_reason():
    taking = make_taking(mtr_text=None)
    assert parse_taking(json.loads(json.dumps(taking_document(taking)))) == taking
    assert not taking.complete


def test_quiet_paths_are_read_as_they_are_written():
    report = make_report()
    quiet = QuietPaths("cu", "b", OPENED_AT, {report.province: report.quiet})
    written = json.loads(json.dumps(quiet_document(quiet)))
    assert parse_quiet(written) == quiet
    [hop] = written["provinces"][0]["hops"]
    assert (hop.pop("packets_received"), hop["rtt_seconds"]) == (60, 0.001)
    hop["rtt_seconds"] = 60 * [0.001]
    assert parse_quiet(written) == quiet, "as it was written before"


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("format", 2),
        ("reason", "because"),
        ("taken_at", "2026-11-28T18:00:00"),
        ("provinces", [{}]),
        ("provinces", 1),
        ("incident", []),
    ],
)
def test_what_is_not_as_it_should_be_is_one_error(key, value):
    document = json.loads(json.dumps(taking_document(make_taking()))) | {key: value}
    with pytest.raises(ValueError, match=r"\w"):
        parse_taking(document)


def test_a_taking_is_complete_when_nothing_of_it_is_missing():
    assert make_taking().complete
    assert not make_taking(finished=False).complete
    assert not make_taking(problems=("北京: nothing could be traced",)).complete
    assert not make_taking(reports=()).complete
