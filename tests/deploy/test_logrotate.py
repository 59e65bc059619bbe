"""deploy/logrotate: what the real logrotate does to the logs of cron and of a process that stays."""

import gzip
import os
import subprocess

import pytest

from testing import ROOT
from testing.servers import program

CONFIG = ROOT / "deploy" / "logrotate" / "netsky"


@pytest.fixture
def logs(tmp_path):
    folder = tmp_path / "logs"
    folder.mkdir(mode=0o755)
    return folder


def rotate(logs, *options):
    text = CONFIG.read_text(encoding="utf-8")
    assert text.count("/var/log/netsky/") == 1
    config = logs.parent / "logrotate.conf"
    config.write_text(text.replace("/var/log/netsky/", f"{logs}/"), encoding="utf-8")
    config.chmod(0o644)
    command = [program("logrotate"), f"--state={logs.parent}/state", *options, str(config)]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


def names(logs):
    return sorted(path.name for path in logs.iterdir())


def test_a_process_that_stays_goes_on_writing_into_the_log_that_is_read(logs):
    with (logs / "probe.log").open("a", encoding="utf-8") as log:
        print("before", file=log, flush=True)
        rotate(logs, "--force")
        print("after", file=log, flush=True)
    assert (logs / "probe.log").read_text() == "after\n"
    assert gzip.decompress((logs / "probe.log.1.gz").read_bytes()) == b"before\n"


def test_eight_old_logs_are_kept(logs):
    for week in range(10):
        (logs / "probe.log").write_text(f"week {week}\n")
        rotate(logs, "--force")
    old = [f"probe.log.{n}.gz" for n in range(1, 9)]
    assert names(logs) == ["probe.log", *old]
    assert gzip.decompress((logs / old[-1]).read_bytes()) == b"week 2\n"


def test_within_the_week_only_a_log_that_has_grown_large_is_rotated(logs):
    for name in ("probe.log", "alert.log"):
        (logs / name).write_text("a line\n")
    rotate(logs)  # the first time it only notes the day
    os.truncate(logs / "probe.log", 101 << 20)
    rotate(logs)
    assert names(logs) == ["alert.log", "probe.log", "probe.log.1.gz"]
    assert (logs / "probe.log").stat().st_size == 0


def test_no_logs_and_empty_ones_are_no_trouble(logs):
    rotate(logs, "--force")
    (logs / "probe.log").touch()
    rotate(logs, "--force")
    assert names(logs) == ["probe.log"]
