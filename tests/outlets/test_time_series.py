"""Metrics with their own time: into a real VictoriaMetrics, and to servers that do not take them."""

import dataclasses
import gzip
import math
import re
import time
from datetime import timedelta

import pytest

from netsky.aggregate import aggregate
from netsky.errors import DeliveryError, InputError
from netsky.outlets import time_series
from netsky.outlets.metrics import baseline_metrics, probe_metrics
from netsky.outlets.time_series import TimeSeries
from testing.http import http_recorder, http_server
from testing.prometheus import query
from testing.samples import STARTED_AT, make_baseline, make_sweep
from testing.servers import free_port, tcp_server
from testing.victoria import exported, flush, run_victoria

SECRET = "Losung@0815/x"
IN_URL = "Losung%400815%2Fx"


@pytest.fixture(scope="module")
def victoria(tmp_path_factory):
    with run_victoria(tmp_path_factory.mktemp("victoria")) as url:
        yield url


def sweep_of(egress, *, minutes=0, loss=1):
    """A minute each; of 4 packets so many are lost."""
    sweep = make_sweep({"beijing": [0.01] * (4 - loss) + [math.nan] * loss}, egress=egress)
    sweep = dataclasses.replace(sweep, started_at=STARTED_AT + timedelta(minutes=minutes))
    return probe_metrics(sweep, aggregate(sweep, abnormal_rtt=0.3))


def outlet(url, folder, **options):
    return TimeSeries(url, folder, timeout=options.pop("timeout", 5), mode=0o600, **options)


def send_and_fail(url, folder, *groups, **options):
    """The message, of one line, of what is not taken."""
    with pytest.raises(DeliveryError) as failure:
        outlet(url, folder, **options).send(groups)
    message = str(failure.value)
    assert message.startswith("metrics_url http://")
    assert "\n" not in message
    return message


def waiting(folder):
    return sorted(file for file in folder.rglob("*") if file.is_file())


def milliseconds(minutes=0):
    return round((STARTED_AT + timedelta(minutes=minutes)).timestamp() * 1000)


def test_samples_arrive_with_the_labels_of_a_pushgateway_and_their_own_time(victoria, tmp_path):
    outlet(victoria, tmp_path).send([sweep_of("联通-1")])
    samples = exported(victoria, '{egress="联通-1"}')
    assert len(samples) == 11
    (at, loss, labels), *others = samples["netsky_loss_ratio"]
    assert not others
    assert (at, loss) == (milliseconds(), 0.25)
    assert labels == {
        "job": "netsky_probe",
        "egress": "联通-1",
        "isp": "cu",
        "province": "beijing",
        "province_name": "北京",
    }
    assert {at for found in samples.values() for at, _, _ in found} == {milliseconds()}
    assert waiting(tmp_path) == []


def test_what_has_no_value_has_no_sample(victoria, tmp_path):
    outlet(victoria, tmp_path).send([sweep_of("silent", loss=4)])
    samples = exported(victoria, '{egress="silent"}')
    assert "netsky_latency_mean_seconds" not in samples
    assert samples["netsky_loss_ratio"][0][1] == 1


def test_what_a_server_that_was_away_has_missed_is_filled_in_once(victoria, tmp_path):
    away = f"http://127.0.0.1:{free_port()}"
    for minutes in range(3):
        message = send_and_fail(away, tmp_path, sweep_of("late", minutes=minutes, loss=minutes))
        assert "Connection refused: is it running and reachable?" in message
        where = tmp_path / "netsky_probe.cu.late"
        assert message.endswith(f"; metrics of {minutes + 1} runs wait in {where}")
    assert {file.stat().st_mode & 0o777 for file in waiting(tmp_path)} == {0o600}
    outlet(victoria, tmp_path).send([sweep_of("late", minutes=3, loss=3)])
    found = exported(victoria, '{egress="late"}')["netsky_loss_ratio"]
    expected = [(milliseconds(minutes), minutes / 4) for minutes in range(4)]
    assert [(at, loss) for at, loss, _ in found] == expected
    assert waiting(tmp_path) == []


def test_what_waits_is_sent_without_anything_new(victoria, tmp_path):
    send_and_fail(f"http://127.0.0.1:{free_port()}", tmp_path, sweep_of("flushed"))
    outlet(victoria, tmp_path).flush("netsky_probe", "cu", "flushed")
    assert len(exported(victoria, '{egress="flushed"}')["netsky_loss_ratio"]) == 1
    assert waiting(tmp_path) == []
    outlet(victoria, tmp_path).flush("netsky_probe", "cu", "flushed")


def test_a_sample_that_arrives_twice_counts_once(victoria, tmp_path):
    """The answer was lost, say, or the process was killed before it took note of it."""
    for _ in range(2):
        outlet(victoria, tmp_path).send([sweep_of("twice")])
    flush(victoria)
    count = 'count_over_time(netsky_loss_ratio{egress="twice"}[1h])'
    [series] = query(victoria, count, time=milliseconds() / 1000 + 60)
    assert series["value"][1] == "1"


def test_several_exits_go_in_one_run_and_wait_apart(victoria, tmp_path):
    def groups():
        return [
            baseline_metrics(
                "cu", egress, [make_baseline("hunan", 1, egress=egress)], at=STARTED_AT
            )
            for egress in ("a", "a.b")
        ]

    message = send_and_fail(f"http://127.0.0.1:{free_port()}", tmp_path, *groups())
    assert message.endswith(f"; metrics of 2 runs wait in {tmp_path}")
    outlet(victoria, tmp_path).flush("netsky_avg_lossrate", "cu", "a")
    assert len(waiting(tmp_path)) == 1
    outlet(victoria, tmp_path).send(groups())
    assert waiting(tmp_path) == []
    found = exported(victoria, '{__name__="netsky_loss_baseline_ratio",egress=~"a|a.b"}')
    labels = [labels for _, _, labels in found["netsky_loss_baseline_ratio"]]
    assert {one["egress"] for one in labels} == {"a", "a.b"}
    assert {one["job"] for one in labels} == {"netsky_avg_lossrate"}


def test_what_comes_to_no_end_waits_for_the_next_run(monkeypatch, tmp_path):
    send_and_fail(f"http://127.0.0.1:{free_port()}", tmp_path, sweep_of("much"))
    monkeypatch.setattr(time_series, "CATCH_UP_SECONDS", -1)
    with http_recorder(204) as (url, requests):
        message = send_and_fail(url, tmp_path, sweep_of("much", minutes=1))
    assert "there is more; the next run goes on; metrics of 1 runs wait" in message
    [newest] = requests
    assert f" {milliseconds(1)}\n" in text_of(newest)


def test_the_oldest_is_given_up_when_too_much_waits(monkeypatch, tmp_path, caplog):
    monkeypatch.setattr(time_series, "MOST_WAITING", 2)
    for minutes in range(3):
        send_and_fail(
            f"http://127.0.0.1:{free_port()}", tmp_path, sweep_of("full", minutes=minutes)
        )
    assert "full: metrics of 1 runs are lost" in caplog.text
    with http_recorder(204) as (url, requests):
        outlet(url, tmp_path).flush("netsky_probe", "cu", "full")
    assert [f" {milliseconds(m)}\n" in text_of(requests[m - 1]) for m in (1, 2)] == [True, True]


def text_of(request):
    return gzip.decompress(request.body.encode(errors="surrogateescape")).decode()


def refusing(minutes):
    """A server that takes all but the sweep of that minute."""

    def answer(request):
        bad = f" {milliseconds(minutes)}\n" in text_of(request)
        return (400, "无法解析 cannot parse\nmore".encode()) if bad else (204, b"")

    return http_server(answer)


def test_one_that_is_refused_for_good_keeps_no_other_from_going(tmp_path):
    for minutes in range(3):
        send_and_fail(f"http://127.0.0.1:{free_port()}", tmp_path, sweep_of("bad", minutes=minutes))
    with refusing(0) as url:
        # Nothing says that this server takes anything at all.
        with pytest.raises(DeliveryError, match=r"answers 400 .*cannot parse; metrics of 3 runs"):
            outlet(url, tmp_path).flush("netsky_probe", "cu", "bad")
        message = send_and_fail(url, tmp_path, sweep_of("bad", minutes=3))
        assert "cannot parse: so metrics of 1 earlier runs are refused for good" in message
        [aside] = waiting(tmp_path)
        assert aside.name.endswith(".refused")
        outlet(url, tmp_path).send([sweep_of("bad", minutes=4)])


@pytest.mark.parametrize("status", [400, 401, 404, 500, 503])
def test_a_server_that_takes_nothing_costs_nothing(tmp_path, status):
    with http_recorder(status, b"no\nsecond line") as (url, _):
        for minutes in range(2):
            message = send_and_fail(url, tmp_path, sweep_of("kept", minutes=minutes))
    assert re.search(rf"answers {status} [^;]*: no; metrics of 2 runs wait", message)
    assert len(waiting(tmp_path)) == 2


def test_a_server_that_never_answers_is_given_up(silent_port, tmp_path):
    started = time.monotonic()
    message = send_and_fail(
        f"http://127.0.0.1:{silent_port}", tmp_path, sweep_of("a"), sweep_of("b"), timeout=0.5
    )
    assert "no answer within 0.5 s; metrics of 2 runs wait" in message
    assert time.monotonic() - started < 5


def test_without_room_to_wait_it_is_sent_and_told(victoria, tmp_path):
    (tmp_path / "file").touch()
    message = send_and_fail(victoria, tmp_path / "file", sweep_of("no-room"))
    assert "all is taken; what is not taken is lost, for it cannot wait in" in message
    assert message.endswith("Not a directory")
    assert exported(victoria, '{egress="no-room"}')
    away = f"http://127.0.0.1:{free_port()}"
    assert "is lost" in send_and_fail(away, tmp_path / "file", sweep_of("no-room"))


# Secrets


@pytest.mark.parametrize(
    ("in_url", "options", "header"),
    [
        (f"netsky:{IN_URL}@", {}, "Basic bmV0c2t5Okxvc3VuZ0AwODE1L3g="),
        ("", {"token": SECRET}, f"Bearer {SECRET}"),
    ],
    ids=["password", "token"],
)
def test_a_secret_is_sent_and_never_told(tmp_path, in_url, options, header):
    with http_recorder(401, b"go away") as (server, requests):
        port = server.rpartition(":")[2]
        url = f"http://{in_url}127.0.0.1:{port}/prefix/"
        message = send_and_fail(url, tmp_path, sweep_of("secret"), **options)
    assert message.startswith(
        f"metrics_url http://127.0.0.1:{port}/prefix/api/v1/import/prometheus: answers 401 "
    )
    assert "osung" not in message
    assert "osung" not in repr(outlet(url, tmp_path, **options))
    [request] = requests
    assert (request.method, request.path) == ("POST", "/prefix/api/v1/import/prometheus")
    assert request.headers["Authorization"] == header


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed_to_somebody_else(status, tmp_path):
    with http_recorder() as (other, requests):

        def converse(connection, _ended):
            connection.recv(65536)
            location = f"Location: {other}/\r\n".encode()
            connection.sendall(b"HTTP/1.1 %d Moved\r\n%s\r\n" % (status, location))

        with tcp_server(converse) as port:
            message = send_and_fail(f"http://x:{IN_URL}@127.0.0.1:{port}", tmp_path, sweep_of("r"))
    assert f"answers {status} Moved" in message
    assert requests == []


@pytest.mark.parametrize(
    "url",
    [
        "127.0.0.1:8428",
        f"ftp://u:{IN_URL}@127.0.0.1",
        f"http://u:{IN_URL}@:8428",
        f"http://127.0.0.1:8428?authKey={IN_URL}",
    ],
)
def test_a_url_that_cannot_be_used_is_refused_and_not_repeated(url, tmp_path):
    with pytest.raises(InputError, match="metrics_url") as refusal:
        outlet(url, tmp_path)
    assert "osung" not in str(refusal.value)


def test_the_whole_path_may_be_written_too(tmp_path):
    assert str(outlet("http://127.0.0.1:1/api/v1/import/prometheus", tmp_path)) == (
        "metrics_url http://127.0.0.1:1/api/v1/import/prometheus"
    )
