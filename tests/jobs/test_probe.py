"""netsky_probe.py as cron runs it: its exit code, what it prints, stores and pushes."""

import json
import os
import pty
import re
import signal
import subprocess
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

import pytest
import sqlalchemy as sa

from netsky.jobs.probe import probe
from netsky.outlets.delivery import Outlets
from netsky.places import PROVINCES
from netsky.sweep import ProbePlan, ProvinceFailure
from testing.commands import run_tool, tool_command, tool_environment
from testing.netns import needs_root
from testing.samples import make_sweep, write_library
from testing.servers import MariaDB, free_port, tcp_server, wait_until

QUICK = ("--library", "library", "--window", "0.2", "--timeout", "2000")
TABLES = ("netsky_lossrate", "netsky_abnormalrate", "netsky_latency")
LOG_LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d{4} (WARNING|ERROR) .+")
TARGETS = 31 * 4


@dataclass(frozen=True)
class Site:
    """A folder with a small library, and netsky_probe.py run in it."""

    folder: Path

    def write_settings(self, text):
        (self.folder / "netsky.toml").write_text(text, encoding="utf-8")

    def command(self, *arguments):
        return tool_command("netsky_probe", *QUICK, *arguments, isp="demo")

    def popen_options(self, environment):
        utf8 = {"encoding": "utf-8", "errors": "backslashreplace"}
        return {"cwd": self.folder, "env": tool_environment(environment), **utf8}

    def run(self, *arguments, isp="demo", **environment):
        return run_tool(self.folder, "netsky_probe", *QUICK, *arguments, isp=isp, **environment)

    def run_process(self, *arguments, stdout=subprocess.PIPE, **environment):
        """Where it shows only in a process."""
        return subprocess.run(
            self.command(*arguments),
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=subprocess.PIPE,
            timeout=60,
            check=False,
            **self.popen_options(environment),
        )

    @contextmanager
    def running(self, *arguments, within=lambda *command: command):
        """A run that goes on while the block runs; it is killed after a minute at the latest."""
        process = subprocess.Popen(
            within(*self.command(*arguments)),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            **self.popen_options({}),
        )
        watchdog = threading.Timer(60, process.kill)
        watchdog.start()
        with process:
            try:
                yield process
            finally:
                process.kill()
                watchdog.cancel()

    def rows(self, table="netsky_lossrate", isp="demo"):
        file = self.folder / f"netsky_{isp}.db"
        if not file.exists():
            return []
        engine = sa.create_engine(f"sqlite:///{file}", poolclass=sa.NullPool)
        with engine.connect() as connection:
            columns = "name, value, province, update_time, egress"
            return connection.exec_driver_sql(f"SELECT {columns} FROM {table}").all()


@pytest.fixture
def site(tmp_path):
    write_library(tmp_path / "library", targets=4)
    return Site(tmp_path)


def sweep_of(done):
    """The sweep of a run that was asked for JSON."""
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["sweep"]


def complaint_of(done, code=2):
    """The log of a run that ends with that code, without data and without a traceback."""
    assert (done.returncode, done.stdout) == (code, ""), done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr


# A sweep


@pytest.mark.parametrize("engine", ["auto", "fping"])
def test_a_sweep_is_one_line_and_its_rows_in_sqlite(site, engine):
    done = site.run("--engine", engine)
    assert (done.returncode, done.stderr) == (0, "")
    (line,) = done.stdout.splitlines()
    for field in ("isp=demo", "egress=default", "provinces=31", "sent=124", "received=124"):
        assert f" {field} " in line
    for table, value in (("netsky_lossrate", 0), ("netsky_abnormalrate", 0)):
        kind = table.removeprefix("netsky_")
        assert [row[:3] for row in site.rows(table)] == [
            (f"netsky_DEMO_{province.slug}_{kind}", value, province.name) for province in PROVINCES
        ]
    # 0 is right here: the packets of one call are given send times between its beginning and its
    # end, some 0.1 ms, and on loopback the reply is there before the call ends. No other network
    # answers in that time.
    assert all(0 <= row.value < 2000 for row in site.rows("netsky_latency"))
    started = line.partition("Z")[0].replace("T", " ")
    for table in TABLES:
        assert len(site.rows(table)) == 31
        assert {row.update_time.partition(".")[0] for row in site.rows(table)} == {started}
        assert {row.egress for row in site.rows(table)} == {"default"}


def test_json_is_one_object_with_the_documented_fields(site):
    done = site.run("--format", "json", "-vv")  # however much is logged, standard output is data
    report = json.loads(done.stdout)
    assert set(report["sweep"]) >= {
        *("isp", "egress", "engine", "started_at", "duration_seconds"),
        *("targets", "packets_sent", "packets_received", "local_drops"),
    }
    assert [province["province_name"] for province in report["provinces"]] == [
        province.name for province in PROVINCES
    ]
    for province in report["provinces"]:
        assert province["packets_sent"] == province["packets_received"] == province["targets"] == 4
        assert province["loss_ratio"] == 0
        quantiles = [province[f"latency_{p}_seconds"] for p in ("p50", "p95", "p99")]
        assert 0 <= quantiles[0] <= quantiles[1] <= quantiles[2] < 2


def test_the_table_has_every_province_by_slug_and_name(site):
    done = site.run("--format", "table")
    assert done.returncode == 0
    for province in PROVINCES:
        assert f"{province.name} {province.slug} " in done.stdout
    assert "发 124，收 124" in done.stdout


def test_on_a_terminal_the_table_is_the_default(site):
    outside, inside = pty.openpty()
    with os.fdopen(outside, "rb", buffering=0) as screen, os.fdopen(inside, "wb") as terminal:
        done = site.run_process(stdout=terminal, TERM="xterm", COLUMNS="120")
        shown = screen.read(4096).decode(errors="replace")
    assert done.returncode == 0, done.stderr
    assert "丢包率" in shown


def test_only_the_provinces_asked_for_are_probed(site):
    done = site.run("--province", "广东", "--province", "beijing")
    assert "provinces=2 targets=8 " in done.stdout
    assert {row.province for row in site.rows()} == {"北京", "广东"}


def test_the_command_line_wins_over_the_environment_over_the_file(site):
    site.write_settings('format = "json"\n[probe]\ncount = 2\n')
    assert sweep_of(site.run())["packets_sent"] == 2 * TARGETS
    assert sweep_of(site.run(NETSKY_COUNT="3"))["packets_sent"] == 3 * TARGETS
    assert sweep_of(site.run("--count", "4", NETSKY_COUNT="3"))["packets_sent"] == 4 * TARGETS


def test_settings_may_be_elsewhere(site):
    (site.folder / "other.toml").write_text('format = "json"\n[isp.edu]\nname = "教育网"\n')
    write_library(site.folder / "library", isp="edu", targets=1)
    assert sweep_of(site.run("--config", "other.toml", isp="edu"))["targets"] == 31
    assert len(site.rows(isp="edu")) == 31
    assert "no.toml" in complaint_of(site.run("--config", "no.toml"))


def test_nothing_is_stored_or_pushed_when_so_asked(site):
    site.write_settings(f'pushgateway = "http://127.0.0.1:{free_port()}"\n')
    done = site.run("--no-store", "--no-push")
    assert (done.returncode, done.stderr) == (0, "")
    assert "sent=124" in done.stdout
    assert not list(site.folder.glob("*.db*"))


def test_a_run_that_leaves_nothing_behind_touches_nothing_of_the_production(site):
    site.write_settings(
        'database = "mysql://netsky@127.0.0.1/x?read_default_file=/nonexistent/my.cnf"\n'
        f'pushgateway = "http://127.0.0.1:{free_port()}"\ntextfile = "{{tool}}.prom"\n'
        'push_user = "netsky"\npush_password_file = "/nonexistent/password"\n'
        'lock_dir = "/nonexistent"\n[probe]\nspool = "/nonexistent/spool"\n'
    )
    before = sorted(site.folder.iterdir())
    done = site.run("--no-store", "--no-push", "--lock-dir", "/nonexistent")
    assert (done.returncode, done.stderr) == (0, "")
    assert "sent=124" in done.stdout
    assert sorted(site.folder.iterdir()) == before


@pytest.mark.parametrize("option", ["--no-store", "--no-push"])
def test_a_run_that_leaves_something_behind_needs_its_lock(site, option):
    site.write_settings(f'pushgateway = "http://127.0.0.1:{free_port()}"\n')
    message = complaint_of(site.run(option, "--lock-dir", "/nonexistent"))
    assert "the lock file /nonexistent" in message


def test_a_library_far_beyond_the_window_needs_a_word(site):
    slow = ("--rate", "150", "--no-store")  # 124 targets, at a window of 0.2 s
    message = complaint_of(site.run(*slow))
    assert "124 targets with 1 packet(s) each take 1 s at --rate 150" in message
    assert "--large" in message
    assert site.run(*slow, "--large").returncode == 0


def test_a_textfile_is_written(site):
    done = site.run("--no-store", "--textfile", "netsky.prom")
    assert done.returncode == 0
    metrics = (site.folder / "netsky.prom").read_text(encoding="utf-8")
    assert metrics.count("\nnetsky_loss_ratio{") == 31


# Egresses


def test_an_egress_of_the_settings_is_probed_through_and_stored(site):
    site.write_settings('[egress.unicom-1]\nsource = "127.0.0.5"\n')
    done = site.run("--egress", "unicom-1", "--format", "json")
    assert sweep_of(done)["packets_received"] == TARGETS
    assert {row.egress for row in site.rows()} == {"unicom-1"}


@needs_root
def test_packets_leave_from_the_source_of_the_egress(site, namespace):
    other = "icmp type echo-request ip daddr != 127.0.0.1 ip saddr != 127.0.0.5"
    namespace.add_rule("input", f"{other} counter drop")
    site.write_settings('[egress.a]\nsource = "127.0.0.5"\n[egress.b]\nsource = "127.0.0.6"\n')
    for egress, received in (("a", TARGETS), ("b", 0)):
        options = ["--egress", egress, "--format", "json", "--timeout", "500"]
        done = subprocess.run(
            namespace.command(*site.command(*options)),
            capture_output=True,
            timeout=60,
            check=False,
            **site.popen_options({}),
        )
        assert sweep_of(done)["packets_received"] == received
    lost = [row for row in site.rows("netsky_latency") if row.egress == "b"]
    assert [row.value for row in lost] == [None] * 31


# Wrong usage and bad input


def test_an_unknown_isp_province_or_egress_is_refused_with_the_known_ones(site):
    assert "known ISPs: cu 中国联通" in complaint_of(site.run(isp="xx"))
    assert "guangdong 广东" in complaint_of(site.run("--province", "guandong"))
    site.write_settings("[egress.unicom-1]\n")
    message = complaint_of(site.run("--egress", "telecom"))
    assert "unknown egress 'telecom'; known: default, unicom-1" in message


def test_a_missing_library_is_named_with_its_path(site):
    message = complaint_of(site.run(isp="cm"))
    assert f"{site.folder}/library/cm" in message


def test_all_bad_lines_of_a_library_are_told_at_once(site):
    folder = site.folder / "library" / "demo"
    (folder / "beijing.txt").write_text("127.0.0.1\nnonsense\n::1\n")
    (folder / "tianjin.txt").write_text("224.0.0.1\n")
    message = complaint_of(site.run())
    for line in ("beijing.txt:2: 'nonsense'", "beijing.txt:3: '::1'", "tianjin.txt:1: '224.0.0.1'"):
        assert line in message


def test_without_fping_the_run_fails_with_the_way_to_install_it(site):
    message = complaint_of(site.run("--engine", "fping", "--fping", "./fping"), 1)
    assert "no fping at './fping': install it" in message


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ("colour = 1", "colour is not a known key"),
        ("[prob]\nrate = 1", "prob is not a known key"),
        ("[probe]\ncolour = 1", "probe.colour is not a known key"),
        ("[egress.x]\ncolour = 1", "unknown key egress.x.colour"),
        ("[isp.edu]\ncolour = 1", "unknown key isp.edu.colour"),
        ("rate = 1", "rate is not a known key: it belongs below [probe]"),
        ('[probe]\nrate = "fast"', "probe.rate = 'fast' must be a whole number"),
        ("[probe]\nno_store = 1", "probe.no_store = 1 must be true or false"),
        ("[egress.x]\nsource = 1", "egress.x.source = 1 must be a string"),
        ('[egress.x]\nsource = "here"', "egress.x.source = 'here' is not an IPv4 address"),
        ("[probe]\ncount = 0", "probe.count"),
        ('format = "xml"', "format"),
        ("rate = ", "is not valid TOML"),
    ],
)
def test_broken_settings_are_refused_by_file_and_key(site, settings, complaint):
    site.write_settings(f"{settings}\n")
    message = complaint_of(site.run())
    assert "netsky.toml" in message
    assert complaint in message


def test_a_password_on_the_command_line_is_refused_and_not_repeated(site):
    url = "mysql://netsky:geheim@127.0.0.1/netsky_{isp}"
    message = complaint_of(site.run("--database", url))
    assert "no password on the command line" in message
    assert "geheim" not in message


# Deliveries


def test_figures_are_shown_even_when_they_cannot_be_delivered(site):
    database, gateway = free_port(), free_port()
    done = site.run(
        *("--format", "table", "--pushgateway", f"http://127.0.0.1:{gateway}"),
        NETSKY_DATABASE=f"mysql://netsky:geheim@127.0.0.1:{database}/netsky_{{isp}}",
    )
    assert done.returncode == 3
    assert "发 124，收 124" in done.stdout
    assert done.stderr.count("\n") == 2, done.stderr
    first, second = done.stderr.splitlines()
    assert LOG_LINE.fullmatch(first)
    assert LOG_LINE.fullmatch(second)
    assert f"127.0.0.1:{database}/netsky_demo" in first
    assert f"Pushgateway http://127.0.0.1:{gateway}" in second
    assert "geheim" not in done.stderr


def test_a_database_that_is_down_does_not_keep_figures_from_the_pushgateway(site, pushgateway):
    site.write_settings(f'pushgateway = "{pushgateway}"\n[egress.database-down]\n')
    broken = ("--database", "sqlite:///absent/netsky.db")
    assert site.run("--egress", "database-down", *broken).returncode == 3
    with urlopen(f"{pushgateway}/metrics", timeout=5) as answer:
        assert 'egress="database-down"' in answer.read().decode()


def test_figures_reach_mariadb_and_the_pushgateway(
    site, mariadb_with_schema: MariaDB, pushgateway, tmp_path
):
    write_library(tmp_path / "library", isp="cu", targets=3)
    mariadb_with_schema.execute("CREATE OR REPLACE USER netsky@'127.0.0.1' IDENTIFIED BY 'right'")
    mariadb_with_schema.execute("GRANT SELECT, INSERT, UPDATE ON netsky_cu.* TO netsky@'127.0.0.1'")
    url = mariadb_with_schema.url("netsky_{isp}", user="netsky", password="right")
    site.write_settings(
        f'database = "{url}"\npushgateway = "{pushgateway}"\n[egress."联通-1"]\nsource = "127.0.0.5"'
    )
    done = site.run("--egress", "联通-1", "--format", "json", isp="cu")
    assert (done.returncode, done.stderr) == (0, "")
    report = json.loads(done.stdout)
    latency = {p["province_name"]: p["latency_mean_seconds"] for p in report["provinces"]}
    started = report["sweep"]["started_at"][:19].replace("T", " ")
    for table, values in (
        ("netsky_lossrate", dict.fromkeys(latency, 0)),
        ("netsky_abnormalrate", dict.fromkeys(latency, 0)),
        ("netsky_latency", {name: 1000 * seconds for name, seconds in latency.items()}),
    ):
        rows = mariadb_with_schema.execute(
            f"SELECT province, value, egress, CAST(update_time AS CHAR) FROM netsky_cu.{table}"
        )
        assert {row[2:] for row in rows} == {("联通-1", started)}
        assert {name: value for name, value, *_ in rows} == pytest.approx(values, rel=1e-4)
    with urlopen(f"{pushgateway}/metrics", timeout=5) as answer:
        pushed = answer.read().decode().splitlines()
    ours = [line for line in pushed if 'egress="联通-1"' in line and 'isp="cu"' in line]
    assert sum(line.startswith("netsky_packets_received{") for line in ours) == 31
    assert sum(line.startswith("netsky_latency_seconds{") for line in ours) == 3 * 31
    assert all(line.endswith(" 3") for line in ours if line.startswith("netsky_targets{"))


# Repetition, signals, the lock


def test_sweeps_are_repeated_until_sigterm(site):
    started = []
    with site.running("--every", "2", "--format", "json") as process:
        while len(set(started)) < 3:
            report = json.loads(process.stdout.readline())
            started.append(report["sweep"]["started_at"][:19].replace("T", " "))
        process.send_signal(signal.SIGTERM)
        rest, log = process.communicate()
    started += [json.loads(line)["sweep"]["started_at"][:19] for line in rest.splitlines()]
    assert (process.returncode, log) == (0, "")
    stored = {row.update_time.partition(".")[0] for row in site.rows()}
    assert {text.replace("T", " ") for text in started} <= stored
    assert len(site.rows()) == 31 * len(stored)


@needs_root
@pytest.mark.parametrize("engine", ["auto", "fping"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_sweep_that_is_interrupted_stores_nothing(site, namespace, number, engine):
    long = ("--engine", engine, "--window", "60", "--count", "100")
    with site.running(*long, within=namespace.command) as process:
        wait_until(lambda: echoes_received(namespace) > 100, what="the sweep under way")
        process.send_signal(number)
        out, log = process.communicate(timeout=30)
    assert (process.returncode, out) == (1, "")
    assert "interrupted" in log
    assert "Traceback" not in log
    assert site.rows() == []
    assert namespace.processes() == []


def echoes_received(namespace):
    snmp = namespace.run("cat", "/proc/net/snmp")
    names, values = (line.split() for line in snmp.splitlines() if line.startswith("Icmp:"))
    return int(values[names.index("InEchos")])


def test_a_second_run_leaves_at_once_and_names_the_first(site):
    site.write_settings("[egress.other]\n")
    with site.running("--every", "60") as first:
        assert "sent=124" in first.stdout.readline()
        message = complaint_of(site.run(), 75)
        assert f"(pid {first.pid}, " in message
        assert site.run("--egress", "other").returncode == 0
        first.kill()
        first.wait()
        assert list(site.folder.glob("*.default.demo.lock"))  # stale: its process is gone
        assert site.run("--no-store").returncode == 0


# Standard output and help


@pytest.mark.parametrize("output_format", ["table", "line", "json"])
def test_a_reader_that_has_gone_away_is_no_failure_of_the_sweep(site, output_format):
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as stdout:
        done = site.run_process("--format", output_format, stdout=stdout)
    assert (done.returncode, done.stderr) == (0, "")
    assert len(site.rows()) == 31


@pytest.mark.parametrize(
    "environment", [{}, {"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}], ids=["utf-8", "ascii"]
)
def test_chinese_does_not_fail_in_the_c_locale(site, environment):
    done = site.run_process("--format", "table", LC_ALL="C", **environment)
    assert (done.returncode, done.stderr) == (0, "")
    assert "xinjiang" in done.stdout


def test_help_tells_every_exit_code(site):
    done = site.run("--help")
    assert (done.returncode, done.stderr) == (0, "")
    exits = done.stdout.partition("Exit codes:\n")[2]
    assert re.findall(r"^ +(\d+) +\S", exits, re.MULTILINE) == ["0", "1", "2", "3", "75"]


def test_a_password_in_the_query_of_the_url_is_refused_too(site):
    message = complaint_of(site.run("--database", "mysql://netsky@127.0.0.1:1/x?password=geheim"))
    assert "unknown password after the ? of the database URL" in message
    assert "geheim" not in message


@pytest.mark.parametrize("closed", ["stdout", "stderr"])
def test_a_closed_stream(site, closed):
    number = {"stdout": 1, "stderr": 2}[closed]
    command = ["sh", "-c", f'exec "$@" {number}>&-', "sh", *site.command("--no-store")]
    done = subprocess.run(command, capture_output=True, check=False, **site.popen_options({}))
    assert "Traceback" not in done.stderr
    assert done.returncode == 0


def test_a_full_disk_behind_stdout_is_no_traceback(site):
    with Path("/dev/full").open("wb") as full:
        done = site.run_process("--no-store", stdout=full)
    assert done.returncode == 3
    assert "Traceback" not in done.stderr


def test_a_server_that_speaks_no_mysql_costs_the_delivery_only(site):
    with tcp_server(lambda connection, _ended: connection.sendall(b"\1\0\0\0\0")) as port:
        url = f"mysql://netsky@127.0.0.1:{port}/x"
        done = site.run("--database", url, "--format", "line")
    assert done.returncode == 3
    assert done.stdout.count("isp=demo") == 1
    assert "not delivered: database" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_certificate_that_is_not_there_costs_the_delivery_only(site):
    url = "mysql://netsky@127.0.0.1:1/x?ssl_ca=/nonexistent"
    done = site.run("--database", url, "--format", "line")
    assert done.returncode == 3
    assert done.stdout.count("isp=demo") == 1
    assert "not delivered: database" in done.stderr


@pytest.mark.parametrize("text", ["", "\n", " \t\r\n", "\nsecond line\n"])
def test_a_password_file_without_a_password_is_refused_in_one_line(site, text):
    file = site.folder / "password"
    file.write_text(text)
    push = ("--pushgateway", "http://127.0.0.1:1", "--push-user", "netsky")
    message = complaint_of(site.run(*push, "--push-password-file", str(file)))
    said = f"cannot read the password of --push-user in {file}: its first line is empty\n"
    assert message.endswith(said)


def test_a_push_password_without_a_user_is_refused(site):
    message = complaint_of(
        site.run("--pushgateway", "http://127.0.0.1:1", "--push-password-file", "/dev/null")
    )
    assert "--push-password-file needs --push-user" in message


def test_a_reason_that_provinces_share_is_one_line_of_the_log(caplog):
    failures = tuple(ProvinceFailure(province, 5, "too slow") for province in PROVINCES[:3])
    sweep = make_sweep({"beijing": [0.1]}, failures=failures)

    class Engine:
        name = "fping"

        def sweep(self, *_arguments):
            return sweep

    probe(
        Engine(),
        sweep.library,
        sweep.egress,
        ProbePlan(),
        abnormal_rtt=0.3,
        storage=None,
        outlets=Outlets(),
        progress=lambda _packets: None,
    )
    errors = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    assert errors == ["beijing, tianjin, hebei: 15 targets not measured: too slow"]
