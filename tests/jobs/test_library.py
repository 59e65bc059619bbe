"""netsky_library.py: candidates built, held against the last build, and libraries looked at."""

import json
import os
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from ipaddress import IPv4Address

import numpy as np
import pytest
from rich.cells import cell_len

from netsky.cli import lock
from netsky.jobs.library_check import Fault, deviation_of, look_at
from netsky.places import BUILTIN_ISPS, PROVINCES, find_province
from netsky.targets import candidate_files, default_source, library_state, memory_file
from netsky.targets import library as library_files
from netsky.targets.library_state import LibraryState
from netsky.targets.memory import nothing_of
from netsky.targets.pool import Pool
from testing import geo
from testing.commands import run_verb

CT = BUILTIN_ISPS["ct"]
ALL_THREE = [
    *geo.ROWS,
    *(
        (f"2.{number}.0.0", f"2.{number}.255.255", f"中国|0|{province.name}|0|{isp}")
        for number, (province, isp) in enumerate(
            (province, isp) for isp in ("联通", "移动", "电信") for province in PROVINCES
        )
    ),
]


@pytest.fixture
def build(tmp_path):
    """Build from rows, as JSON or as the error; the folder is the test's."""

    def run(rows=None, *arguments, code=0):
        files = []
        if rows is not None:
            (tmp_path / "geo.xdb").write_bytes(geo.xdb(rows, built=1709087558))
            files = ["--geo", "geo.xdb"]
        done = run_verb(tmp_path, "netsky_library", "build", *files, *arguments, "--format", "json")
        assert done.returncode == code, done.stderr
        return json.loads(done.stdout) if code == 0 else done.stderr

    return run


def by_isp(document, figure):
    return {isp["isp"]: isp[figure] for isp in document["isps"]}


def test_candidates_of_all_provinces_are_built_and_told(build, tmp_path):
    document = build(ALL_THREE)
    assert by_isp(document, "addresses") == {
        "cu": 31 * 65_536 + 2048,
        "cm": 31 * 65_536 + 256 + 128,
        "ct": 31 * 65_536 + 768,
    }
    assert all(province["addresses"] for province in document["provinces"])
    [source] = document["library"]["sources"]
    assert (source["kind"], source["built"], source["rows"]) == ("ip2region xdb", "2024-02-28", 101)
    assert len(source["sha256"]) == 64
    assert {province["new"] for province in document["provinces"]} == {None}
    assert candidate_files.load(tmp_path / "library") is not None


def test_hong_kong_taiwan_and_their_carriers_fall_out(build, tmp_path):
    build(ALL_THREE)
    for isp in ("cu", "cm", "ct"):
        for file in (tmp_path / "library/candidates" / isp).iterdir():
            assert "1.1." not in file.read_text()


def test_without_a_source_the_installed_data_are_used_or_missed_in_one_line(build, monkeypatch):
    monkeypatch.setattr(default_source, "find_spec", lambda _name: None)
    error = build(None, code=2)
    assert "give a file of yours with --geo FILE, or install" in error
    assert error.count("\n") == 1


def test_the_installed_data_need_no_network_and_no_file(build):
    document = build()
    assert by_isp(document, "addresses") == {"cu": 75_893_389, "cm": 52_921_821, "ct": 141_901_107}
    assert by_isp(document, "without_province") == {"cu": 54_165, "cm": 5_506_846, "ct": 199_694}
    assert document["library"]["sources"][0]["licence"] == "Apache-2.0"
    assert min(province["addresses"] for province in document["provinces"]) == 55_330


def test_a_routing_table_is_a_veto_on_conflict_only(build, tmp_path):
    bgp = tmp_path / "bgp"
    bgp.mkdir()
    (bgp / "chinanet.txt").write_text("1.0.1.0/24\n1.0.8.0/24\n")
    (bgp / "unicom.txt").write_text("1.0.2.0/24\n1.0.8.0/24\n")
    (bgp / "cmcc.txt").write_text("1.0.17.0/24\n")
    document = build(ALL_THREE, "--bgp", "bgp")
    # 1.0.2.0/24 is ct's and only cu announces it; 1.0.8.0/24 both announce; 1.0.3.0/24 nobody.
    assert by_isp(document, "vetoed") == {"cu": 0, "cm": 0, "ct": 256}
    (bgp / "cmcc.txt").unlink()
    assert "no list is named after cm" in build(ALL_THREE, "--bgp", "bgp", code=2)
    assert "none is no folder of CIDR lists" in build(ALL_THREE, "--bgp", "none", code=2)


def without(rows, *, isp, province=None):
    return [
        row
        for row in rows
        if not (row[2].endswith(f"|{isp}") and (province is None or f"|{province}|" in row[2]))
    ]


def test_what_has_changed_since_the_last_build_is_told(build):
    build(ALL_THREE)
    more = [*ALL_THREE, ("9.0.0.0", "9.0.0.255", "中国|0|湖南|0|电信")]
    document = build(more)
    changed = [p for p in document["provinces"] if p["new"] or p["gone"]]
    assert [(p["isp"], p["province"], p["new"], p["gone"]) for p in changed] == [
        ("ct", "hunan", 256, 0)
    ]


def test_more_change_than_a_new_version_brings_is_refused_until_it_is_accepted(build, tmp_path):
    build(ALL_THREE)
    before = (tmp_path / "library/candidates/ct/hunan.txt").read_text()
    fewer = without(ALL_THREE, isp="电信", province="湖南")
    error = build(fewer, code=2)
    assert "ct hunan: 65,536 of 65,536 addresses are gone" in error
    assert "say --accept-change. The candidates are as they were" in error
    assert (tmp_path / "library/candidates/ct/hunan.txt").read_text() == before
    build(fewer, "--accept-change")
    assert not (tmp_path / "library/candidates/ct/hunan.txt").exists()


def test_a_fifth_of_an_isp_that_is_gone_is_told_by_the_isp(build):
    build(ALL_THREE)
    fewer = ALL_THREE
    for province in PROVINCES[:3]:
        fewer = without(fewer, isp="移动", province=province.name)
    assert "cm: 196,608 of " in build(fewer, code=2)


def test_sources_without_one_of_the_isps_are_refused_with_the_names_they_have(build):
    error = build(without(ALL_THREE, isp="联通"), code=2)
    assert "have no address of cu in any of the 31 provinces" in error


@pytest.mark.parametrize("data", [b"", geo.xdb()[:-3], geo.ip2region_text().encode("gb18030")])
def test_a_broken_source_leaves_the_candidates_as_they_were(build, tmp_path, data):
    build(ALL_THREE)
    before = (tmp_path / "library/candidates/sources.json").read_text()
    (tmp_path / "broken").write_bytes(data)
    assert "broken: " in build(None, "--geo", "broken", code=2)
    assert (tmp_path / "library/candidates/sources.json").read_text() == before


def test_the_first_of_several_sources_counts(build, tmp_path):
    (tmp_path / "mine.csv").write_text(
        "start,end,province,city,isp\n2.0.0.0,2.0.255.255,湖南,长沙,联通\n", encoding="utf-8"
    )
    document = build(ALL_THREE, "--accept-change")
    done = run_verb(
        tmp_path,
        *("netsky_library", "build", "--geo", "mine.csv", "--geo", "geo.xdb", "--format", "json"),
        "--accept-change",
    )
    document = json.loads(done.stdout)
    assert document["overlapping"] == 65_536
    hunan = next(p for p in document["provinces"] if (p["isp"], p["province"]) == ("cu", "hunan"))
    assert hunan["addresses"] == 2 * 65_536


def test_a_table_for_people_names_the_age_and_where_to_get_newer_data(build, tmp_path):
    build(ALL_THREE)
    done = run_verb(tmp_path, "netsky_library", "build", "--geo", "geo.xdb", "--format", "table")
    assert "这份数据旧了：有更新的，用 --geo 文件 指定" in done.stdout
    assert "制作于 2024-02-28，距今" in done.stdout
    assert "与上次相比：cu 新增 0、消失 0、换省 0" in done.stdout
    assert max(map(len, done.stdout.splitlines()[:34])) <= 80


def test_names_in_a_source_do_nothing_to_the_terminal(build, tmp_path):
    (tmp_path / "hostile.csv").write_text(
        "start,end,province,city,isp\n"
        "1.0.0.0,1.0.3.255,广东,\x1b[2J广州,联通\n1.0.4.0,1.0.7.255,广东,,移动\n"
        "1.0.8.0,1.0.11.255,广东,,电信\n1.0.12.0,1.0.15.255,广东,,\x1b]0;title\x07other\n",
        encoding="utf-8",
    )
    done = run_verb(
        tmp_path, "netsky_library", "build", "--geo", "hostile.csv", "--format", "table"
    )
    assert done.returncode == 0
    assert "没有采用的最大的几家" in done.stdout
    assert "\x1b" not in done.stdout
    assert "\x07" not in done.stdout


# Looking at a library


@pytest.fixture
def library(tmp_path, build):
    """Write a library of ct; candidates are those of ALL_THREE."""
    build(ALL_THREE)

    def write(**files):
        folder = tmp_path / "ipdata/ct"
        folder.mkdir(parents=True, exist_ok=True)
        for province, text in files.items():
            (folder / f"{province}.txt").write_text(text)
        return look_at(tmp_path / "ipdata", CT, tmp_path / "library")

    return write


def faults(report):
    return {finding.fault: finding.count for finding in report.findings}


HUNAN = f"2.{62 + [p.slug for p in PROVINCES].index('hunan')}"
SPREAD = "".join(f"{HUNAN}.{block}.{host}\n" for block in range(100) for host in (1, 9, 77, 200))


def test_a_good_province_has_no_faults_but_the_others_have_no_targets(library):
    report = library(hunan=SPREAD)
    assert faults(report) == {Fault.NO_TARGETS: 30}
    size = next(size for size in report.sizes if size.province.slug == "hunan")
    assert (size.targets, size.blocks, size.candidates) == (400, 100, 65_536)
    assert size.deviation_ratio == pytest.approx(0.007)
    assert deviation_of(2000) == pytest.approx(0.0031, rel=0.01)
    assert deviation_of(0) is None


@pytest.mark.parametrize(
    ("text", "fault", "count"),
    [
        (f"{HUNAN}.0.1\n{HUNAN}.0.1\n", Fault.DUPLICATES, 1),
        ("10.0.0.1-10.0.0.3\n", Fault.RESERVED, 3),
        ("2.0.0.1\n", Fault.OUTSIDE_CANDIDATES, 1),
        (f"{HUNAN}.5.1-{HUNAN}.5.5\n", Fault.CROWDED_BLOCKS, 1),
        (f"{HUNAN}.0.1\n", Fault.FEW_TARGETS, 1),
    ],
)
def test_each_fault_is_found_and_counted(library, text, fault, count):
    assert faults(library(hunan=text))[fault] == count


def test_what_is_excluded_is_counted(library, tmp_path):
    (tmp_path / "ipdata").mkdir()
    (tmp_path / "ipdata/exclude.txt").write_text(f"{HUNAN}.0.0/24\n")
    assert faults(library(hunan=SPREAD))[Fault.EXCLUDED] == 4


def test_a_library_that_nobody_has_touched_for_a_month_is_old(library, tmp_path):
    library(hunan=SPREAD)
    long_ago = (datetime.now(UTC) - timedelta(days=40)).timestamp()
    for path in (tmp_path / "ipdata/ct/hunan.txt", tmp_path / "ipdata/ct"):
        os.utime(path, (long_ago, long_ago))
    assert faults(look_at(tmp_path / "ipdata", CT, tmp_path / "library"))[Fault.OLD] == 40


def remember(folder, egress, silent_days, *, days=30):
    """What an exit's probe remembers of the first four targets of SPREAD."""
    addresses = np.array([int(IPv4Address(f"{HUNAN}.0.{host}")) for host in (1, 9, 77, 200)], "u4")
    memory = replace(nothing_of(addresses), silent_days=np.array(silent_days, np.uint8), days=days)
    memory_file.write(folder / memory_file.file_name("ct", egress), memory, mode=0o600)


def test_a_target_is_dead_when_it_has_not_answered_for_a_week_through_any_exit(library, tmp_path):
    library(hunan=SPREAD)
    look = partial(look_at, tmp_path / "ipdata", CT, tmp_path / "library")
    assert Fault.DEAD not in faults(look(memory=tmp_path / "memory"))
    remember(tmp_path / "memory", "a", (200, 8, 8, 0))
    remember(tmp_path / "memory", "new", (0, 0, 0, 0), days=1)
    assert faults(look(memory=tmp_path / "memory"))[Fault.DEAD] == 3
    remember(tmp_path / "memory", "b", (200, 7, 8, 0))
    assert faults(look(memory=tmp_path / "memory"))[Fault.DEAD] == 2
    done = run_verb(tmp_path, "netsky_library", "check", "--isp", "ct", "--format", "table")
    assert f"2 个目标一周以上没有应答（经任何出口）：{HUNAN}.0.1、{HUNAN}.0.77" in done.stdout
    assert "not known" not in done.stderr


@pytest.mark.parametrize("young", [False, True])
def test_where_no_memory_is_a_week_old_one_line_says_that_dead_targets_are_not_known(
    library, tmp_path, young
):
    library(hunan=SPREAD)
    if young:
        remember(tmp_path / "memory", "a", (0, 0, 0, 0), days=7)
    done = run_verb(tmp_path, "netsky_library", "check", "--isp", "ct", "--memory", "memory")
    (line,) = [each for each in done.stderr.splitlines() if "not known" in each]
    assert "in memory there is no memory of ct that is a week old: which targets have not" in line


def test_without_candidates_nothing_is_held_against_them(library, tmp_path):
    library(hunan="2.0.0.1\n")
    report = look_at(tmp_path / "ipdata", CT, tmp_path / "no library")
    assert Fault.OUTSIDE_CANDIDATES not in faults(report)
    assert {size.candidates for size in report.sizes} == {None}


def test_check_says_what_is_wrong_with_exit_3_and_show_shows_the_sizes(library, tmp_path):
    library(hunan=SPREAD, hubei="10.0.0.1\n")
    done = run_verb(tmp_path, "netsky_library", "check", "--isp", "ct", "--format", "table")
    assert done.returncode == 3
    assert "1 个保留地址，不属于任何用户：10.0.0.1" in done.stdout
    assert "29 省没有目标：beijing、" in done.stdout
    done = run_verb(tmp_path, "netsky_library", "show", "--isp", "ct", "--format", "table")
    assert done.returncode == 0
    assert "湖南 hunan" in done.stdout
    assert "0.70" in done.stdout
    done = run_verb(tmp_path, "netsky_library", "check", "--isp", "ct", "--format", "json")
    assert {each["fault"] for each in json.loads(done.stdout)["findings"]} >= {"reserved"}


def test_a_library_that_is_not_there_is_told(tmp_path):
    done = run_verb(tmp_path, "netsky_library", "check", "--isp", "cu")
    assert (done.returncode, "no address library in" in done.stderr) == (2, True)


def test_settings_of_all_verbs_are_in_one_table(build, tmp_path):
    (tmp_path / "netsky.toml").write_text("[library]\ncandidates = 'elsewhere'\nlibrary = 'x'\n")
    build(ALL_THREE)
    assert (tmp_path / "elsewhere/candidates").is_dir()
    (tmp_path / "netsky.toml").write_text("[library]\nspeed = 1\n")
    assert "library.speed is not a known key" in build(ALL_THREE, code=2)


def test_two_builds_at_once_are_not_possible(build, tmp_path):
    with lock.hold(tmp_path, "netsky_library", egress="all", isp="all"):
        assert "is already running" in build(ALL_THREE, "--lock-dir", ".", code=75)


# A library that is refreshed


@pytest.fixture
def refreshed(tmp_path, library):
    """A library of which a state is known: all of it answered the newest look but for a quarter."""

    def make(*, settled, hours):
        library(hunan=SPREAD)
        candidates = candidate_files.load(tmp_path / "library")
        state = LibraryState.begin(candidates.part(candidates.isp == 2))
        hunan = PROVINCES.index(find_province("hunan"))
        targets = library_files.load(tmp_path / "ipdata", "ct").addresses
        state.pool = Pool.found(targets, np.full(len(targets), hunan, np.int32), 0)
        state.pool.looks[::4] = 0b1110
        state.settled[hunan] = settled
        now = datetime.now(UTC)
        state.facts.looked_at = (now - timedelta(hours=hours)).timestamp()
        library_state.save(tmp_path / "library", "ct", state)
        return look_at(tmp_path / "ipdata", CT, tmp_path / "library", now=now)

    return make


def test_who_answered_the_newest_look_is_told(refreshed):
    report = refreshed(settled=1, hours=2)
    hunan = next(size for size in report.sizes if size.targets)
    assert (hunan.response_ratio, hunan.provisional) == (0.75, False)
    assert faults(report) == {Fault.NO_TARGETS: 30}
    assert report.refreshed_at is not None


def test_a_provisional_library_and_one_that_is_not_refreshed_any_more_are_faults(refreshed):
    report = refreshed(settled=0, hours=13)
    assert faults(report) == {
        Fault.NO_TARGETS: 30,
        Fault.PROVISIONAL: 1,
        Fault.NOT_REFRESHED: 13,
    }


def test_sources_are_shown_with_their_digest_and_the_library_with_its_age(refreshed, tmp_path):
    refreshed(settled=1, hours=1)
    four_days_ago = time.time() - 4.5 * 86_400
    for path in ((tmp_path / "ipdata/ct"), *(tmp_path / "ipdata/ct").iterdir()):
        os.utime(path, (four_days_ago, four_days_ago))
    shown = run_verb(tmp_path, "netsky_library", "show", "--isp", "ct", "--format", "table").stdout
    assert "最近更新距今 4 天" in shown
    document = json.loads(
        run_verb(tmp_path, "netsky_library", "show", "--isp", "ct", "--format", "json").stdout
    )
    (source,) = document["library"]["candidates"]["sources"]
    assert f"SHA-256 {source['sha256']}" in shown
    assert len(source["sha256"]) == 64


def test_the_tile_map_has_all_provinces_and_fits_a_terminal(refreshed, tmp_path):
    refreshed(settled=0, hours=13)
    done = run_verb(tmp_path, "netsky_library", "show", "--isp", "ct", "--format", "table")
    lines = done.stdout.splitlines()
    assert "75.00%" in done.stdout
    start = next(at for at, line in enumerate(lines) if line.strip() == "黑龙江")
    tiles = lines[start : start + 16]
    assert all(province.name in "".join(tiles) for province in PROVINCES)
    assert all(cell_len(line) <= 79 for line in tiles)
    assert sum(line.count("400") for line in tiles) == 1
    assert "13 小时没有复查：netsky_library.py refresh 应每 3 小时运行一次" in done.stdout
    assert "1 省还是临时的，要满 24 次复查，在此之前不要据此告警：hunan" in done.stdout
    assert "30 省没有目标：beijing、tianjin、hebei、shanxi、neimenggu、liaoning 等" in done.stdout
