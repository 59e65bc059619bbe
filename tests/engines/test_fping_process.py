"""The life and death of fping processes, with scripts in the place of fping."""

import logging
import os
import resource
import subprocess
import sys
import time
from ipaddress import IPv4Address
from math import isnan
from pathlib import Path

import numpy as np
import pytest

from netsky.cli.log import LineFormatter
from netsky.engines import fping_process
from netsky.engines.fping_process import FpingProcesses, NotMeasuredError
from testing.netns import needs_root
from testing.servers import program, wait_until

TARGETS = np.array([int(IPv4Address(a)) for a in ("10.0.0.1", "10.0.0.200")], np.uint32)

ANSWER_ALL = 'while read -r address; do echo "$address : 1.5" >&2; done'
TIMEOUT = "echo '10.0.0.200 : [0], timed out (NaN avg, 100% loss)'"
HANG = 'sleep 600 & echo $! > "$0.child"; wait'


@pytest.fixture
def script(tmp_path):
    """Make a program of a few lines of shell."""

    def write_script(body):
        file = tmp_path / "fping"
        file.write_text(f"#!/bin/sh\n{body}\n")
        file.chmod(0o755)
        return file

    return write_script


@pytest.fixture
def processes():
    with FpingProcesses() as processes:
        yield processes


def start(processes, program, targets=TARGETS):
    process = processes.start([str(program)])
    process.read_targets(targets)
    processes.go()
    return process


def results(processes, program, *, targets=TARGETS, count=1, seconds=60):
    process = start(processes, program, targets)
    return process.results(np.sort(targets), count, time.monotonic() + seconds)


def is_running(pid):
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state not in "ZX"


def child_of(program):
    """The pid of the process that the script HANG has started."""
    file = Path(f"{program}.child")
    wait_until(lambda: file.exists() and file.read_text().endswith("\n"), what="child started")
    return int(file.read_text())


def test_targets_go_in_on_standard_input_and_results_come_back(processes, script):
    shuffled = TARGETS[::-1]
    found = results(processes, script(f"{ANSWER_ALL}"), targets=shuffled)
    assert found.rtt_seconds == pytest.approx(np.array([[0.0015], [0.0015]]))


@pytest.mark.parametrize("code", [0, 1])
def test_some_targets_down_is_a_measurement(processes, script, code):
    body = f"{TIMEOUT}; echo '10.0.0.1 : 1.5' >&2; echo '10.0.0.200 : -' >&2; exit {code}"
    [[up], [down]] = results(processes, script(body)).rtt_seconds
    assert up == pytest.approx(0.0015)
    assert isnan(down)


@pytest.mark.parametrize("code", [2, 3, 4])
def test_a_failure_is_never_a_measurement_and_has_the_last_words(processes, script, code):
    program = script(f"{ANSWER_ALL}; echo 'not enough sequence numbers!' >&2; exit {code}")
    with pytest.raises(NotMeasuredError) as failure:
        results(processes, program)
    assert str(failure.value) == f"fping failed with {code}: not enough sequence numbers!"


def test_what_a_failing_fping_says_is_one_line_that_prints(processes, script):
    program = script(r"printf 'out of \033[2Jluck\r\n' >&2; exit 4")
    with pytest.raises(NotMeasuredError) as failure:
        results(processes, program)
    assert str(failure.value) == r"fping failed with 4: out of \x1b[2Jluck"


def test_lines_of_packets_are_not_the_last_words_of_a_failing_fping(processes, script):
    packet = "echo '10.0.0.1 : [0], 64 bytes, 0.05 ms (0.05 avg, 0% loss)'"
    with pytest.raises(NotMeasuredError, match=r"^fping failed with 4: out of luck$"):
        results(processes, script(f"echo out of luck >&2; {packet}; exit 4"))


def test_a_silent_failure_is_told_as_such(processes, script):
    with pytest.raises(NotMeasuredError, match=r"^fping failed with 4: it said nothing$"):
        results(processes, script("exit 4"))


def test_a_killed_process_is_no_measurement(processes, script):
    with pytest.raises(NotMeasuredError, match=r"^fping failed with -9: "):
        results(processes, script(f"{ANSWER_ALL}; kill -9 $$"))


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("true", "0 results for 2 targets"),
        ("echo '10.0.0.1 : 1.5' >&2; exit 1", "1 results for 2 targets"),
        (f"{ANSWER_ALL}; echo '10.0.0.3 : 1.5' >&2", "3 results for 2 targets"),
        ("echo '10.0.0.1 : 1' >&2; echo '10.0.0.2 : 1' >&2", "for other targets"),
    ],
)
def test_output_that_is_not_whole_is_no_measurement(processes, script, body, message):
    with pytest.raises(NotMeasuredError, match=message):
        results(processes, script(body))


def test_the_first_target_is_a_decoy_on_this_host_whose_result_is_not_one(processes, script):
    process = start(processes, script(f'cat > "$0.list"; {ANSWER_ALL} < "$0.list"'))
    found = process.results(TARGETS, 1, time.monotonic() + 60)
    assert Path(f"{process.popen.args[0]}.list").read_text() == "0.0.0.0\n10.0.0.1\n10.0.0.200\n"
    assert (found.rtt_seconds.shape, found.unknown) == ((2, 1), ())


@pytest.mark.parametrize("printed", ["-", "0.05 -", "1e+03", "0.05 0.06"])
def test_however_late_its_reply_the_decoy_is_no_result(processes, script, printed):
    body = (
        f"echo '0.0.0.0    : {printed}' >&2; echo '10.0.0.1   : 1.5' >&2; echo '10.0.0.200 : -' >&2"
    )
    found = results(processes, script(body))
    assert (found.rtt_seconds.shape, found.unknown) == ((2, 1), ())


def test_nothing_is_sent_before_all_have_read_their_lists(processes, script, tmp_path):
    program = script('cat > /dev/null; touch "$0.sends"')
    process = processes.start([str(program)])
    process.read_targets(TARGETS)
    with pytest.raises(subprocess.TimeoutExpired):
        process.popen.wait(0.3)
    assert not (tmp_path / "fping.sends").exists()
    processes.go()
    process.popen.wait(60)
    assert (tmp_path / "fping.sends").exists()


def test_a_list_is_given_in_whole_lines(processes, script):
    reads = "import os\nwhile part := os.read(0, 65536): assert part[-1:] == b'\\n', part[-20:]"
    process = processes.start([str(script(f'exec {sys.executable} -c "{reads}"'))])
    process.read_targets(np.arange(10**9, 10**9 + 3000, dtype=np.uint32))
    processes.go()
    assert process.popen.wait(60) == 0, process.output.read()


def test_a_process_that_does_not_read_its_list_is_killed(processes, script, monkeypatch):
    monkeypatch.setattr(fping_process, "READ_SECONDS", 0.3)
    process = processes.start([str(script("sleep 600"))])
    with pytest.raises(NotMeasuredError, match="did not read its targets and was killed"):
        process.read_targets(np.arange(10_000, dtype=np.uint32))
    assert process.popen.returncode == -9


RECEIVER = """\
import os, socket, sys, time
with socket.socket():
    list(sys.stdin)
    print("ICMP Host Unreachable from 10.0.0.9 for ICMP Echo sent to 10.0.0.1", file=sys.stderr)
    print(" [<- 127.0.0.1]0.0.0.0    : [0], 64 bytes, 0.05 ms (0.05 avg, 0% loss)", flush=True)
    open(sys.argv[0] + ".waits", "w").close()
    while not os.path.exists(sys.argv[0] + ".done"):
        time.sleep(0.01)
    print("0.0.0.0    : 0.05\\n10.0.0.1   : 0.05", file=sys.stderr)
    time.sleep(600)
"""


def test_a_process_receives_until_it_prints(processes, tmp_path):
    program = tmp_path / "fping"
    program.write_text(f"#!{sys.executable}\n{RECEIVER}")
    program.chmod(0o755)
    process = start(processes, program)
    wait_until((tmp_path / "fping.waits").exists, what="waits for replies")
    assert process.is_receiving()
    links = [str(entry.readlink()) for entry in Path(f"/proc/{process.popen.pid}/fd").iterdir()]
    assert [f"socket:[{inode}]" for inode in processes.receiving_sockets()] == [
        link for link in links if link.startswith("socket")
    ]
    (tmp_path / "fping.done").touch()
    wait_until(lambda: not process.is_receiving(), what="has printed")
    assert processes.receiving_sockets() == set()
    process.kill()
    assert (processes.receiving_sockets(), process.sockets()) == (set(), set())


def test_sockets_that_may_not_be_seen_are_unknown(processes, script, monkeypatch):
    start(processes, script("sleep 600"))
    monkeypatch.setattr(Path, "iterdir", lambda _: (_ for _ in ()).throw(PermissionError))
    assert processes.receiving_sockets() is None


def test_output_larger_than_any_pipe_is_taken(processes, script):
    found = results(processes, script(f"seq 40000 >&2; {ANSWER_ALL}"))
    assert found.rtt_seconds.shape == (2, 1)
    assert len(found.unknown) == 40_000


def test_lines_that_are_not_understood_go_to_the_log_but_only_a_few(processes, script, caplog):
    caplog.set_level(logging.WARNING)
    program = script(f"for i in 1 2 3 4 5 6 7 8 9; do echo odd $i >&2; done; {ANSWER_ALL}")
    assert len(results(processes, program).unknown) == 9
    assert [r.getMessage() for r in caplog.records] == [
        f"fping says 'odd {i}'" for i in range(1, 6)
    ]


def test_what_fping_says_cannot_reach_the_terminal_by_the_log(processes, script, caplog):
    caplog.set_level(logging.WARNING)
    results(processes, script(rf"printf 'odd \033[2J\377\n' >&2; {ANSWER_ALL}"))
    (record,) = caplog.records
    line = LineFormatter().format(record)
    assert line.isprintable()
    assert r"\x1b[2J" in line


def test_a_hung_process_is_killed_with_its_group_at_the_deadline(processes, script):
    program = script(HANG)
    process = start(processes, program)
    child = child_of(program)
    assert is_running(child)
    with pytest.raises(NotMeasuredError, match="did not end in time and was killed"):
        process.results(TARGETS, 1, time.monotonic())
    assert process.popen.returncode == -9
    wait_until(lambda: not is_running(child), what="child killed")


def test_leaving_the_block_kills_what_still_runs(script):
    program = script(HANG)
    with FpingProcesses() as processes:
        process = start(processes, program)
        child = child_of(program)
    assert process.popen.returncode == -9
    wait_until(lambda: not is_running(child), what="child killed")


def test_a_process_may_end_by_itself_before_it_is_killed(script):
    with FpingProcesses() as processes:
        process = start(processes, script("true"))
        process.popen.wait()
        process.kill()
    assert process.popen.returncode == 0


def test_a_program_that_cannot_be_started_is_no_measurement(processes, tmp_path):
    with pytest.raises(NotMeasuredError, match=r"^cannot start fping: No such file or directory$"):
        processes.start([str(tmp_path / "no-fping")])


def test_after_the_block_nothing_is_started(script, tmp_path):
    with FpingProcesses() as processes:
        pass
    with pytest.raises(NotMeasuredError, match="the sweep was stopped"):
        processes.start([str(script('touch "$0.started"'))])
    assert not (tmp_path / "fping.started").exists()


def test_without_descriptors_nothing_is_started_and_that_is_a_value(processes, script):
    program = script("cat > /dev/null")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    lowest = os.dup(0)
    os.close(lowest)
    for free in range(10):
        resource.setrlimit(resource.RLIMIT_NOFILE, (lowest + free, hard))
        try:
            processes.start([str(program)]).read_targets(TARGETS)
        except NotMeasuredError as error:
            assert str(error) == "cannot start fping: Too many open files"  # noqa: PT017
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_without_memory_nothing_is_started_and_that_is_a_value(processes, monkeypatch):
    def no_memory(_name):
        raise MemoryError

    monkeypatch.setattr(os, "memfd_create", no_memory)
    with pytest.raises(NotMeasuredError, match="cannot start fping: no memory is left"):
        processes.start(["fping"])


def test_an_id_that_another_sweep_has_claimed_is_not_used(processes, script, monkeypatch):
    claims = [None, fping_process.claim_id(-1), None, None]
    seen = []

    def claim(pid):
        seen.append(pid)
        return claims[len(seen) - 1]

    monkeypatch.setattr(fping_process, "claim_id", claim)
    monkeypatch.setattr(fping_process, "MOST_STARTS", 2)
    assert processes.start([str(script("cat > /dev/null"))]).popen.pid == seen[1] != seen[0]
    assert not is_running(seen[0])
    with pytest.raises(NotMeasuredError, match="ICMP ids that other sweeps use"):
        processes.start([str(script("cat > /dev/null"))])


@needs_root
def test_an_id_is_claimed_in_all_pid_namespaces_of_a_network_namespace(processes, script):
    process = processes.start([str(script("cat > /dev/null"))])
    code = (
        f"from netsky.engines.fping_process import claim_id; print(claim_id({process.popen.pid}))"
    )
    pid_namespace = [program("unshare"), "--pid", "--fork", sys.executable, "-c", code]
    done = subprocess.run(pid_namespace, capture_output=True, text=True, check=True)
    assert done.stdout == "None\n"
