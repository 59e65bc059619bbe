"""With the settings and libraries that a lab writes, netsky can send nothing anywhere else."""

import os
import subprocess
import sys
import tomllib

import pytest

from lab.network import files
from lab.network.addresses import make_routes
from netsky.cli.settings import read
from netsky.targets import library
from testing import ROOT
from testing.farside import make_network
from testing.netns import needs_root

ROUTES = make_routes(("a", "b"), 3)


@pytest.fixture(scope="module")
def real_network():
    """A host whose default route leads to somebody who has all the lab's addresses, and counts."""
    with make_network() as network:
        yield network


def run_in(network, folder, *options):
    command = [sys.executable, str(ROOT / "netsky_probe.py"), "--isp", "cu", "--window", "0"]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("NETSKY_")}
    return subprocess.run(
        network.probe.command(*command, *options),
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@needs_root
@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--engine", "icmp"], "egress 'default': cannot use interface 'exit-a'"),
        (["--engine", "fping"], "egress 'default': interface 'exit-a' is not there"),
        (["--engine", "icmp", "--egress", "b"], "egress 'b': cannot use interface 'exit-b'"),
        (["--config", "/dev/null", "--library", "ipdata"], "egress 'default' names no source"),
    ],
    ids=["icmp", "fping", "egress", "library-alone"],
)
def test_outside_of_the_lab_no_packet_is_sent(real_network, tmp_path, options, complaint):
    files.write(tmp_path, ROUTES, targets=3)
    before = real_network.wires[0].heard()
    done = run_in(real_network, tmp_path, *options)
    assert done.returncode in (1, 2)
    assert complaint in done.stderr
    assert done.stdout == ""
    assert real_network.wires[0].heard() == before


@needs_root
def test_that_host_would_reach_the_same_addresses_through_a_real_egress(real_network, tmp_path):
    files.write(tmp_path, ROUTES, targets=3)
    (tmp_path / "ipdata" / "sources.txt").unlink()
    before = real_network.wires[0].heard()
    done = run_in(real_network, tmp_path, "--config", "/dev/null", "--no-store")
    assert done.returncode == 0, done.stderr
    assert real_network.wires[0].heard() == before + 31 * 3


@needs_root
def test_inside_the_lab_the_exit_default_is_the_first_egress(user):
    user.write(targets=3)
    measured = user.probe("--window", "0", "--timeout", "2000", egress="default")
    assert measured["sweep"]["packets_received"] == 31 * 3
    seen = {count.egress for count in user.lab.truth().counts if count.seen}
    assert seen == {"a"}


def test_database_spool_and_locks_are_in_the_folder(tmp_path):
    folder = tmp_path / 'a "folder"'
    settings, targets = files.write(folder, ROUTES, targets=3)
    document = tomllib.loads(settings.read_text(encoding="utf-8"))
    assert document["database"] == f"sqlite:///{folder}/netsky_{{isp}}.db"
    assert document["lock_dir"] == str(folder / "lock")
    assert (folder / "lock").is_dir()
    assert document["no_push"] is True
    assert document["probe"] == {"library": str(targets), "spool": str(folder / "spool")}
    assert library.load(targets, "cm").targets == 31 * 3


def test_all_egresses_are_each_exit_once_and_not_the_first_one_again_as_default(tmp_path):
    settings, _ = files.write(tmp_path, ROUTES, targets=3)
    assert [egress.name for egress in read(settings).find_egresses("all")] == ["a", "b"]


@needs_root
def test_settings_of_a_real_site_in_the_environment_do_not_come_into_the_lab(
    user, run_lab, monkeypatch
):
    monkeypatch.setenv("NETSKY_DATABASE", "mysql+pymysql://127.0.0.1/netsky_{isp}")
    assert "NETSKY" not in user.lab.run("env").stdout
    done = run_lab("exec", "--name", user.lab.name, "--", "env")
    assert "NETSKY" not in done.stdout
    assert done.stderr == "not passed on into the lab: NETSKY_DATABASE\n"
