"""netsky_trace and netsky_incident.evidence, on SQLite and MariaDB."""

import json
from dataclasses import replace
from datetime import timedelta

from netsky.evidence import Reason
from netsky.places import find_province
from netsky.store.incidents import Line, incidents
from netsky.store.traces import record_takings, recorded_takings
from testing.evidence import make_report, make_taking

FOLDER = "cu/b/20261128T180900Z"


def with_incident(store):
    store.create_tables()
    store.execute(
        "INSERT INTO netsky_incident (id, isp, egress, opened_at, changed_at, severity, peak_severity,"
        " peak_increase, peak_provinces, provinces) VALUES (7, 'cu', 'b', '2026-11-28 18:09:00',"
        " '2026-11-28 18:09:00', 'critical', 'critical', 44, 1, '广东')"
    )
    return store.database.connector


def test_a_province_of_a_taking_is_a_row_and_the_incident_says_where_it_is_kept(store):
    connector = with_incident(store)
    record_takings(connector, 7, [make_taking()], folder=FOLDER)
    [row] = store.fetch(
        "SELECT isp, egress, province, incident_id, reason, targets, sent, lost, finding, after_hop,"
        " at_latest_hop, file FROM netsky_trace"
    )
    file = f"{FOLDER}/20261128T181000Z-opened.json"
    assert row == ("cu", "b", "广东", 7, "opened", 3, 20, 6, "begins", 1, 3, file)
    [(hops, changes)] = store.fetch("SELECT hops, path_changes FROM netsky_trace")
    first, *_, target = json.loads(hops)
    assert first["addresses"] == ["198.18.1.2"]
    assert target["hop"] is None
    assert json.loads(changes)[0]["now"] == ["198.18.1.11"]
    [incident] = incidents(connector, Line("cu", "b"), limit=1)
    assert incident.evidence == FOLDER


def test_recording_again_doubles_nothing_and_renews_what_is_there(store):
    connector = with_incident(store)
    first = make_taking()
    second = make_taking(reason=Reason.AFTER, taken_at=first.taken_at + timedelta(minutes=5))
    record_takings(connector, 7, [first], folder=FOLDER)
    hunan = replace(make_report(), province=find_province("hunan"))
    both = replace(first, reports=(*first.reports, hunan))
    record_takings(connector, 7, [both, second], folder=FOLDER)
    assert len(store.fetch("SELECT province FROM netsky_trace")) == 3
    assert recorded_takings(connector, 7) == {first.taken_at, second.taken_at}


def test_rows_are_pruned_with_the_sweeps_of_their_time(store):
    """So that no clock that has jumped makes them old, see `prunable`."""
    connector = with_incident(store)
    old = make_taking()
    young = make_taking(reason=Reason.AFTER, taken_at=old.taken_at + timedelta(days=1))
    record_takings(connector, 7, [old, young], folder=FOLDER)
    before = young.taken_at - timedelta(hours=1)
    assert list(store.database.prune(before=before)) == [("netsky_trace", 1)]
    assert recorded_takings(connector, 7) == {young.taken_at}
