"""What fping prints, taken apart: held against captured output, and against anything at all."""

from dataclasses import dataclass
from ipaddress import IPv4Address

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from netsky.engines.fping_output import (
    TOO_LARGE,
    UNSENT,
    Results,
    parse_results,
    parse_version,
    without_packets,
)
from testing import ROOT

CAPTURED = ROOT / "tests/data/fping"
NAN = float("nan")


def targets(*addresses):
    return np.array([int(IPv4Address(a)) for a in addresses], np.uint32)


def captured(name):
    """Real output; the lines with `#` tell how it was captured."""
    lines = (CAPTURED / name).read_bytes().splitlines(keepends=True)
    return b"".join(line for line in lines if not line.startswith(b"#"))


def milliseconds(results):
    return [
        [pytest.approx(1000 * v, rel=1e-6, nan_ok=True) for v in row]
        for row in results.rtt_seconds.tolist()
    ]


def test_results_come_in_the_order_of_the_targets_and_not_of_the_output():
    results = parse_results(
        captured("all_replied.txt"),
        targets("127.0.0.1", "127.0.0.2", "127.0.10.20", "127.100.200.210"),
        count=3,
    )
    assert milliseconds(results) == [
        [0.032, 0.041, 0.049],
        [0.004, 0.004, 0.015],
        [0.005, 0.005, 0.014],
        [0.005, 0.005, 0.013],
    ]
    assert results.rtt_seconds.dtype == np.float32
    assert results.unmeasured == {}
    assert (results.wrong_source, results.icmp_errors, results.unknown) == (0, 0, ())


def test_lost_packets_are_nan():
    results = parse_results(
        captured("partly_lost.txt"),
        targets("127.0.0.1", "127.0.0.2", "127.0.0.3", "127.0.10.20"),
        count=3,
    )
    assert milliseconds(results) == [
        [0.006, 0.016, 0.004],
        [0.004, 0.004, 0.004],
        [NAN, NAN, NAN],
        [0.028, NAN, 0.049],
    ]
    assert (results.unmeasured, results.unknown) == ({}, ())


def test_replies_from_another_address_are_counted_and_no_result():
    results = parse_results(
        captured("wrong_source.txt"), targets("0.0.0.0", "127.0.0.1", "127.0.0.9"), count=2
    )
    assert milliseconds(results) == [[NAN, NAN], [0.005, 0.003], [NAN, NAN]]
    assert (results.wrong_source, results.unmeasured, results.unknown) == (4, {}, ())


def test_icmp_errors_of_routers_are_counted_and_no_result():
    results = parse_results(
        captured("icmp_errors.txt"),
        targets("10.99.0.1", "10.99.1.1", "10.99.2.1", "10.99.3.1"),
        count=2,
    )
    assert (results.unmeasured, results.icmp_errors, results.unknown) == ({}, 2, ())
    assert milliseconds(results) == [[0.045, 0.050], *[[NAN, NAN]] * 3]


def unmeasured(results):
    return {reason: places.tolist() for reason, places in results.unmeasured.items()}


@pytest.mark.parametrize(
    ("name", "asked", "count", "places"),
    [
        ("no_route.txt", ["127.0.0.1", "192.0.2.1", "192.0.2.2"], 2, {UNSENT: [1, 2]}),
        ("firewall.txt", ["127.0.0.1", "127.0.0.3", "127.0.0.5"], 3, {UNSENT: [1, 2]}),
        ("too_large.txt", ["10.99.0.1", "10.99.4.1"], 2, {TOO_LARGE: [1]}),
    ],
)
def test_what_this_host_could_not_send_is_not_measured(name, asked, count, places):
    results = parse_results(captured(name), targets(*asked), count)
    assert unmeasured(results) == places
    assert not np.isnan(results.rtt_seconds[0]).any()
    assert results.unknown == ()


def test_an_icmp_error_changes_nothing_for_a_target_that_answers():
    error = b"ICMP Unreachable (Fragmentation Needed) from 1.2.3.4 for ICMP Echo sent to 10.0.0.1\n"
    results = parse_results(error + b"10.0.0.1 : 1.5\n", targets("10.0.0.1"), count=1)
    assert (unmeasured(results), results.icmp_errors) == ({}, 1)


def test_fping_out_of_sequence_numbers_gives_no_result_and_its_own_words():
    many = np.arange(0x7F100000, 0x7F100000 + 70_000, dtype=np.uint32)
    with pytest.raises(
        ValueError, match="0 results for 70000 targets and says 'fping error: not enough seq"
    ):
        parse_results(captured("too_many_packets.txt"), many, count=1)


def test_a_packet_whose_timeout_is_told_is_lost_and_the_others_were_not_sent():
    timeouts = b"".join(b"10.0.0.%d : [1], timed out (NaN avg, 100%% loss)\n" % i for i in (1, 2))
    output = timeouts + b"10.0.0.1 : 1.5 -\n10.0.0.2 : - -\n"
    results = parse_results(output, targets("10.0.0.1", "10.0.0.2"), count=2)
    assert unmeasured(results) == {UNSENT: [1]}


def test_lines_of_replies_are_taken_out_and_no_others():
    output = captured("partly_lost.txt")
    kept = [line for line in output.splitlines(keepends=True) if b" bytes, " not in line]
    assert without_packets(output) == b"".join(kept)


def test_lines_that_are_not_understood_are_kept():
    output = b"10.0.0.1: error while sending ping: No buffer space\n\xff?\n\n10.0.0.1 : 1.5\n"
    results = parse_results(output, targets("10.0.0.1"), count=1)
    assert milliseconds(results) == [[1.5]]
    assert results.unknown == ("10.0.0.1: error while sending ping: No buffer space", "\\xff?")


@pytest.mark.parametrize(
    ("output", "message"),
    [
        (b"", "0 results for 2 targets"),
        (b"10.0.0.1 : 1.5\n", "1 results for 2 targets"),
        (b"10.0.0.1 : 1.5\n10.0.0.2 : 1.", "says '10.0.0.2 : 1.'"),
        (b"10.0.0.1 : 1.5\n10.0.0.2 : 1.5\n10.0.0.3 : -\n", "3 results for 2 targets"),
        (b"10.0.0.1 : 1.5\n10.0.0.3 : -\n", "other targets"),
        (b"10.0.0.1 : 1.5\n10.0.0.1 : -\n", "other targets"),
        (b"10.0.0.1 : 1.5\n10.0.0.2 :\n", "1 results for 2 targets"),
        (b"10.0.0.1 : 1.5\n10.0.0.2 : xmt/rcv/%loss = 1/0/100%\n", "1 results for 2 targets"),
        (b"10.0.0.1 : 1.5\n10.0.0.2 : x 1.5\n", "1 results for 2 targets"),
        (b"10.0.0.1 : 1.5\n10.0.0.256 : 1.5\n", "a result for '10.0.0.256'"),
        (b"10.0.0.1 : 1.5\nbeijing : 1.5\n", "1 results for 2 targets and says 'beijing : 1.5'"),
    ],
)
def test_anything_but_one_result_for_each_target_is_refused(output, message):
    with pytest.raises(ValueError) as refusal:
        parse_results(output, targets("10.0.0.1", "10.0.0.2"), count=1)
    assert message in str(refusal.value)


@pytest.mark.parametrize("rest", [b"", b" -", b" - -", b" - - -"])
def test_fewer_packets_than_asked_are_refused(rest):
    output = b"10.0.0.1 : 1.5\n10.0.0.2 : 1.5" + rest + b"\n"
    with pytest.raises(ValueError):
        parse_results(output, targets("10.0.0.1", "10.0.0.2"), count=2)


def test_nothing_for_no_target_is_a_result():
    assert parse_results(b"", targets(), count=3).rtt_seconds.shape == (0, 3)


addresses = st.integers(0, 2**32 - 1)
text = st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]), max_size=40)


def as_fping_prints(nanoseconds):
    """`sprint_tm` of fping 5.1; None is a lost packet."""
    if nanoseconds is None:
        return "-"
    t = nanoseconds / 1e6
    for limit, spec in ((1, ".3f"), (10, ".2f"), (100, ".1f"), (1_000_000, ".0f")):
        if t < limit:
            return format(t, spec)
    return format(t, ".3e")


@dataclass
class Output:
    """Lines of fping in any order, and what is to be read from them."""

    lines: list[str]
    result_lines: list[str]
    count: int
    targets: list[int]
    milliseconds: list[list[float]]
    unsent: list[int]
    wrong_source: int
    icmp_errors: int
    unknown: set[str]

    def parse(self):
        output = "".join(f"{line}\n" for line in self.lines).encode()
        return parse_results(output, np.array(self.targets, np.uint32), self.count)


hosts = addresses.map(IPv4Address)
icmp_error_lines = st.builds(
    "ICMP {} from {} for ICMP Echo sent to {}".format,
    st.sampled_from(["Host Unreachable", "Unreachable (Invalid Code)", "30"]),
    hosts,
    hosts,
)
FATES = ["replied", "lost", "not sent", "wrong source"]


@dataclass
class Packet:
    """What becomes of a packet, as it is printed at once and in the end."""

    fate: str
    time: str

    @property
    def in_result(self):
        return "-" if self.fate in ("lost", "not sent") else self.time

    def line(self, host, number):
        """None when nothing is printed at once."""
        if self.fate == "not sent":
            return None
        if self.fate == "lost":
            return f"{host} : [{number}], timed out (NaN avg, 100% loss)"
        source = " [<- 192.0.2.7]" if self.fate == "wrong source" else ""
        return f"{source}{host} : [{number}], 64 bytes, {self.time} ms ({self.time} avg, 0% loss)"


packets = st.builds(
    Packet,
    st.sampled_from(FATES),
    st.one_of(st.integers(0, 10**10), st.just(10**13)).map(as_fping_prints),
)


@st.composite
def outputs(draw):
    count = draw(st.integers(1, 3))
    sent = draw(
        st.dictionaries(addresses, st.lists(packets, min_size=count, max_size=count), max_size=6)
    )
    names = {address: f"{IPv4Address(address)!s:<15}" for address in sent}
    result_lines = [f"{names[a]} : {' '.join(p.in_result for p in sent[a])}" for a in sent]
    packet_lines = [p.line(names[a], n) for a in sent for n, p in enumerate(sent[a])]
    icmp_errors = draw(st.lists(icmp_error_lines, max_size=3))
    unknown = draw(st.lists(text.map("fping: {}".format), max_size=3))
    lines = [*result_lines, *filter(None, packet_lines), *icmp_errors, *unknown]
    rows = [sent[address] for address in sorted(sent)]
    return Output(
        lines=draw(st.permutations(lines)),
        result_lines=result_lines,
        count=count,
        targets=sorted(sent),
        milliseconds=[[float(p.time) if p.fate == "replied" else NAN for p in row] for row in rows],
        unsent=[place for place, row in enumerate(rows) if any(p.fate == "not sent" for p in row)],
        wrong_source=sum(p.fate == "wrong source" for row in rows for p in row),
        icmp_errors=len(icmp_errors),
        unknown=set(unknown),
    )


@given(outputs())
def test_results_among_other_lines_are_read_back_exactly(output):
    results = output.parse()
    expected = np.array(output.milliseconds, np.float32).reshape(-1, output.count)
    np.testing.assert_array_equal(results.rtt_seconds, expected / np.float32(1000))
    assert unmeasured(results) == ({UNSENT: output.unsent} if output.unsent else {})
    assert results.wrong_source == output.wrong_source
    assert results.icmp_errors == output.icmp_errors
    assert set(results.unknown) == output.unknown


@given(outputs().filter(lambda output: output.result_lines), st.data())
def test_a_missing_or_cut_result_line_is_refused(output, data):
    line = data.draw(st.sampled_from(output.result_lines))
    output.lines.remove(line)
    output.lines.append(line[: data.draw(st.integers(0, line.index(":") + 1))])
    with pytest.raises(ValueError, match="results for"):
        output.parse()


# Near enough to real lines that they are often taken for results.
fragments = st.sampled_from(
    [
        b"10.0.0.1",
        b"10.0.0.2",
        b" : ",
        b" :",
        b" -",
        b" 0.03",
        b" 12",
        b" 1.00e+06",
        b"\n",
        b"\r",
        b" ",
        b".",
        b"\xff",
        b"ICMP ",
        b"[0], ",
        b" [<- 10.0.0.2]",
        b"64 bytes, 1.5 ms (1.5 avg, 0% loss)",
        b"timed out (NaN avg, 100% loss)",
    ]
)


@given(
    output=st.one_of(st.binary(), st.lists(fragments, max_size=20).map(b"".join)),
    asked=st.sets(st.sampled_from(["10.0.0.1", "10.0.0.2"])).map(sorted),
    count=st.integers(1, 2),
)
def test_any_bytes_give_results_for_exactly_the_targets_or_are_refused(output, asked, count):
    try:
        results = parse_results(output, targets(*asked), count)
    except ValueError:
        return
    assert isinstance(results, Results)
    assert results.rtt_seconds.shape == (len(asked), count)
    assert not np.any(results.rtt_seconds < 0)
    assert all(address.encode() in output for address in asked)


@pytest.mark.parametrize(
    ("output", "version"),
    [
        (b"fping: Version 5.1\nfping: comments to david@schweikert.ch\n", (5, 1)),
        (b"/usr/bin/fping: Version 4.0\n", (4, 0)),
        (b"fping: Version 5.10-rc1\n", (5, 10)),
    ],
)
def test_the_version_is_read(output, version):
    assert parse_version(output) == version


@pytest.mark.parametrize("output", [b"", b"BusyBox v1.36", b"Version x.y", b"\xff\xfe"])
def test_output_without_a_version_is_refused(output):
    with pytest.raises(ValueError, match="no version in"):
        parse_version(output)


def test_columns_beyond_the_packets_asked_for_are_ignored():
    asked = ["10.99.0.1", "10.99.0.2", "10.99.0.3", "10.99.0.5"]
    # fping prints one more now and then, for a reply that comes together with its timeout.
    output = captured("late_replies.txt").replace(b": 299 - 297", b": 299 - 297 -")
    results = parse_results(output, targets(*asked), count=3)
    assert milliseconds(results) == [
        [NAN, NAN, NAN],
        [NAN, 297, NAN],
        [297, 297, NAN],
        [299, NAN, 297],
    ]
    assert results.unmeasured == {}
