"""Address libraries: files to targets by province, and the libraries that are refused."""

import os
import tempfile
import time
from ipaddress import IPv4Address, IPv4Network, summarize_address_range
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from netsky.errors import LibraryError
from netsky.places import PROVINCES, find_province
from netsky.targets.library import LibraryFiles, load
from netsky.time_limit import time_limit


def write(directory, exclude=None, **files):
    """A library of ISP `cu`; the content of each province's file by slug."""
    (directory / "cu").mkdir(exist_ok=True)
    for slug, content in files.items():
        (directory / "cu" / f"{slug}.txt").write_text(content)
    if exclude is not None:
        (directory / "exclude.txt").write_text(exclude)
    return directory


def by_province(library):
    """The targets of each province, as text, in the library's order."""
    return {
        province.slug: [
            str(IPv4Address(a)) for a in library.addresses[library.slice_of(i)].tolist()
        ]
        for i, province in enumerate(library.provinces)
    }


def test_provinces_come_in_their_order_and_addresses_ascending(tmp_path):
    write(tmp_path, xinjiang="192.0.2.9", beijing="10.0.0.2\n10.0.0.0/31")
    library = load(tmp_path, "cu")
    assert by_province(library) == {
        "beijing": ["10.0.0.0", "10.0.0.1", "10.0.0.2"],
        "xinjiang": ["192.0.2.9"],
    }
    assert list(by_province(library)) == ["beijing", "xinjiang"]
    assert (library.isp, library.targets) == ("cu", 4)
    assert (library.duplicates, library.excluded) == (0, 0)


def test_duplicates_within_and_across_provinces_count_once_for_the_first_province(tmp_path):
    write(tmp_path, hebei="10.0.0.2-10.0.0.4", beijing="10.0.0.1\n10.0.0.0/30\n10.0.0.1\n")
    library = load(tmp_path, "cu")
    assert by_province(library) == {
        "beijing": ["10.0.0.0", "10.0.0.1", "10.0.0.2", "10.0.0.3"],
        "hebei": ["10.0.0.4"],
    }
    assert library.duplicates == 4


def test_excluded_addresses_are_no_targets_of_any_isp(tmp_path):
    exclude = "10.0.0.1 # asked for\n10.0.1.0/24\n224.0.0.0/8\n"
    write(tmp_path, exclude=exclude, beijing="10.0.0.0/30\n10.0.1.7\n")
    library = load(tmp_path, "cu")
    assert by_province(library) == {"beijing": ["10.0.0.0", "10.0.0.2", "10.0.0.3"]}
    assert (library.duplicates, library.excluded) == (0, 2)
    (tmp_path / "cu").rename(tmp_path / "cm")
    assert load(tmp_path, "cm").excluded == 2


def test_a_province_that_is_wholly_excluded_or_a_duplicate_is_left_out_with_a_warning(
    tmp_path, caplog
):
    write(tmp_path, exclude="10.1.0.0/16", beijing="10.0.0.1", hebei="10.0.0.1", hunan="10.1.0.1")
    library = load(
        tmp_path, "cu", provinces=[find_province(p) for p in ("beijing", "hebei", "hunan")]
    )
    assert by_province(library) == {"beijing": ["10.0.0.1"]}
    assert [r.getMessage() for r in caplog.records] == [
        f"{tmp_path}/cu: no targets for hebei, hunan"
    ]


def test_missing_provinces_are_a_warning_that_names_them(tmp_path, caplog):
    write(tmp_path, **{p.slug: f"10.0.0.{i}" for i, p in enumerate(PROVINCES)})
    load(tmp_path, "cu")
    assert not caplog.records
    (tmp_path / "cu/hainan.txt").unlink()
    (tmp_path / "cu/xizang.txt").write_text("# none yet\n")
    load(tmp_path, "cu")
    assert [(r.levelname, r.getMessage()) for r in caplog.records] == [
        ("WARNING", f"{tmp_path}/cu: no targets for hainan, xizang")
    ]


def test_only_the_asked_provinces_are_read(tmp_path, caplog):
    write(tmp_path, beijing="10.0.0.1", hunan="10.0.0.1\n10.0.0.2", hebei="bad")
    library = load(tmp_path, "cu", provinces=[find_province("hunan"), find_province("beijing")])
    assert by_province(library) == {"beijing": ["10.0.0.1"], "hunan": ["10.0.0.2"]}
    assert not caplog.records


def test_all_bad_lines_of_all_files_are_reported_at_once(tmp_path):
    write(
        tmp_path,
        beijing="10.0.0.1\nx\n224.0.0.1\n",
        hebei="10.0.0.1/8\n",
        hunan="10.0.1.1\n",
        exclude="# no\n::1\n",
    )
    with pytest.raises(LibraryError) as failure:
        load(tmp_path, "cu")
    *lines, summary = str(failure.value).split("\n")
    assert [line.rpartition(": ")[0].partition(": did")[0] for line in lines] == [
        f"{tmp_path}/cu/beijing.txt:2: 'x'",
        f"{tmp_path}/cu/beijing.txt:3: '224.0.0.1'",
        f"{tmp_path}/cu/hebei.txt:1: '10.0.0.1/8': the address is not the first of its block",
        f"{tmp_path}/exclude.txt:2: '::1'",
    ]
    assert summary == f"4 bad line(s) in {tmp_path}: mend or delete them"


@pytest.mark.parametrize(
    "name", ["广东.txt", "广东省.txt", "Guangdong.txt", "guangdong.TXT", "GUANGDONG.txt"]
)
def test_a_file_may_have_the_name_of_its_province_in_any_form(tmp_path, name):
    (tmp_path / "cu").mkdir()
    (tmp_path / "cu" / name).write_text("10.0.0.1")
    assert by_province(load(tmp_path, "cu")) == {"guangdong": ["10.0.0.1"]}


def test_two_files_of_one_province_are_an_error(tmp_path):
    write(tmp_path, guangdong="10.0.0.1", 广东省="10.0.0.2")
    with pytest.raises(LibraryError, match=r"guangdong.txt and .*广东省.txt are the same province"):
        load(tmp_path, "cu")


def test_a_slip_in_a_file_name_is_told_with_the_name_that_is_meant(tmp_path):
    write(tmp_path, guandong="10.0.0.1")
    with pytest.raises(LibraryError, match=r"guandong\.txt: .*是不是 guangdong？"):
        load(tmp_path, "cu")


@pytest.mark.parametrize("name", ["guandong.txt", "beijing", "beijing.csv", "粤.txt"])
def test_an_unknown_file_name_is_an_error_that_names_the_file(tmp_path, name):
    write(tmp_path, beijing="10.0.0.1")
    (tmp_path / "cu" / name).write_text("10.0.0.2")
    with pytest.raises(LibraryError, match=rf"{tmp_path}/cu/{name}: not <province>.txt"):
        load(tmp_path, "cu")


def test_a_folder_in_the_place_of_a_file_is_an_error(tmp_path):
    write(tmp_path, beijing="10.0.0.1")
    (tmp_path / "cu/hebei.txt").mkdir()
    with pytest.raises(LibraryError, match=r"hebei.txt: not <province>.txt"):
        load(tmp_path, "cu")


def test_hidden_files_are_left_alone(tmp_path):
    write(tmp_path, beijing="10.0.0.1")
    (tmp_path / "cu/.beijing.txt.swp").write_bytes(b"\0")
    assert load(tmp_path, "cu").targets == 1


def test_the_old_spelling_of_shaanxi_is_read(tmp_path):
    write(tmp_path, shannxi="10.0.0.1", shanxi="10.0.0.2")
    assert by_province(load(tmp_path, "cu")) == {"shanxi": ["10.0.0.2"], "shaanxi": ["10.0.0.1"]}


def test_both_spellings_of_shaanxi_at_once_are_an_error(tmp_path):
    write(tmp_path, shannxi="10.0.0.1", shaanxi="10.0.0.2")
    with pytest.raises(LibraryError, match=r"shaanxi.txt and .*shannxi.txt are the same province"):
        load(tmp_path, "cu")


@pytest.mark.parametrize("files", [{}, {"beijing": "# none\n"}])
def test_a_library_without_targets_is_an_error(tmp_path, files):
    write(tmp_path, exclude="10.0.0.0/8", **files)
    with pytest.raises(LibraryError, match=f"no targets in {tmp_path}/cu"):
        load(tmp_path, "cu")


def test_a_missing_folder_is_an_error_that_names_the_option(tmp_path):
    with pytest.raises(
        LibraryError, match=rf"no address library in {tmp_path}/cu: No such file .*\(--library\)"
    ):
        load(tmp_path, "cu")


# A few small windows of the address space, so that entries overlap and touch its borders.
windows = st.sampled_from(
    [
        int(IPv4Address(a))
        for a in ("1.0.0.0", "10.0.0.0", "127.255.254.0", "223.255.254.0", "240.0.0.0")
    ]
)
addresses = st.builds(lambda base, n: IPv4Address(base + n), windows, st.integers(0, 511))
networks = st.builds(
    lambda a, prefix: IPv4Network((a, prefix), strict=False), addresses, st.integers(24, 32)
)
ranges = st.tuples(windows, st.integers(0, 511), st.integers(0, 511)).map(
    lambda x: (IPv4Address(x[0] + min(x[1:])), IPv4Address(x[0] + max(x[1:])))
)
entry_lists = st.lists(st.one_of(addresses, networks, ranges), max_size=6)


def text_of(entries):
    return "".join(
        f"{entry[0]}-{entry[1]}\n" if isinstance(entry, tuple) else f"{entry}\n"
        for entry in entries
    )


def addresses_of(entries):
    """Every address of the entries, duplicates kept."""
    for entry in entries:
        match entry:
            case IPv4Address():
                yield entry
            case IPv4Network():
                yield from entry
            case first, last:
                for network in summarize_address_range(first, last):
                    yield from network


@given(
    files=st.dictionaries(st.sampled_from([p.slug for p in PROVINCES[:4]]), entry_lists),
    exclude=entry_lists,
)
@example(files={"beijing": [IPv4Network("10.0.0.0/24")]}, exclude=[])
def test_what_is_written_is_read_back_exactly(files, exclude):
    expected, seen, excluded = {}, set(), set(addresses_of(exclude))
    for slug in (p.slug for p in PROVINCES[:4] if p.slug in files):
        listed = set(addresses_of(files[slug])) - seen
        seen |= listed
        if targets := listed - excluded:
            expected[slug] = [str(address) for address in sorted(targets)]
    with tempfile.TemporaryDirectory() as name:
        directory = write(
            Path(name), text_of(exclude), **{slug: text_of(e) for slug, e in files.items()}
        )
        if not expected:
            with pytest.raises(LibraryError, match="excludes all" if seen else "no targets"):
                load(directory, "cu")
            return
        library = load(directory, "cu")
    assert by_province(library) == expected
    assert list(by_province(library)) == list(expected)
    entries = sum(1 for entries in files.values() for _ in addresses_of(entries))
    assert library.duplicates == entries - len(seen)
    assert library.excluded == len(seen & excluded)


def change(file, content):
    """Write it so that the change shows even in a file system with coarse times."""
    before = file.stat().st_mtime_ns if file.exists() else 0
    file.write_text(content)
    os.utime(file, ns=(before + 10**9,) * 2)


def test_an_unchanged_library_is_not_read_again(tmp_path):
    files = LibraryFiles(write(tmp_path, beijing="10.0.0.1"), "cu", PROVINCES)
    assert files.current() is files.current()


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("cu/beijing.txt", "10.0.0.9", {"beijing": ["10.0.0.9"]}),
        ("cu/hebei.txt", "10.0.1.1", {"beijing": ["10.0.0.1", "10.0.0.2"], "hebei": ["10.0.1.1"]}),
        ("exclude.txt", "10.0.0.1", {"beijing": ["10.0.0.2"]}),
    ],
)
def test_a_changed_library_is_read_again(tmp_path, name, content, expected):
    files = LibraryFiles(write(tmp_path, beijing="10.0.0.1\n10.0.0.2"), "cu", PROVINCES)
    change(tmp_path / name, content)
    assert by_province(files.current()) == expected


def test_a_library_whose_file_was_deleted_is_read_again(tmp_path):
    files = LibraryFiles(write(tmp_path, beijing="10.0.0.1", hebei="10.0.0.2"), "cu", PROVINCES)
    (tmp_path / "cu/hebei.txt").unlink()
    assert by_province(files.current()) == {"beijing": ["10.0.0.1"]}


def test_after_a_broken_edit_the_library_stays_as_it_was_until_it_is_mended(tmp_path, caplog):
    files = LibraryFiles(write(tmp_path, beijing="10.0.0.1"), "cu", PROVINCES[:1])
    before = files.current()
    change(tmp_path / "cu/beijing.txt", "10.0.0.x")
    assert files.current() is before
    assert files.current() is before
    [record] = caplog.records  # said once, not with every sweep
    assert record.levelname == "ERROR"
    assert f"{tmp_path}/cu/beijing.txt:1: '10.0.0.x'" in record.getMessage()
    change(tmp_path / "cu/beijing.txt", "10.0.0.7")
    assert by_province(files.current()) == {"beijing": ["10.0.0.7"]}


def replace_unseen(file, content):
    """Put another file in its place that has its size and its time of writing."""
    before, other = file.stat(), file.with_name(".other")
    other.write_text(content)
    os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))
    other.rename(file)
    assert (file.stat().st_size, file.stat().st_mtime_ns) == (before.st_size, before.st_mtime_ns)


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("exclude.txt", "10.0.0.2", ["10.0.0.1", "10.0.0.3"]),
        ("cu/beijing.txt", "10.0.0.1-10.0.0.9", [f"10.0.0.{i}" for i in range(2, 10)]),
    ],
)
def test_a_file_that_was_moved_into_place_is_read_though_size_and_time_are_the_same(
    tmp_path, name, content, expected
):
    directory = write(tmp_path, exclude="10.0.0.1", beijing="10.0.0.1-10.0.0.3")
    files = LibraryFiles(directory, "cu", PROVINCES)
    assert by_province(files.current()) == {"beijing": ["10.0.0.2", "10.0.0.3"]}
    replace_unseen(tmp_path / name, content)
    assert by_province(files.current()) == {"beijing": expected}


def test_a_file_that_was_written_to_is_read_though_size_and_time_are_the_same(tmp_path):
    files = LibraryFiles(
        write(tmp_path, exclude="10.0.0.1", beijing="10.0.0.0/30"), "cu", PROVINCES
    )
    exclude = tmp_path / "exclude.txt"
    before = exclude.stat()
    time.sleep(0.02)  # the kernel's time of the last change has steps of some ms
    exclude.write_text("10.0.0.2")
    os.utime(exclude, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert exclude.stat().st_ino == before.st_ino
    assert by_province(files.current()) == {"beijing": ["10.0.0.0", "10.0.0.1", "10.0.0.3"]}


def make_a_pipe(file):
    file.unlink()
    os.mkfifo(file)


def make_a_loose_link(file):
    file.unlink()
    file.symlink_to(file.with_name("nowhere"))


@pytest.mark.parametrize(
    ("spoil", "complaint"),
    [
        (Path.unlink, "exclude.txt is gone, whose addresses must not be probed"),
        (make_a_pipe, "exclude.txt: it is a pipe"),
        (make_a_loose_link, "exclude.txt: No such file"),
        (lambda file: change(file, "10.0.0.x"), "exclude.txt:1: '10.0.0.x'"),
    ],
    ids=["gone", "pipe", "link", "bad"],
)
def test_while_the_list_of_exclusions_cannot_be_read_the_old_one_holds_and_it_is_said(
    tmp_path, caplog, spoil, complaint
):
    write(tmp_path, exclude="10.0.0.1", beijing="10.0.0.0/30")
    files = LibraryFiles(tmp_path, "cu", PROVINCES[:1])
    before = by_province(files.current())
    spoil(tmp_path / "exclude.txt")
    assert by_province(files.current()) == by_province(files.current()) == before
    [record] = caplog.records
    assert record.levelname == "ERROR"
    assert complaint in record.getMessage()
    change(tmp_path / "cu/beijing.txt", "10.0.0.1")  # what else changes does not let it go, either
    assert by_province(files.current()) == before
    (tmp_path / "exclude.txt").unlink(missing_ok=True)
    (tmp_path / "exclude.txt").write_text("")
    assert by_province(files.current()) == {"beijing": ["10.0.0.1"]}


def test_what_is_excluded_is_left_out_at_once_though_the_library_is_broken(tmp_path, caplog):
    files = LibraryFiles(write(tmp_path, beijing="10.0.0.0/30"), "cu", PROVINCES[:1])
    change(tmp_path / "cu/beijing.txt", "10.0.0.x")
    (tmp_path / "exclude.txt").write_text("10.0.0.1\nof whom?\n10.0.0.2")
    assert by_province(files.current()) == {"beijing": ["10.0.0.0", "10.0.0.3"]}
    (tmp_path / "exclude.txt").write_text("10.0.0.1\n10.0.0.2\n10.0.0.3")
    assert by_province(files.current()) == {"beijing": ["10.0.0.0"]}
    assert "cu/beijing.txt:1: '10.0.0.x'" in caplog.text


def test_when_all_is_excluded_nothing_is_probed_until_that_is_changed(tmp_path):
    files = LibraryFiles(write(tmp_path, beijing="10.0.0.0/30"), "cu", PROVINCES[:1])
    (tmp_path / "exclude.txt").write_text("10.0.0.0/8")
    for _ in range(2):
        with pytest.raises(LibraryError, match=r"exclude\.txt excludes all 4 addresses of cu$"):
            files.current()
    (tmp_path / "exclude.txt").write_text("10.0.0.0/31")
    assert by_province(files.current()) == {"beijing": ["10.0.0.2", "10.0.0.3"]}


def test_a_library_of_which_all_is_excluded_is_told_as_that(tmp_path):
    write(tmp_path, exclude="10.0.0.0/8", beijing="10.0.0.0/30")
    with pytest.raises(LibraryError, match=r"excludes all 4 addresses of cu$"):
        load(tmp_path, "cu")


def test_a_list_of_exclusions_that_appears_is_heeded_at_once_and_may_not_vanish(tmp_path):
    files = LibraryFiles(write(tmp_path, beijing="10.0.0.0/31"), "cu", PROVINCES)
    (tmp_path / "exclude.txt").write_text("10.0.0.1")
    assert by_province(files.current()) == {"beijing": ["10.0.0.0"]}
    (tmp_path / "exclude.txt").unlink()
    assert by_province(files.current()) == {"beijing": ["10.0.0.0"]}


@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        (os.mkfifo, "it is a pipe .* and not a file"),
        (lambda file: file.symlink_to("/dev/zero"), "it is a device and not a file"),
        (Path.mkdir, "it is a folder and not a file"),
        (lambda file: file.touch() or os.truncate(file, 1 << 40), "it has more than 64 MiB"),
    ],
    ids=["pipe", "endless", "folder", "huge"],
)
def test_what_is_no_file_of_exclusions_is_an_error_at_once(tmp_path, make, complaint):
    write(tmp_path, beijing="10.0.0.1")
    make(tmp_path / "exclude.txt")
    with time_limit(5, "reading"), pytest.raises(LibraryError, match=complaint) as failure:
        load(tmp_path, "cu")
    assert "\n" not in str(failure.value)


def test_more_addresses_than_memory_is_meant_for_are_an_error(tmp_path):
    write(tmp_path, beijing="10.0.0.0/8", hebei="11.0.0.0/32")
    with pytest.raises(LibraryError, match=r"names 16,777,217 addresses, and 16,777,216 are the"):
        load(tmp_path, "cu")


def test_200_000_bad_lines_make_20_lines_and_a_count(tmp_path):
    write(tmp_path, beijing="x\n" * 150_000, hebei="224.0.0.1\n" * 50_000)
    with pytest.raises(LibraryError) as failure:
        load(tmp_path, "cu")
    *lines, more, summary = str(failure.value).split("\n")
    assert [line.partition(": ")[0] for line in lines] == [
        f"{tmp_path}/cu/beijing.txt:{number}" for number in range(1, 21)
    ]
    assert more == "… and 199,980 more bad lines"
    assert summary == f"200,000 bad line(s) in {tmp_path}: mend or delete them"


def test_a_library_that_is_broken_from_the_start_is_an_error(tmp_path):
    with pytest.raises(LibraryError, match="1 bad line"):
        LibraryFiles(write(tmp_path, beijing="x"), "cu", PROVINCES)


def test_a_list_of_exclusions_that_cannot_be_read_is_an_error(tmp_path):
    (tmp_path / "cu").mkdir()
    (tmp_path / "cu" / "beijing.txt").write_text("192.0.2.1\n")
    (tmp_path / "exclude.txt").symlink_to(tmp_path / "nowhere")
    with pytest.raises(LibraryError, match=r"cannot read .*exclude\.txt"):
        load(tmp_path, "cu")
