"""Metrics into a real Pushgateway, a real textfile, and servers that misbehave."""

import math
import os
from urllib.request import urlopen

import pytest
from prometheus_client.parser import text_string_to_metric_families

from netsky import __version__
from netsky.aggregate import aggregate
from netsky.errors import DeliveryError, InputError
from netsky.outlets.metrics import PROBE_JOB, probe_metrics
from netsky.outlets.pushgateway import Pushgateway, write_textfile
from testing.http import http_recorder
from testing.samples import STARTED_AT, make_sweep
from testing.servers import PUSH_PASSWORD, PUSH_USER, free_port, run_pushgateway, tcp_server

NAN = math.nan
RTTS = {
    "beijing": [0.010, 0.020, 0.030, NAN],
    "guangdong": [0.4],
    "xizang": [NAN, NAN],
}


def metrics_of(rtts, egress="default", **fields):
    sweep = make_sweep(rtts, egress=egress, **fields)
    return probe_metrics(sweep, aggregate(sweep, abnormal_rtt=0.3))


def push(url, metrics=None, *, egress="default", timeout=5, **credentials):
    gateway = Pushgateway(url, timeout=timeout, **credentials)
    gateway.push(metrics or metrics_of(RTTS, egress))


def push_and_fail(url, **options) -> str:
    """The message, which is one line and names the Pushgateway, of a push that is not taken."""
    with pytest.raises(DeliveryError) as failure:
        push(url, **options)
    message = str(failure.value)
    assert message.startswith(f"Pushgateway {url}: ")
    assert "\n" not in message
    return message


def samples(text, egress):
    """By metric name: the samples of an egress as (labels besides the group's, value)."""
    found = {}
    for family in text_string_to_metric_families(text):
        for name, labels, value, *_ in family.samples:
            if labels.pop("egress", None) != egress or name.startswith("push_"):
                continue
            assert labels.pop("isp") == "cu"
            assert labels.pop("job", PROBE_JOB) == PROBE_JOB
            labels.pop("instance", None)  # the Pushgateway adds an empty one
            found.setdefault(name, []).append((labels, value))
    return found


def pushed(url, egress):
    with urlopen(f"{url}/metrics", timeout=5) as answer:
        return samples(answer.read().decode(), egress)


def by_province(found):
    return {labels["province"]: value for labels, value in found}


def test_a_sweep_is_one_put_of_its_group_with_all_provinces():
    with http_recorder(202) as (url, requests):
        push(url, egress="unicom-1")
    (request,) = requests
    assert request.method == "PUT"
    assert request.path == "/metrics/job/netsky_probe/egress/unicom-1/isp/cu"
    for province in RTTS:
        assert f'province="{province}"' in request.body


def test_all_metrics_of_a_sweep_arrive_with_labels_and_values(pushgateway):
    egress = "all-metrics"
    push(pushgateway, metrics_of(RTTS, egress, local_drops=7), egress=egress)
    found = pushed(pushgateway, egress)
    assert set(found) == {
        "netsky_targets",
        "netsky_packets_sent",
        "netsky_packets_received",
        "netsky_loss_ratio",
        "netsky_abnormal_ratio",
        "netsky_latency_mean_seconds",
        "netsky_latency_seconds",
        "netsky_sweep_duration_seconds",
        "netsky_sweep_timestamp_seconds",
        "netsky_sweep_local_drops",
        "netsky_sweep_info",
    }
    names = {"beijing": "北京", "guangdong": "广东", "xizang": "西藏"}
    for name, beijing, guangdong, xizang in (
        ("netsky_targets", 4, 1, 2),
        ("netsky_packets_sent", 4, 1, 2),
        ("netsky_packets_received", 3, 1, 0),
        ("netsky_loss_ratio", 0.25, 0, 1),
        ("netsky_abnormal_ratio", 0.25, 1, 1),
        ("netsky_latency_mean_seconds", 0.02, 0.4, NAN),
    ):
        values = by_province(found[name])
        expected = {"beijing": beijing, "guangdong": guangdong, "xizang": xizang}
        assert values == pytest.approx(expected, nan_ok=True), name
        assert all(
            labels == {"province": labels["province"], "province_name": names[labels["province"]]}
            for labels, _ in found[name]
        )
    quantiles = {
        (labels["province"], labels["province_name"], labels["quantile"]): value
        for labels, value in found["netsky_latency_seconds"]
    }
    assert len(quantiles) == 9
    assert quantiles["beijing", "北京", "0.5"] == pytest.approx(0.02)
    assert quantiles["beijing", "北京", "0.95"] == pytest.approx(0.029)
    assert quantiles["beijing", "北京", "0.99"] == pytest.approx(0.0298)
    assert math.isnan(quantiles["xizang", "西藏", "0.5"])
    assert found["netsky_sweep_duration_seconds"] == [({}, 9.5)]
    assert found["netsky_sweep_timestamp_seconds"] == [({}, STARTED_AT.timestamp())]
    assert found["netsky_sweep_local_drops"] == [({}, 7)]
    assert found["netsky_sweep_info"] == [({"engine": "fping", "version": __version__}, 1)]


def test_a_province_that_is_no_longer_measured_vanishes(pushgateway):
    push(pushgateway, egress="vanishing")
    push(pushgateway, metrics_of({"beijing": [0.01]}, "vanishing"), egress="vanishing")
    found = pushed(pushgateway, "vanishing")
    assert by_province(found["netsky_loss_ratio"]) == {"beijing": 0}


def test_another_egress_is_left_alone(pushgateway):
    push(pushgateway, egress="one")
    push(pushgateway, metrics_of({"beijing": [0.01]}, "two"), egress="two")
    assert set(by_province(pushed(pushgateway, "one")["netsky_targets"])) == set(RTTS)


@pytest.mark.parametrize("egress", ["联通-1号", "a.b_c"])
def test_an_egress_name_arrives_as_it_is(pushgateway, egress):
    push(pushgateway, egress=egress)
    assert by_province(pushed(pushgateway, egress)["netsky_targets"])["beijing"] == 4


def test_user_and_password_open_a_pushgateway_that_wants_them(tmp_path):
    with run_pushgateway(tmp_path, with_password=True) as url:
        push(url, user=PUSH_USER, password=PUSH_PASSWORD)
        for credentials in ({}, {"user": PUSH_USER, "password": "geheim"}):
            message = push_and_fail(url, **credentials)
            assert "answers 401 Unauthorized" in message
            assert "geheim" not in message


SECRET = {"user": PUSH_USER, "password": PUSH_PASSWORD}


@pytest.fixture
def proxy_of_the_environment(monkeypatch):
    """What a proxy gets to see that all the usual variables name."""
    with http_recorder() as (url, requests):
        for name in ("http_proxy", "https_proxy", "all_proxy"):
            monkeypatch.setenv(name, url)
            monkeypatch.setenv(name.upper(), url)
        yield requests


def test_a_proxy_of_the_environment_is_told_nothing(tmp_path, proxy_of_the_environment):
    with run_pushgateway(tmp_path, with_password=True) as url:
        push(url, **SECRET)
    push_and_fail(f"https://127.0.0.1:{free_port()}", **SECRET)
    assert proxy_of_the_environment == []


@pytest.mark.parametrize("no_proxy", ["", "*"])
def test_a_proxy_that_is_asked_for_is_used_whatever_the_environment_says(monkeypatch, no_proxy):
    monkeypatch.setenv("no_proxy", no_proxy)
    with http_recorder() as (proxy, requests):
        push("http://pushgateway.invalid:9091", proxy=proxy)
    [request] = requests
    assert request.path.startswith("http://pushgateway.invalid:9091/metrics/job/netsky_probe/")
    assert request.method == "PUT"


def test_over_tls_the_proxy_sees_no_more_than_where_to():
    def converse(connection, _ended):
        seen.append(connection.recv(65536))
        connection.sendall(b"HTTP/1.1 403 Forbidden\r\n\r\n")

    seen = []
    with tcp_server(converse) as port, pytest.raises(DeliveryError, match="403 Forbidden"):
        push("https://pushgateway.invalid", proxy=f"http://127.0.0.1:{port}", **SECRET)
    assert seen[0].startswith(b"CONNECT pushgateway.invalid:443 ")
    assert b"uthorization" not in seen[0]


def test_an_error_names_the_proxy():
    proxy = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(DeliveryError) as failure:
        push("http://pushgateway.invalid", proxy=proxy)
    assert str(failure.value).startswith(
        f"Pushgateway http://pushgateway.invalid through the proxy {proxy}: "
    )


@pytest.mark.parametrize("proxy", ["https://127.0.0.1:1", "http://user:secret@127.0.0.1:1", "x"])
def test_a_proxy_that_cannot_be_used_is_refused_and_not_repeated(proxy):
    with pytest.raises(InputError, match="the URL of the proxy") as refusal:
        push("http://127.0.0.1:1", proxy=proxy)
    assert "secret" not in str(refusal.value)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed_to_somebody_else(status):
    with http_recorder() as (other, requests):

        def converse(connection, _ended):
            connection.recv(65536)
            location = f"Location: {other}/\r\n".encode()
            connection.sendall(b"HTTP/1.1 %d Moved\r\n%s\r\n" % (status, location))

        with tcp_server(converse) as port:
            message = push_and_fail(f"http://127.0.0.1:{port}", **SECRET)
    assert f"answers {status} Moved" in message
    assert requests == []


def test_a_pushgateway_that_is_down_is_named():
    assert "is it running and reachable?" in push_and_fail(f"http://127.0.0.1:{free_port()}")


def test_a_pushgateway_that_never_answers_is_given_up(silent_port):
    message = push_and_fail(f"http://127.0.0.1:{silent_port}", timeout=1)
    assert message.endswith("no answer within 1 s")


@pytest.mark.parametrize("status", [400, 500])
def test_an_error_is_passed_on_with_the_first_line_of_what_was_said(status):
    with http_recorder(status, "出错了: pushed metrics are invalid\nsecond line".encode()) as (
        url,
        _,
    ):
        message = push_and_fail(url)
    assert f"answers {status} " in message
    assert message.endswith("出错了: pushed metrics are invalid")


@pytest.mark.parametrize(
    "url", ["127.0.0.1:9091", "ftp://127.0.0.1", "http://", "http://netsky:geheim@127.0.0.1:9091"]
)
def test_a_url_that_cannot_be_used_is_refused_and_not_repeated(url):
    with pytest.raises(InputError) as refusal:
        Pushgateway(url, timeout=1)
    assert "geheim" not in str(refusal.value)


# The textfile


def test_a_textfile_holds_what_a_push_would(tmp_path):
    file = tmp_path / "netsky.prom"
    write_textfile(file, [metrics_of(RTTS, "联通-1")])
    found = samples(file.read_text(encoding="utf-8"), "联通-1")
    assert by_province(found["netsky_loss_ratio"]) == {"beijing": 0.25, "guangdong": 0, "xizang": 1}
    assert len(found) == 11


def test_a_textfile_is_replaced_at_once(tmp_path):
    file = tmp_path / "netsky.prom"
    write_textfile(file, [metrics_of(RTTS)])
    with file.open(encoding="utf-8") as reader:  # as node_exporter in the middle of reading
        first = reader.read(100)
        write_textfile(file, [metrics_of({"beijing": [0.01]})])
        rest = reader.read()
    assert by_province(samples(first + rest, "default")["netsky_targets"]).keys() == RTTS.keys()
    assert "guangdong" not in file.read_text(encoding="utf-8")
    assert list(tmp_path.iterdir()) == [file]


def test_a_textfile_that_cannot_be_written_is_named_and_nothing_is_left(tmp_path):
    file = tmp_path / "netsky.prom"
    file.mkdir()
    for target in (file, tmp_path / "absent" / "netsky.prom"):
        with pytest.raises(DeliveryError) as failure:
            write_textfile(target, [metrics_of(RTTS)])
        assert str(target) in str(failure.value)
        assert "\n" not in str(failure.value)
    assert list(tmp_path.iterdir()) == [file]


def test_a_textfile_in_a_folder_of_somebody_elses_opens_no_other_file(tmp_path, monkeypatch):
    """Whatever the folder's owner puts in its place in the meantime keeps its mode."""
    file, precious = tmp_path / "netsky.prom", tmp_path / "precious"
    precious.touch(mode=0o600)
    rename = os.rename

    def rename_and_replace(source, target, **folders):
        rename(source, target, **folders)
        file.unlink()
        file.symlink_to(precious)

    monkeypatch.setattr("os.rename", rename_and_replace)
    monkeypatch.setattr("pathlib.Path.rename", rename_and_replace)
    write_textfile(file, [metrics_of(RTTS)])
    assert precious.stat().st_mode & 0o777 == 0o600


def test_a_textfile_may_be_read_by_all_whatever_the_umask(tmp_path):
    former = os.umask(0o077)
    try:
        write_textfile(tmp_path / "netsky.prom", [metrics_of(RTTS)])
    finally:
        os.umask(former)
    assert (tmp_path / "netsky.prom").stat().st_mode & 0o777 == 0o644


def raw_server(answer, *, then_hang):
    def converse(connection, ended):
        connection.recv(65536)
        connection.sendall(answer)
        if then_hang:
            ended.wait(20)

    return tcp_server(converse)


@pytest.mark.parametrize(
    ("answer", "then_hang"),
    [
        (b"SSH-2.0-OpenSSH_9.2\r\n", False),  # http.client.BadStatusLine
        (b"HTTP/1.1 500 Oops\r\nContent-Length: 9\r\n\r\n", True),  # TimeoutError in _reason
        (b"HTTP/1.1 500 Oops\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", False),  # IncompleteRead
    ],
)
def test_an_answer_that_makes_no_sense_is_a_failed_delivery(answer, then_hang):
    with raw_server(answer, then_hang=then_hang) as port:
        push_and_fail(f"http://127.0.0.1:{port}", timeout=1)


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1:abc", "http://127.0.0.1:1/a b", "http://[::1", "http://127.0.0.1:1/推送"],
)
def test_more_urls_that_cannot_be_used_are_refused(url):
    with pytest.raises(InputError):
        push(url)
