"""Reading netsky.toml: what it gives, and what is refused by name."""

import os
import stat
import subprocess
import threading
from pathlib import Path

import pytest

from netsky.cli.settings import TOOLS, Settings, read
from netsky.errors import InputError
from netsky.places import ISP, Egress
from testing.netns import needs_root

FULL = """\
database = "sqlite:///x.db"
no_push = true

[probe]
rate = 50_000

[alert]
max_age = 60

[egress.unicom-1]
source = "192.0.2.10"
interface = "eth1"
fwmark = 4294967295
circuit = "ABC0123-45"
contact = "网络值班 010-0000-0000"

[egress."联通-1"]

[isp.edu]
name = "教育网"

[isp.x1]
home = "联通-1"
"""


@pytest.fixture
def write(tmp_path):
    def write_toml(text):
        file = tmp_path / "netsky.toml"
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        return file

    return write_toml


def test_everything_in_the_file_is_read(write):
    file = write(FULL)
    assert read(file) == Settings(
        file=file,
        options={"database": "sqlite:///x.db", "no_push": True},
        tool_options={
            "probe": {"rate": 50_000},
            "avg_lossrate": {},
            "alert": {"max_age": 60},
            "library": {},
            "trace": {},
            "report": {},
        },
        egresses={
            "unicom-1": Egress(
                "unicom-1",
                "192.0.2.10",
                "eth1",
                4294967295,
                circuit="ABC0123-45",
                contact="网络值班 010-0000-0000",
            ),
            "联通-1": Egress("联通-1"),
        },
        isps={"edu": ISP("edu", "教育网"), "x1": ISP("x1", "x1", home="联通-1")},
    )


def test_an_empty_file_sets_nothing(write):
    file = write("")
    no_tool_options = {tool: {} for tool in TOOLS}
    assert read(file) == Settings(file=file, tool_options=no_tool_options)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a = 1\nrate = x", "is not valid TOML: Invalid value (at line 2"),
        (b"name = '\xb1\xb1'", "is not valid TOML: line 1 is not UTF-8: save it"),
        ("probe = 1", "'probe' must be a table: write [probe]"),
        ("egress = 'unicom'", "'egress' must be a table: write [egress]"),
        ("[[isp]]", "'isp' must be a table"),
        ("[egress]\nunicom = '192.0.2.10'", "'egress.unicom' must be a table"),
        ("[egress.unicom]\ndevice = 'eth1'", "unknown key egress.unicom.device; known: circuit, "),
        ("[egress.unicom]\nfwmark = '1'", "egress.unicom.fwmark = '1' must be a whole number"),
        ("[egress.unicom]\nfwmark = true", "egress.unicom.fwmark = True must be a whole number"),
        ("[egress.unicom]\nfwmark = 0", "egress.unicom.fwmark = 0 is not 1 to 4294967295"),
        ("[egress.unicom]\nfwmark = -1", "fwmark = -1 is not 1 to 4294967295"),
        ("[egress.unicom]\nfwmark = 0x1_0000_0000", "fwmark = 4294967296 is not 1 to 4294967295"),
        ("[egress.unicom]\nsource = 1", "egress.unicom.source = 1 must be a string"),
        ("[egress.unicom]\nsource = '192.0.2'", "source = '192.0.2' is not an IPv4 address"),
        ("[egress.unicom]\nsource = '::1'", "source = '::1' is not an IPv4 address"),
        ("[egress.unicom]\ninterface = ''", "interface = '' is no interface name"),
        ("[egress.unicom]\ninterface = 'abcdefghijklmnop'", "'abcdefghijklmnop' is no interface"),
        ("[egress.a]\ncontact = ' '", "egress.a.contact = ' ' must say something, in 100 charac"),
        (f"[egress.a]\ncircuit = '{'x' * 101}'", "must say something, in 100 characters at most"),
        ('[egress.a]\ncontact = "a\\nb"', "egress.a.contact has control characters in it"),
        ("[egress.'a/b']", "[egress.a/b]: a name is up to 40 letters"),
        ("[egress.'../x']", "[egress.../x]: a name is"),
        ("[egress.'']", "[egress.]: a name is"),
        ("[egress.'.x']", "[egress..x]: a name is"),
        (f"[egress.{'a' * 41}]", "a name is up to 40 letters"),
        ("[isp.Edu]", "[isp.Edu]: an ISP's name is 1 to 7 lower-case letters"),
        ("[isp.abcdefgh]", "[isp.abcdefgh]: an ISP's name is"),
        ("[isp.1a]", "[isp.1a]: an ISP's name is"),
        ("[isp.edu]\nname = 1", "isp.edu.name = 1 must be a string"),
        ("[isp.edu]\nslug = 'e'", "unknown key isp.edu.slug; known: home, in_all, name"),
        ("[isp.cu]\nhome = 'a'\n[egress.b]", "isp.cu.home = 'a' is no exit: define [egress.a]"),
        ("[egress.a]\ninterface = '网网网网网网'", "'网网网网网网' is no interface name"),
        ("x = " + "[" * 5000, "is not valid TOML: nested too deep"),
        ("[probe]\nrate." + "a." * 1000 + "a = 1", "probe.rate.a.a.a.a.a.a.a is nested too deep"),
        ("x = " + "9" * 5000, "is not valid TOML: Exceeds the limit (4300 digits)"),
        ("[egress.a]\nfwmark = 0x" + "f" * 4000, "egress.a.fwmark has a number beyond 64 bits"),
        (
            "[probe]\nwindow = -9_223_372_036_854_775_809",
            "probe.window has a number beyond 64 bits",
        ),
        ('textfile = "\\u0000"', "textfile has control characters in it"),
        ('[isp.edu]\nname = "a\\nb"', "isp.edu.name has control characters in it"),
        ('[probe]\nprovince = ["\\u2028"]', "probe.province has control characters in it"),
        ('"a\\nb" = 1', "the key 'a\\nb' has characters in it that do not print"),
        ('[egress."\\u001b[31m"]', "the key 'egress.\\x1b[31m' has characters in it that"),
    ],
)
def test_what_is_wrong_is_refused_with_file_and_key(write, text, message):
    file = write(text)
    with pytest.raises(InputError) as refusal:
        read(file)
    assert str(refusal.value).startswith(str(file))
    assert message in str(refusal.value)
    assert str(refusal.value).isprintable()


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(InputError, match=rf"the settings {tmp_path}/no.toml: No such file"):
        read(tmp_path / "no.toml")


def test_the_egress_default_needs_no_definition(write):
    assert Settings().find_egress("default") == Egress("default", None, None, None)


def test_the_egress_default_may_be_defined(write):
    settings = read(write("[egress.default]\ninterface = 'eth0'"))
    assert settings.find_egress("default") == Egress("default", interface="eth0")


def test_an_unknown_egress_is_refused_with_the_known_ones(write):
    settings = read(write(FULL))
    assert settings.find_egress("联通-1") == Egress("联通-1")
    with pytest.raises(InputError, match=r"unknown egress 'x'; known: default, unicom-1, 联通-1"):
        settings.find_egress("x")


# Who may change it


def test_a_file_that_everybody_may_change_is_refused_with_what_to_do(write):
    file = write("no_push = true")
    file.chmod(0o666)
    with pytest.raises(InputError) as refusal:
        read(file)
    assert str(refusal.value).startswith(f"{file} may be changed by every user of this host")
    command = str(refusal.value).rpartition(": ")[2]
    assert command == f"chmod o-w {file}"
    subprocess.run(command.split(), check=True)
    assert read(file).options == {"no_push": True}


def test_a_file_behind_a_link_is_the_one_that_counts(write, tmp_path):
    file = write("")
    file.chmod(0o646)
    link = tmp_path / "link.toml"
    link.symlink_to(file)
    with pytest.raises(InputError, match="every user"):
        read(link)


@pytest.mark.parametrize("mode", [0o400, 0o600, 0o640, 0o644, 0o660, 0o664])
def test_a_file_that_some_may_change_is_read(write, mode):
    file = write("")
    file.chmod(mode)
    read(file)


def test_dev_null_sets_nothing():
    assert stat.S_IMODE(Path("/dev/null").stat().st_mode) & stat.S_IWOTH
    assert read(Path("/dev/null")).options == {}


@needs_root
@pytest.mark.parametrize(
    ("folder_mode", "refused"), [(0o1777, True), (0o777, True), (0o755, False)]
)
def test_a_file_of_another_user_in_a_folder_for_all_is_refused(write, folder_mode, refused):
    file = write("")
    os.chown(file, 12345, -1)
    file.parent.chmod(folder_mode)
    if refused:
        with pytest.raises(InputError, match=r"belongs to another user \(uid 12345\).*--config"):
            read(file)
    else:
        read(file)


@needs_root
def test_a_fifo_of_another_user_in_a_folder_for_all_is_refused(tmp_path):
    fifo = tmp_path / "netsky.toml"
    os.mkfifo(fifo)
    os.chown(fifo, 12345, -1)
    tmp_path.chmod(0o1777)
    writer = os.open(fifo, os.O_RDWR)  # Linux: does not wait for a reader
    os.write(writer, b"window = 5\n")
    closer = threading.Timer(0.2, os.close, [writer])
    closer.start()
    with pytest.raises(InputError, match=r"belongs to another user \(uid 12345\)"):
        read(fifo)
    closer.join()


@needs_root
def test_a_file_of_ours_in_a_folder_for_all_is_read(write):
    file = write("")
    file.parent.chmod(0o1777)
    read(file)


@pytest.mark.parametrize("names", ["cu,cm,ct", "CU，移动、中国电信", "cu cm ct,联通"])
def test_several_isps_are_found_by_any_of_their_names_and_count_once(names):
    assert [isp.slug for isp in Settings().find_isps(names)] == ["cu", "cm", "ct"]
