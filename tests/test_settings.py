"""Reading netsky.toml: what it gives, and what is refused by name."""

import pytest

from netsky.errors import InputError
from netsky.places import ISP, Egress
from netsky.settings import Settings, read

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

[egress."联通-1"]

[isp.edu]
name = "教育网"

[isp.x1]
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
        tool_options={"probe": {"rate": 50_000}, "avg_lossrate": {}, "alert": {"max_age": 60}},
        egresses={
            "unicom-1": Egress("unicom-1", "192.0.2.10", "eth1", 4294967295),
            "联通-1": Egress("联通-1"),
        },
        isps={"edu": ISP("edu", "教育网"), "x1": ISP("x1", "x1")},
    )


def test_an_empty_file_sets_nothing(write):
    file = write("")
    no_tool_options = {"probe": {}, "avg_lossrate": {}, "alert": {}}
    assert read(file) == Settings(file=file, tool_options=no_tool_options)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a = 1\nrate = x", "is not valid TOML: Invalid value (at line 2"),
        (b"name = '\xb1\xb1'", "is not valid TOML: 'utf-8' codec"),
        ("probe = 1", "'probe' must be a table: write [probe]"),
        ("egress = 'unicom'", "'egress' must be a table: write [egress]"),
        ("[[isp]]", "'isp' must be a table"),
        ("[egress]\nunicom = '192.0.2.10'", "'egress.unicom' must be a table"),
        ("[egress.unicom]\ndevice = 'eth1'", "unknown key egress.unicom.device; known: fwmark, "),
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
        ("[egress.'a/b']", "[egress.a/b]: a name is up to 40 letters"),
        ("[egress.'../x']", "[egress.../x]: a name is"),
        ("[egress.'']", "[egress.]: a name is"),
        ("[egress.'.x']", "[egress..x]: a name is"),
        (f"[egress.{'a' * 41}]", "a name is up to 40 letters"),
        ("[isp.Edu]", "[isp.Edu]: an ISP's name is 1 to 7 lower-case letters"),
        ("[isp.abcdefgh]", "[isp.abcdefgh]: an ISP's name is"),
        ("[isp.1a]", "[isp.1a]: an ISP's name is"),
        ("[isp.edu]\nname = 1", "isp.edu.name = 1 must be a string"),
        ("[isp.edu]\nslug = 'e'", "unknown key isp.edu.slug; known: name"),
    ],
)
def test_what_is_wrong_is_refused_with_file_and_key(write, text, message):
    file = write(text)
    with pytest.raises(InputError) as refusal:
        read(file)
    assert str(refusal.value).startswith(str(file))
    assert message in str(refusal.value)


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
