"""netsky_library.py discover and refresh on the command line: consent, questions, exits, what is shown."""

import json
from contextlib import nullcontext
from urllib.request import urlopen

import click
import pytest

from netsky.cli import lock
from netsky.cli.engine_options import ChosenEngine
from netsky.cli.library_sending import ask_whether
from netsky.targets import candidate_files
from netsky.targets.candidate_files import BuildRecord
from testing.answering import Clock, World, candidates
from testing.commands import run_verb
from testing.servers import run_pushgateway

CONSENT = '[library]\nconsent = "me, today"\ncontact = "noc@example.com"\n'
SMALL = ("--isp", "cu", "--egress", "default")


@pytest.fixture
def world(monkeypatch):
    """The engine that all runs get: nothing is really sent."""
    made = World(Clock(), steady=0.1)
    monkeypatch.setattr(ChosenEngine, "open", lambda _self, _egress: made)
    return made


@pytest.fixture
def run(tmp_path, world):
    """Run a verb in a folder with candidates and, as long as it is not changed, with consent."""
    candidate_files.save(tmp_path / "library", candidates(16, 3), BuildRecord("2026-11-28", []))
    (tmp_path / "netsky.toml").write_text(CONSENT)

    def verb(name, *arguments, code=0, **environment):
        done = run_verb(tmp_path, "netsky_library", name, *SMALL, *arguments, **environment)
        assert done.returncode == code, done.stderr
        return done

    return verb


def test_without_consent_and_contact_nothing_is_sent(run, world, tmp_path):
    for text in ("", '[library]\nconsent = "me"\n', '[library]\ncontact = "me"\n'):
        (tmp_path / "netsky.toml").write_text(text)
        for verb in ("discover", "refresh"):
            error = run(verb, code=2).stderr
            assert 'below [library], consent = "name, date" and contact = ' in error
    assert not world.sent


def test_an_empty_consent_is_none(run, tmp_path):
    (tmp_path / "netsky.toml").write_text('[library]\nconsent = " "\ncontact = "me"\n')
    assert "library.consent = ' ' must be a string" in run("discover", code=2).stderr


def test_consent_is_no_option_of_the_command_line_or_the_environment(run, tmp_path):
    (tmp_path / "netsky.toml").write_text("")
    assert "No such option" in run("discover", "--consent", "me", code=2).stderr
    error = run("discover", code=2, NETSKY_CONSENT="me", NETSKY_CONTACT="me").stderr
    assert "whoever answers for that" in error


def test_where_nobody_can_be_asked_yes_must_be_said(run, world):
    error = run("discover", code=2).stderr
    assert "nobody can be asked here whether to begin: look at --dry-run, say --yes" in error
    assert "最多发送 1,536 个包，每秒最多 20 个（" in error
    assert not world.sent


@pytest.mark.parametrize("agrees", [True, False])
def test_a_person_at_a_terminal_is_asked(run, monkeypatch, capsys, agrees):
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    asked = []
    monkeypatch.setattr(click, "confirm", lambda text, **_: asked.append(text) or agrees)
    with nullcontext() if agrees else pytest.raises(click.Abort):
        ask_whether("what is sent", yes=False)
    assert asked == ["现在开始发送吗？Begin to send?"]
    assert capsys.readouterr().err == "what is sent\n"


def test_a_dry_run_needs_no_consent_and_sends_nothing(run, world, tmp_path):
    (tmp_path / "netsky.toml").write_text("")
    document = json.loads(run("discover", "--dry-run", "--format", "json").stdout)
    assert document["estimate"]["packets"] == 3 * 16 * 32
    assert document["estimate"]["blocks"] == 3 * 16
    assert "涉及 48 个 /24" in run("discover", "--dry-run", "--format", "table").stdout
    assert not world.sent
    assert not (tmp_path / "library/state-cu.npz").exists()


def test_a_discovery_shows_what_it_found(run, world):
    done = run("discover", "--yes", "--format", "json")
    document = json.loads(done.stdout)
    total = document["discovery"]
    assert total["packets_sent"] + total["answered"] == sum(world.sent.values())
    assert total["published"] == sum(p["published"] for p in document["provinces"]) > 50
    assert document["discovery"]["complete"] is True
    table = run("discover", "--yes", "--per-block", "8", "--format", "table").stdout
    assert "这是临时地址库：要等 24 次 refresh" in table
    assert "北京 beijing" in table
    assert max(map(len, table.splitlines()[:8])) <= 80


def test_one_province_only(run, world):
    run("discover", "--yes", "--province", "河北")
    assert {(address >> 16) - 0x100 for address in world.sent} == {2}


def test_a_day_without_packets_left_is_exit_3_and_goes_on(run):
    done = run("discover", "--yes", "--max-packets", "500", "--format", "table", code=3)
    assert "今天的发包额度已用完，还没有发布" in done.stdout


@pytest.mark.parametrize("packets", ["1", "33"])
def test_more_than_32_packets_for_a_block_cannot_be_asked_for_nor_too_few_to_look_twice(
    run, world, packets
):
    assert "2<=x<=32" in run("discover", "--yes", "--per-block", packets, code=2).stderr
    assert not world.sent


def test_the_fewest_packets_for_a_block_find_somebody(run, world):
    run("discover", "--yes", "--per-block", "2")
    assert len(world.sent) == 3 * 16


def test_a_refresh_needs_a_discovery(run):
    assert "run `discover` first" in run("refresh", code=2).stderr


def test_a_refresh_shows_who_stays_and_what_is_provisional(run):
    run("discover", "--yes")
    document = json.loads(run("refresh", "--format", "json").stdout)
    assert document["refresh"]["provisional"] == 3
    beijing = document["provinces"][0]
    assert (beijing["judged"], beijing["provisional"], beijing["looks"]) == (True, True, 3)
    assert 0.5 < beijing["response_ratio"] <= 1
    table = run("refresh", "--format", "table").stdout
    assert "临时 4/24" in table
    assert "published=" in run("refresh", "--format", "line").stdout


def test_an_outage_is_exit_3_and_said_in_words(run, world):
    run("discover", "--yes")
    world.down = {"hebei": 0.5}
    done = run("refresh", "--format", "table", code=3)
    assert "河北 可能正在故障：本次结果不计，一个地址也没有换掉" in done.stdout


def test_what_stops_a_refresh_is_exit_1_and_one_line(run, world):
    run("discover", "--yes")
    world.steady = world.restless = 0.0
    error = run("refresh", code=1).stderr
    assert "stopped: only 0 answered" in error
    assert error.count("\n") == 1


def test_rollback_brings_the_former_one_back_and_sends_nothing(run, world, tmp_path):
    run("discover", "--yes")
    first = (tmp_path / "ipdata/cu/beijing.txt").read_bytes()
    world.clock.seconds += 6 * 3600  # others of the restless are awake
    while (tmp_path / "ipdata/cu/beijing.txt").read_bytes() == first:
        run("refresh")
        world.clock.seconds += 6 * 3600
    world.sent.clear()
    (tmp_path / "netsky.toml").write_text("")  # what sends nothing needs no consent
    run("refresh", "--rollback")
    assert not world.sent
    assert (tmp_path / "ipdata/cu/beijing.txt").exists()


def test_one_exit_at_a_time(run, tmp_path, world):
    (tmp_path / "netsky.toml").write_text(f"{CONSENT}[egress.a]\n[egress.b]\n")
    error = run("discover", "--egress", "a,b", "--yes", code=2).stderr
    assert "name one with --egress" in error
    assert not world.sent


def test_several_isps_go_one_after_the_other_and_the_trouble_of_one_is_its_own(run, world):
    done = run("discover", "--isp", "cu,cm", "--yes", code=3)
    assert "ISP cm, egress default: no candidate of cm is left" in done.stderr
    assert "isp=cu" in done.stdout


def test_an_isp_without_candidates_is_told(run, tmp_path):
    error = run("discover", "--isp", "demo", "--yes", code=2).stderr
    assert "there are no candidates of demo in library: run `build` first" in error


def test_two_at_once_do_not_go(run, tmp_path):
    with lock.hold(tmp_path, "netsky_library", egress="all", isp="all"):
        assert "already running" in run("refresh", code=75).stderr


def test_metrics_are_pushed(run, tmp_path):
    with run_pushgateway(tmp_path) as url:
        run("discover", "--yes", "--pushgateway", url)
        run("refresh", "--pushgateway", url)
        with urlopen(f"{url}/metrics", timeout=10) as answer:
            text = answer.read().decode()
    assert 'netsky_library_provisional{egress="default",instance="",isp="cu"' in text
    assert 'netsky_library_response_ratio{egress="default",instance="",isp="cu"' in text
    assert "netsky_library_age_seconds{" in text


def test_what_is_pushed_nowhere_is_exit_3(run):
    run("discover", "--yes", "--pushgateway", "http://127.0.0.1:9", code=3)
