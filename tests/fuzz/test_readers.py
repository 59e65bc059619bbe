"""The four readers of what others write, fuzzed for a moment; `run.py` does it for long.

A batch that fails is made again by its number, a hypothesis test by itself: seeds are fixed.
"""

import logging
import random
import struct
from dataclasses import replace
from itertools import repeat

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from netsky.engines import icmp_receiver
from netsky.engines.icmp_packet import RECEIVE_BYTES
from netsky.errors import InputError
from testing.fuzz import config_fuzzer, fping_fuzzer, library_fuzzer
from testing.fuzz.config_fuzzer import ConfigFuzzer
from testing.fuzz.fping_fuzzer import CAPTURED, FpingFuzzer
from testing.fuzz.harness import Finding, mutate, run_batch, scratch_folder
from testing.fuzz.icmp_fuzzer import Asked, IcmpFuzzer, Packets
from testing.fuzz.library_fuzzer import LibraryFuzzer

same_each_time = settings(derandomize=True, database=None, max_examples=150)


@pytest.fixture(scope="module")
def fuzzers():
    kinds = (LibraryFuzzer, FpingFuzzer, IcmpFuzzer, ConfigFuzzer)
    with scratch_folder() as folder:
        for kind in kinds:
            (folder / kind.name).mkdir()
        logging.disable()  # a warning for each province without targets
        yield {kind.name: kind(folder / kind.name) for kind in kinds}
        logging.disable(logging.NOTSET)


@pytest.mark.parametrize(
    ("name", "batch"),
    [
        (name, batch)
        for name, batches in {"library": 30, "fping": 15, "icmp": 30, "config": 10}.items()
        for batch in range(batches)
    ],
)
def test_a_reader_does_as_its_model_with_whole_and_broken_inputs(fuzzers, name, batch):
    tally = run_batch(fuzzers[name], batch)
    assert tally.inputs > 0


@pytest.mark.parametrize("name", ["library", "fping", "icmp", "config"])
def test_both_good_and_bad_inputs_are_made(fuzzers, name):
    tallies = [run_batch(fuzzers[name], batch) for batch in range(3)]
    accepted = sum(tally.accepted for tally in tallies)
    inputs = sum(tally.inputs for tally in tallies)
    assert 0.1 < accepted / inputs < 0.9


@same_each_time
@given(
    content=st.binary(max_size=300) | st.text(max_size=100).map(str.encode), targets=st.booleans()
)
def test_any_bytes_are_lines_of_a_library_or_bad_lines(fuzzers, content, targets):
    fuzzers["library"].check_file(content, targets=targets)


@same_each_time
@given(st.data())
def test_any_change_of_captured_output_of_fping_is_read_right_or_refused(fuzzers, data):
    output = data.draw(st.sampled_from(CAPTURED))
    at, end = sorted(data.draw(st.tuples(*repeat(st.integers(0, len(output)), 2))))
    targets = [address for address in map(address_of, output.splitlines()) if address]
    changed = output[:at] + data.draw(st.binary(max_size=10)) + output[end:]
    fuzzers["fping"].check(changed, sorted({*targets}), data.draw(st.integers(1, 3)))


def address_of(line):
    result = fping_fuzzer.model_of_result(line)
    return result and int.from_bytes(bytes(map(int, result[0].split(b"."))), "big")


@st.composite
def packets(draw):
    """A few packets: of any bytes, or replies with a few fields that may be wrong."""
    replies = st.builds(
        lambda header, kind, cookie, slot, rest: (
            bytes([0x40 + len(header) // 4])
            + header[1:]
            + struct.pack(">BBHHHQI", kind, 0, 0, 7, slot & 0xFFFF, cookie, slot)
            + rest
        ),
        st.sampled_from([bytes(20), bytes(24), bytes(60)]),
        st.sampled_from([0, 0, 0, 8]),
        st.sampled_from([5, 5, 5, 4]),
        st.sampled_from([0, 1, 2, 3, 4, 5, 6, 2**32 - 1]),
        st.binary(max_size=3),
    )
    return draw(
        st.lists(
            st.tuples(
                st.binary(max_size=RECEIVE_BYTES) | replies,
                st.sampled_from([0x0A000001, 0x0A000002, 0x0A000003, 0]),
                st.integers(1, 2**62),
            ),
            min_size=1,
            max_size=8,
        )
    )


@same_each_time
@given(taken=packets(), raw=st.booleans(), portion=st.integers(1, 8))
def test_of_any_packets_only_own_replies_from_the_right_source_count(fuzzers, taken, raw, portion):
    rows = np.zeros((len(taken), RECEIVE_BYTES), np.uint8)
    for row, (packet, _, _) in zip(rows, taken, strict=True):
        row[: len(packet)] = np.frombuffer(packet[:RECEIVE_BYTES], np.uint8)
    received = Packets(
        rows=rows,
        lengths=np.array([min(len(packet), RECEIVE_BYTES) for packet, _, _ in taken], np.uint32),
        sources=np.array([source for _, source, _ in taken], np.uint32),
        stamps=np.array([stamp for _, _, stamp in taken]),
        offsets=np.zeros(len(taken), np.int64),
    )
    asked = Asked([0x0A000001, 0x0A000002, 0x0A000003], count=2, cookies=[5, 5, 4], raw=raw)
    fuzzers["icmp"].check(asked, received, portions=repeat(portion))


@same_each_time
@given(st.text(max_size=60).map(str.encode) | st.binary(max_size=60))
@example(b"x = " + b"[" * 5000)
@example(b"[probe]\nrate." + b"a." * 1500 + b"a = 1")
@example(b"[probe]\nrate = " + b"9" * 5000)
@example(b"[egress.a]\nfwmark = 0x" + b"f" * 4000)
@example(b"[probe]\nwindow = " + b"9" * 400)
@example(b'textfile = "\\u0000"')
@example(b'"a\\nb" = 1')
def test_any_bytes_are_settings_or_refused_in_one_line_with_file_and_key(fuzzers, content):
    fuzzers["config"].check(content, full=True)


def test_batches_are_the_same_each_time():
    one, other = random.Random("library 7"), random.Random("library 7")
    assert library_fuzzer.content_of_file(one) == library_fuzzer.content_of_file(other)
    samples = [b"a b c", b"1.2.3.4"]
    assert [mutate(one, b"abc", samples, samples) for _ in range(99)] == [
        mutate(other, b"abc", samples, samples) for _ in range(99)
    ]


def find(fuzzer):
    with pytest.raises(Finding) as finding:
        run_batch(fuzzer, 0)
    assert finding.value.sample
    return str(finding.value)


def test_a_swallowed_line_of_a_library_would_be_found(fuzzers, monkeypatch):
    def swallow(file, bad, *, targets):
        intervals = read_intervals(file, bad, targets=targets)
        del bad.kept[-1:]
        return intervals

    read_intervals = library_fuzzer.read_intervals
    monkeypatch.setattr(library_fuzzer, "read_intervals", swallow)
    assert "bad lines" in find(fuzzers["library"])


def test_a_shifted_figure_of_fping_would_be_found(fuzzers, monkeypatch):
    def shift(output, targets, count):
        results = parse_results(output, targets, count)
        return replace(results, rtt_seconds=np.roll(results.rtt_seconds, 1, axis=1))

    parse_results = fping_fuzzer.parse_results
    monkeypatch.setattr(fping_fuzzer, "parse_results", shift)
    assert " ns\n" in find(fuzzers["fping"])


def test_a_cookie_that_is_not_looked_at_would_be_found(fuzzers, monkeypatch):
    def any_cookie(packets, lengths, *, raw):
        replies = parse_replies(packets, lengths, raw=raw)
        return replace(replies, cookie=np.full(len(packets), 7, np.uint64))

    parse_replies = icmp_receiver.parse_replies
    monkeypatch.setattr(icmp_receiver, "parse_replies", any_cookie)
    assert "slots: (slot, read, expected)" in find(fuzzers["icmp"])


def test_an_unknown_key_that_is_taken_would_be_found(fuzzers, monkeypatch):
    def lenient(context, settings):
        try:
            return default_map(context, settings)
        except InputError as error:
            if "not a known key" in str(error):
                return {}
            raise

    default_map = config_fuzzer._default_map
    monkeypatch.setattr(config_fuzzer, "_default_map", lenient)
    assert "in spite of" in find(fuzzers["config"])
