"""The list of engines, and which of them `auto` takes."""

import json
import os
import shutil
import subprocess
import sys

import pytest

from netsky import engines
from netsky.engines import ENGINES, EngineEntry, EngineOption, open_engine
from netsky.errors import EngineError, EngineUnavailableError
from netsky.places import Egress
from testing.netns import needs_root
from testing.servers import program

# What a third engine would be: a class, and an entry in the list.


class Pigeon:
    name = "pigeon"
    fault: EngineError | None = None

    def __init__(self, birds: int) -> None:
        self.birds = birds

    def check(self, _egress):
        if self.fault:
            raise self.fault


PIGEON = EngineEntry(
    "pigeon", __name__, "Pigeon", (EngineOption("birds", 2, "BIRDS", "How many.", (1, 9)),)
)


@pytest.mark.parametrize("entry", ENGINES, ids=lambda entry: entry.name)
def test_each_engine_of_the_list_is_made_with_its_own_options(entry):
    assert entry.make({}).name == entry.name
    assert entry.make({option.name: option.default for option in entry.options})


def test_the_list_of_engines_loads_no_engine():
    code = "import sys, netsky.engines; print('numpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_an_engine_gets_the_options_that_are_its_own(monkeypatch):
    monkeypatch.setattr(engines, "ENGINES", (*ENGINES, PIGEON))
    assert open_engine("pigeon", Egress(), {"birds": 7, "fping": "/nowhere"}).birds == 7
    assert open_engine("pigeon", Egress()).birds == 2


def test_auto_takes_the_first_that_may_be_used(monkeypatch):
    class Lame(Pigeon):
        fault = EngineUnavailableError("no bird")

    monkeypatch.setattr(f"{__name__}.Lame", Lame, raising=False)
    lame = EngineEntry("lame", __name__, "Lame", PIGEON.options)
    monkeypatch.setattr(engines, "ENGINES", (lame, PIGEON))
    assert open_engine("auto", Egress()).name == "pigeon"


def test_auto_does_not_hide_what_is_wrong_with_the_exit_behind_another_engine(monkeypatch):
    monkeypatch.setattr(Pigeon, "fault", EngineError("no such interface"))
    monkeypatch.setattr(engines, "ENGINES", (PIGEON, *ENGINES))
    with pytest.raises(EngineError, match=r"^no such interface$"):
        open_engine("auto", Egress())


IN_A_CONTAINER = """
import json, sys
from netsky.engines import open_engine
from netsky.errors import EngineError
from netsky.places import Egress
try:
    print(json.dumps(open_engine(sys.argv[1], Egress(), {"fping": sys.argv[2]}).name))
except EngineError as error:
    print(json.dumps(str(error)))
"""


def in_a_container(namespace, engine, fping):
    """What comes of opening that engine where nobody may open a raw socket, not even root."""
    drop = [program("setpriv"), "--bounding-set=-net_raw", "--inh-caps=-net_raw"]
    command = [*drop, sys.executable, "-c", IN_A_CONTAINER, engine, fping]
    return json.loads(namespace.run(*command))


@needs_root
def test_auto_without_raw_sockets_names_every_way_out(namespace, tmp_path):
    fping = shutil.copy(program("fping"), tmp_path / "fping")
    message = in_a_container(namespace, "auto", fping)
    assert message.startswith("no engine can be used here: icmp: this process may open no ICMP")
    assert "net.ipv4.ping_group_range='0 2147483647'" in message
    assert f"fping: {fping} gets no reply from 127.0.0.1" in message
    assert "setcap cap_net_raw" in message
    missing = in_a_container(namespace, "auto", str(tmp_path / "none"))
    assert "ping_group_range" in missing
    assert "install it (Debian: apt-get install fping)" in missing


@needs_root
def test_auto_takes_ping_sockets_where_the_kernel_allows_them(namespace, tmp_path):
    namespace.run("sysctl", "-qw", f"net.ipv4.ping_group_range={os.getgid()} {os.getgid()}")
    assert in_a_container(namespace, "auto", str(tmp_path / "none")) == "icmp"


@needs_root
def test_an_engine_asked_for_by_name_speaks_for_itself_alone(namespace, tmp_path):
    message = in_a_container(namespace, "fping", str(tmp_path / "none"))
    assert message.startswith("no fping at")
