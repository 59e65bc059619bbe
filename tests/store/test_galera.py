"""Three nodes of a MariaDB Galera cluster, one of which is killed and comes back: each sweep on all, once.

There no node waits for a lock of another one: of two that change the same row the later one fails when it
commits. What is not changed is not seen by the others.
"""

import threading
from collections import Counter
from datetime import UTC, datetime, timedelta

import pymysql
import pytest

from netsky.errors import DatabaseError, NetskyError
from netsky.judging.grading import Thresholds, judge
from netsky.loss import Baseline, NewBaseline, NewestLoss
from netsky.places import find_province
from netsky.store import incidents as stored_incidents
from netsky.store import rollups
from netsky.store.connection import fill_url
from netsky.store.database import Database
from netsky.store.days import parts
from netsky.store.incidents import Line, incidents, record_verdict
from netsky.store.rows import sweep_rows
from netsky.store.spool import Spool
from netsky.store.tables import SWEEP_TABLES
from testing.galera import run_galera
from testing.samples import make_quality
from testing.servers import SCHEMA, wait_until

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
# In the middle of an hour that is over.
NOW = (datetime.now(UTC) - HOUR).replace(minute=30, second=0, microsecond=0)
PROVINCES = ("beijing", "hunan", "hubei")
HUNAN = find_province("hunan")


@pytest.fixture(scope="module")
def nodes():
    with run_galera() as started:
        started[0].execute(SCHEMA.read_text(encoding="utf-8"))
        wait_until(
            lambda: len({tables(node) for node in started}) == 1, what="the tables on all nodes"
        )
        yield started


def tables(node):
    counted = "SELECT COUNT(*) FROM information_schema.tables WHERE table_name LIKE 'netsky%'"
    return str(node.execute(counted))


def database(node):
    return Database(fill_url(node.url("netsky_cu"), "cu", "default"), timeout=20)


def rows(egress, at, *, loss=0.25):
    return sweep_rows("cu", egress, at, [make_quality(name, loss_ratio=loss) for name in PROVINCES])


def stored(node, egress):
    """How often each sweep through an exit is there, by table; each time is one of its provinces'."""
    counts = {}
    for table in SWEEP_TABLES:
        column = "started_at" if table.name == "netsky_sweep" else "update_time"
        found = node.execute(
            f"SELECT {column} FROM netsky_cu.{table.name} WHERE egress = '{egress}'"
        )
        counts[table.name] = Counter(at for (at,) in found)
    return counts


def once(times):
    each = Counter({at.replace(tzinfo=None): len(PROVINCES) for at in times})
    return {table.name: each for table in SWEEP_TABLES}


def on_all(nodes, read, wanted):
    for node in nodes:
        wait_until(lambda node=node: read(node) == wanted, what=f"{wanted} on {node.port}")
    return True


def test_hosts_that_share_an_exit_come_into_each_others_way_and_lose_nothing(nodes):
    sweeps, failed, together = 4, [], threading.Barrier(len(nodes))
    before = sum(int(node.status("wsrep_local_cert_failures")) for node in nodes)
    before += sum(int(node.status("wsrep_local_bf_aborts")) for node in nodes)

    def host(number, node):
        for sweep in range(sweeps):
            together.wait(60)
            try:
                loss = (1 + number + 10 * sweep) / 100
                database(node).store(rows("shared", NOW + sweep * HOUR, loss=loss))
            except DatabaseError as error:
                failed.append(error)

    threads = [threading.Thread(target=host, args=each) for each in enumerate(nodes)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    conflicts = sum(int(node.status("wsrep_local_cert_failures")) for node in nodes)
    conflicts += sum(int(node.status("wsrep_local_bf_aborts")) for node in nodes)
    assert conflicts > before, "or this test shows nothing"
    seconds = range(len(nodes))
    times = [NOW + sweep * HOUR + timedelta(seconds=s) for sweep in range(sweeps) for s in seconds]
    assert on_all(nodes, lambda node: stored(node, "shared"), once(times))


def test_a_sweep_that_another_node_stores_while_its_hour_is_summed_up_is_in_the_sum(
    nodes, monkeypatch
):
    here, there = map(database, nodes[:2])
    here.store(rows("summed", NOW))
    read, others = rollups._hour, [rows("summed", NOW + timedelta(seconds=10))]

    def read_and_let_another_in(connection, due):
        hour = read(connection, due)
        if others:
            there.store(others.pop())
        return hour

    wait_until(lambda: there.egresses("cu").count("summed"), what="the line on the other node")
    monkeypatch.setattr(rollups, "_hour", read_and_let_another_in)
    for _ in range(2):
        list(here.roll_up("cu", "summed"))
    assert others == []
    sums = "SELECT sweeps FROM netsky_cu.{} WHERE egress = 'summed'"
    for table in ("netsky_hourly", "netsky_daily"):
        wanted = [(2,)] * len(PROVINCES)
        assert on_all(nodes, lambda node, table=table: node.execute(sums.format(table)), wanted)


def test_alerts_on_two_nodes_open_one_incident(nodes, monkeypatch):
    here, there = (database(node).connector for node in nodes[:2])
    line, decide = Line("cu", "judged"), stored_incidents.after
    others = [there]

    def verdict(at):
        newest = [NewestLoss(HUNAN, 0.9, at)]
        baselines = [Baseline(HUNAN, "judged", 0.01, at)]
        return judge(newest, baselines, now=at, thresholds=Thresholds())

    def decide_and_let_another_in(watch, of):
        if others:
            record_verdict(others.pop(), line, verdict(NOW + timedelta(seconds=61)))
        return decide(watch, of)

    record_verdict(here, line, verdict(NOW))
    wait_until(lambda: has_verdict(nodes[1]), what="the verdict on the other node")
    monkeypatch.setattr(stored_incidents, "after", decide_and_let_another_in)
    watch = record_verdict(here, line, verdict(NOW + timedelta(seconds=60)))
    assert others == []
    assert watch.open_incident
    assert len(incidents(here, line, limit=9)) == 1
    opened = "SELECT egress, cleared_at FROM netsky_cu.netsky_incident"
    assert on_all(nodes, lambda node: node.execute(opened), [("judged", None)])


def has_verdict(node):
    return node.execute("SELECT 1 FROM netsky_cu.netsky_verdict WHERE egress = 'judged'")


def test_baselines_and_alarms_of_two_nodes_at_once_are_no_error(nodes):
    failed, together = [], threading.Barrier(2)
    baselines = [NewBaseline(HUNAN, "averaged", 0.5, 9, None)]

    def host(node):
        for minute in range(10):
            together.wait(60)
            try:
                at = NOW + minute * timedelta(minutes=1)
                database(node).store_baselines("cu", baselines, at)
                database(node).note_alarms("cu", "averaged", [HUNAN], at)
            except NetskyError as error:
                failed.append(error)

    threads = [threading.Thread(target=host, args=(node,)) for node in nodes[:2]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    value = "SELECT value FROM netsky_cu.netsky_avg_lossrate WHERE egress = 'averaged'"
    assert on_all(nodes, lambda node: node.execute(value), [(50.0,)])


def test_days_are_divided_and_dropped_on_all_nodes_while_others_store(nodes):
    here, there = map(database, nodes[:2])
    long_ago = NOW - 40 * DAY
    for day in (long_ago, long_ago + DAY, NOW):
        here.divide_into_days(now=day, keep=30 * DAY)
        here.store(rows("pruned", day))
    ended, failed = threading.Event(), []

    def probe():
        minute = 0
        while not ended.is_set():
            minute += 1
            try:
                there.store(rows("beside", NOW + minute * timedelta(minutes=1)))
            except DatabaseError as error:
                failed.append(error)

    thread = threading.Thread(target=probe)
    thread.start()
    deleted = Counter(table for table, _ in here.prune(before=NOW - 30 * DAY))
    ended.set()
    thread.join()
    assert failed == []
    assert deleted["netsky_sweep"] >= 2
    assert deleted["netsky_lossrate"] == 1
    assert on_all(nodes, lambda node: stored(node, "pruned"), once([NOW]))
    ends = {tuple(part_names(node)) for node in nodes}
    assert len(ends) == 1


def part_names(node):
    with database(node).connector.transaction() as connection:
        return [part.name for part in parts(connection)]


def test_a_node_that_takes_nothing_now_says_so_and_the_sweeps_wait(nodes, tmp_path):
    spool = Spool(tmp_path, "cu", "waits", max_bytes=1 << 24, max_age=DAY)
    with pymysql.connect(unix_socket=str(nodes[0].socket), user="root", autocommit=True) as admin:
        cursor = admin.cursor()
        cursor.execute("SET GLOBAL wsrep_reject_queries = ALL")
        try:
            with pytest.raises(
                DatabaseError, match="this node of a Galera cluster has lost the others"
            ):
                spool.store(rows("waits", NOW), database(nodes[0]))
        finally:
            cursor.execute("SET GLOBAL wsrep_reject_queries = NONE")
    assert spool.state().sweeps == 1
    spool.flush(database(nodes[0]))
    assert on_all(nodes, lambda node: stored(node, "waits"), once([NOW]))


def test_each_sweep_is_on_all_nodes_once_when_one_was_killed_and_came_back(nodes, tmp_path):
    ended, made, waited = threading.Event(), {}, Counter()

    def probe(node, egress):
        spool = Spool(tmp_path, "cu", egress, max_bytes=1 << 24, max_age=DAY)
        while not ended.wait(0.3):
            at = NOW + 10 * len(made[egress]) * timedelta(seconds=1)
            made[egress].append(at)
            try:
                spool.store(rows(egress, at), database(node))
            except DatabaseError:
                waited[egress] += 1
        spool.flush(database(node))
        assert spool.state().sweeps == 0

    probes = []
    for number, node in enumerate(nodes):
        made[f"line-{number}"] = []
        probes.append(threading.Thread(target=probe, args=(node, f"line-{number}")))
    for thread in probes:
        thread.start()
    wait_for_sweeps(made, 2)
    nodes[1].kill()
    wait_for_sweeps(made, 3)
    nodes[1].start_again()
    wait_for_sweeps(made, 2)
    ended.set()
    for thread in probes:
        thread.join()
    assert waited["line-1"] >= 3, "or its node was not away"
    assert (waited["line-0"], waited["line-2"]) == (0, 0), "one of three may be away"
    for egress, times in made.items():
        assert on_all(nodes, lambda node, egress=egress: stored(node, egress), once(times))
    back = database(nodes[1])
    for egress in made:
        list(back.roll_up("cu", egress))
    summed = "SELECT SUM(sweeps) FROM netsky_cu.netsky_hourly WHERE egress LIKE 'line-%'"
    total = len(PROVINCES) * sum(map(len, made.values()))
    assert on_all(nodes, lambda node: int(node.execute(summed)[0][0]), total)


def wait_for_sweeps(made, count):
    goal = {egress: len(times) + count for egress, times in made.items()}
    reached = lambda: all(len(made[egress]) >= goal[egress] for egress in made)  # noqa: E731
    wait_until(reached, what=f"{count} more sweeps of each probe", seconds=60)
