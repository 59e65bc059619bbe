"""Lines of text to intervals of addresses, and the lines that are refused."""

from ipaddress import IPv4Address, IPv4Network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netsky.errors import LibraryError
from netsky.targets import address_text
from netsky.targets.address_text import BadLines, read_intervals
from testing.fuzz.library_fuzzer import lines_of, model_of_line


def read(file, content, *, targets=True):
    """The intervals as (first, last) in text, and the bad lines, of a file with this content."""
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    bad = BadLines()
    intervals = read_intervals(file, bad, targets=targets)
    bounds = zip(intervals.first.tolist(), intervals.last.tolist(), strict=True)
    return [(str(IPv4Address(first)), str(IPv4Address(last))) for first, last in bounds], bad.kept


@pytest.fixture
def file(tmp_path):
    return tmp_path / "beijing.txt"


@pytest.fixture(scope="module")
def reused_file(tmp_path_factory):
    return tmp_path_factory.mktemp("addresses") / "beijing.txt"


@pytest.mark.parametrize(
    ("line", "first", "last"),
    [
        ("192.0.2.1", "192.0.2.1", "192.0.2.1"),
        ("  192.0.2.1\t", "192.0.2.1", "192.0.2.1"),
        ("192.0.2.1#x", "192.0.2.1", "192.0.2.1"),
        ("192.0.2.0/24", "192.0.2.0", "192.0.2.255"),
        ("192.0.2.7/32", "192.0.2.7", "192.0.2.7"),
        ("10.0.0.0/8", "10.0.0.0", "10.255.255.255"),
        ("192.0.2.9-192.0.3.1", "192.0.2.9", "192.0.3.1"),
        ("192.0.2.9 - 192.0.2.9", "192.0.2.9", "192.0.2.9"),
        ("1.0.0.0", "1.0.0.0", "1.0.0.0"),
        ("223.255.255.255", "223.255.255.255", "223.255.255.255"),
        ("240.0.0.0-240.0.0.1", "240.0.0.0", "240.0.0.1"),
        ("255.255.255.254", "255.255.255.254", "255.255.255.254"),
    ],
)
def test_an_address_a_cidr_and_a_range_stand_for_their_addresses(file, line, first, last):
    assert read(file, line) == ([(first, last)], [])


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("beijing", "not an IPv4 address, CIDR or range"),
        ("192.0.2", "not an IPv4 address"),
        ("192.0.2.256", "not an IPv4 address"),
        ("192.0.2.1 192.0.2.9", "is it a range, or are they two addresses?"),
        ("3221225985", "not an IPv4 address"),
        ("192.0.2.1\0", "not an IPv4 address"),
        ("2001:db8::1", "IPv6 is not supported"),
        ("2001:db8::/32", "IPv6 is not supported"),
        ("::ffff:192.0.2.1", "IPv6 is not supported"),
        ("192.0.2.1/24", "did you mean 192.0.2.0/24?"),
        ("192.0.2.0/33", "no prefix length of 0 to 32"),
        ("192.0.2.0/", "no prefix length of 0 to 32"),
        ("192.0.2.0/-1", "no prefix length of 0 to 32"),
        ("192.0.2.0/255.255.0.255", "no prefix length of 0 to 32, and no netmask"),
        ("192.0.2/24", "'192.0.2' is not an IPv4 address"),
        ("192.0.2.2-192.0.2.1", "the range ends before it starts"),
        ("192.0.2.9-2", "the range ends before it starts"),
        ("192.0.2.2-", "'' is not an IPv4 address"),
        ("192.0.2.0/24-192.0.3.0/24", "no prefix length of 0 to 32"),
        ("10.0.0.0/7", "more addresses than a /8"),
        ("10.0.0.0-11.0.0.0", "more addresses than a /8"),
        ("0.0.0.0/0", "more addresses than a /8"),
        ("0.0.0.0", "0.0.0.0/8 is not a target"),
        ("0.255.255.255-1.0.0.0", "0.0.0.0/8 is not a target"),
        ("224.0.0.0/24", "multicast is not a target"),
        ("223.255.255.255-224.0.0.0", "multicast is not a target"),
        ("239.255.255.255", "multicast is not a target"),
        ("255.255.255.255", "broadcast is not a target"),
        ("255.255.255.0/24", "broadcast is not a target"),
    ],
)
def test_a_bad_line_is_named_with_its_number_text_and_reason(file, line, reason):
    _, bad = read(file, f"192.0.2.1\n\n  {line} # why\n192.0.2.2\n")
    assert [(b.file, b.number, b.text) for b in bad] == [(file, 3, f"{line} # why")]
    assert reason in bad[0].reason
    assert str(bad[0]) == f"{file}:3: {f'{line} # why'!r}: {bad[0].reason}"


def test_what_is_no_target_may_still_be_excluded(file):
    lines = "0.0.0.0/8\n224.0.0.0/8\n255.255.255.255\n"
    intervals, bad = read(file, lines, targets=False)
    assert (len(intervals), bad) == (3, [])


@pytest.mark.parametrize(
    "content",
    [
        b"192.0.2.1\n192.0.2.2\n",
        b"192.0.2.1\n192.0.2.2",
        b"192.0.2.1\r\n192.0.2.2\r\n",
        b"\xef\xbb\xbf192.0.2.1\n192.0.2.2\n",
        b"\n# all\n192.0.2.1\n\n   \n\t# of it\n192.0.2.2 # one\n\n",
        "# 北京\n192.0.2.1\n192.0.2.2 # 联通\n".encode("gbk"),
        "\ufeff# 北京\r\n192.0.2.1 # 联通\r\n192.0.2.2".encode(),
        "# 北京\n192.0.2.1\t联通\n192.0.2.2 # \n".encode("gbk"),
        "１９２．０．２．１\n192。0。2。2\n".encode("gbk"),
        "192.0.2.1\t北京\r\n192.0.2.2\r\n".encode("utf-16"),
        "192.0.2.1 # 联通\n192.0.2.2".encode() + b" # \xff\xfe\n",
    ],
)
def test_line_ends_bom_blanks_and_comments_in_any_encoding_do_not_matter(file, content):
    assert read(file, content) == ([("192.0.2.1",) * 2, ("192.0.2.2",) * 2], [])


@pytest.mark.parametrize("content", [b"\xef", b"\xef\xbb", b"\xef\xbb\n"])
def test_half_a_bom_is_a_bad_line(file, content):
    intervals, bad = read(file, content)
    assert intervals == []
    assert [b.number for b in bad] == [1]


@pytest.mark.parametrize("content", ["", "\n", "# nothing\n\n"])
def test_a_file_without_entries_gives_no_interval(file, content):
    assert read(file, content) == ([], [])


@pytest.mark.parametrize("number", [1, 1023, 1024, 1025, 2048, 2049, 3000])
@pytest.mark.parametrize("text", ["x", "224.0.0.1"])
def test_lines_are_counted_right_in_long_files(file, number, text):
    lines = [str(IPv4Address("10.0.0.0") + i) for i in range(3000)]
    expected = [(line, line) for line in lines]
    lines[number - 1] = text
    intervals, bad = read(file, "\n".join(lines))
    assert [(b.number, b.text) for b in bad] == [(number, text)]
    assert [i for i in intervals if i[0] != text] == expected[: number - 1] + expected[number:]


@pytest.mark.parametrize("end", ["", "-1", "/24"])
def test_a_very_long_bad_line_is_shown_in_part(file, end):
    _, bad = read(file, "x" * 10_000 + end)
    assert len(str(bad[0])) < len(str(file)) + 250


def test_a_file_that_cannot_be_read_is_an_error_that_names_it(tmp_path):
    with pytest.raises(LibraryError, match=rf"cannot read {tmp_path}: it is a folder"):
        read_intervals(tmp_path, BadLines(), targets=True)


def test_of_many_bad_lines_the_first_and_their_number_are_kept(file):
    file.write_text("x\n224.0.0.1\n" * 30)
    bad = BadLines()
    read_intervals(file, bad, targets=True)
    assert bad.count == 60
    assert len(bad.kept) == 20
    assert bad.lines() == [*map(str, bad.kept), "… and 40 more bad lines"]


def test_a_file_of_nothing_but_bad_lines_is_not_read_to_its_end(file, monkeypatch):
    monkeypatch.setattr(address_text, "MOST_BAD_LINES", 100)
    file.write_text("x\n" * 101)
    with pytest.raises(LibraryError, match=rf"80 more bad lines\n{file}: not read further"):
        read_intervals(file, BadLines(), targets=True)


def test_a_file_that_is_too_large_is_an_error_that_says_how_large_it_may_be(file, monkeypatch):
    monkeypatch.setattr(address_text, "MOST_BYTES_PER_FILE", 1 << 20)
    file.write_text("192.0.2.1\n" + "#" * (1 << 20))
    with pytest.raises(LibraryError, match=rf"cannot read {file}: it has more than 1 MiB"):
        read_intervals(file, BadLines(), targets=True)


@pytest.mark.parametrize("number", [1, 70_000, 140_001])
def test_lines_are_counted_right_across_the_pieces_of_a_large_file(file, number):
    lines = ["192.0.2.1 # and more"] * 140_001  # nearly 3 MiB
    lines[number - 1] = "x"
    intervals, bad = read(file, "\n".join(lines))
    assert [(b.number, b.text) for b in bad] == [(number, "x")]
    assert len(intervals) == 140_000


def test_expanding_gives_every_address_sorted_with_duplicates(file):
    file.write_text("192.0.2.4/31\n10.0.0.255-10.0.1.1\n192.0.2.5\n")
    addresses = read_intervals(file, BadLines(), targets=True).expand()
    expected = ["10.0.0.255", "10.0.1.0", "10.0.1.1", "192.0.2.4", "192.0.2.5", "192.0.2.5"]
    assert [str(IPv4Address(a)) for a in addresses.tolist()] == expected


# Hypothesis finds no address in arbitrary text: most lines are addresses with something done to them.
addresses = st.ip_addresses(v=4).map(str)
entries = st.one_of(
    addresses,
    st.builds("{}/{}".format, addresses, st.integers(0, 40)),
    st.builds(lambda a, p: str(IPv4Network((a, p), strict=False)), addresses, st.integers(6, 32)),
    st.builds("{}-{}".format, addresses, addresses),
    st.builds(
        lambda a, n: f"{IPv4Address(a)} - {IPv4Address(min(a + n, 2**32 - 1))}",
        st.integers(0, 2**32 - 1),
        st.integers(0, 1 << 25),
    ),
)
noise = st.text(st.sampled_from("0129./-~,;|:# \t\u3000北é\0１－。"), max_size=6)
lines = st.one_of(
    entries,
    st.builds("{}{}{}".format, noise, entries, noise),
    noise,
    st.text(st.characters(exclude_categories=["Cs"]), max_size=30),
)


@given(parts=st.lists(lines, max_size=20), end=st.sampled_from(["\n", "\r\n", "\r"]))
def test_each_line_is_read_as_an_independent_model_does_or_refused(reused_file, parts, end):
    text = end.join(parts)
    intervals, bad = read(reused_file, text, targets=False)
    expected, refused = [], []
    for number, line in enumerate(lines_of(text.encode()), 1):
        entry = model_of_line(line, targets=False)
        if isinstance(entry, str):
            refused.append(number)
        else:
            expected += [(str(IPv4Address(first)), str(IPv4Address(last))) for first, last in entry]
    assert intervals == expected
    assert [b.number for b in bad] == refused


@given(content=st.binary(max_size=200))
def test_arbitrary_bytes_never_do_more_than_make_bad_lines(reused_file, content):
    read(reused_file, content)
