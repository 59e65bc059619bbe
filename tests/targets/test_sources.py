"""An address library that names its sources is probed from these alone."""

import pytest

from netsky.errors import InputError, LibraryError
from netsky.places import Egress
from netsky.targets.sources import check_source


@pytest.fixture
def directory(tmp_path):
    (tmp_path / "sources.txt").write_text("192.0.2.10  # unicom-1\n198.51.100.0/24\n")
    return tmp_path


@pytest.mark.parametrize("source", ["192.0.2.10", "198.51.100.0", "198.51.100.255"])
def test_a_source_that_is_named_may_probe(directory, source):
    check_source(directory, Egress("unicom-1", source=source))


@pytest.mark.parametrize("source", ["192.0.2.11", "198.51.101.0", None])
def test_another_source_or_none_may_not(directory, source):
    with pytest.raises(InputError, match=r"egress 'telecom' .*: give the settings that belong to"):
        check_source(directory, Egress("telecom", source=source, interface="lo"))


def test_without_the_file_every_egress_may(tmp_path):
    check_source(tmp_path, Egress())


def test_an_empty_file_lets_nobody_probe(tmp_path):
    (tmp_path / "sources.txt").touch()
    with pytest.raises(InputError, match="is only for the source addresses in"):
        check_source(tmp_path, Egress(source="192.0.2.10"))


def test_a_bad_line_is_an_error(directory):
    (directory / "sources.txt").write_text("192.0.2.10\nunicom-1\n")
    with pytest.raises(LibraryError, match="1 bad line"):
        check_source(directory, Egress(source="192.0.2.10"))


def test_a_file_that_leads_nowhere_is_an_error(tmp_path):
    (tmp_path / "sources.txt").symlink_to(tmp_path / "nowhere")
    with pytest.raises(LibraryError, match="cannot read"):
        check_source(tmp_path, Egress())
