"""Packets of any bytes through the receiver, against a model that looks at one after the other."""

import struct
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from netsky.addresses import AddressLibrary
from netsky.engines.icmp_packet import ECHO_REPLY, IP, RECEIVE_BYTES, EchoRequests
from netsky.engines.icmp_receiver import SLOTS, Receiver
from netsky.engines.libc import Messages
from netsky.places import PROVINCES
from netsky.sweep import ProbePlan
from testing.fuzz.harness import Tally, reading

FIELDS = struct.Struct(">BBHHHQI")  # type, code, checksum, id, seq, cookie, slot


class Feed(Messages):
    """Messages that come from arrays instead of a socket, some at a time.

    What is in a row behind a packet's length is there on purpose: the reader must not look at it.
    """

    def __init__(self, packets: "Packets", portions) -> None:
        super().__init__(SLOTS, RECEIVE_BYTES)
        self._coming = packets
        self._portions = portions
        self._given = 0

    def receive(self, _descriptor: int, first: int) -> int:
        free = SLOTS - first
        assert free > 0
        rest = len(self._coming.lengths) - self._given
        number = min(free, rest, next(self._portions))
        to = slice(first, first + number)
        of = slice(self._given, self._given + number)
        self.packets[to] = self._coming.rows[of]
        self.lengths[to] = self._coming.lengths[of]
        self.addresses["address"][to] = self._coming.sources[of]
        self._controls["seconds"][to] = self._coming.stamps[of] // 1_000_000_000
        self._controls["nanoseconds"][to] = self._coming.stamps[of] % 1_000_000_000
        self._given += number
        return number

    @property
    def empty(self) -> bool:
        return self._given == len(self._coming.lengths)


class SteppedClock:
    """In the place of WallClock: each packet has an offset of its own."""

    stepped_ns = 0

    def __init__(self, packets: "Packets") -> None:
        self._offsets = packets.offsets
        self._given = 0

    def offsets_ns(self, stamps):
        offsets = self._offsets[self._given : self._given + len(stamps)]
        self._given += len(stamps)
        return offsets


class Packets:
    """`rows` is uint8[n, RECEIVE_BYTES]; the rest is one number for each packet."""

    def __init__(self, rows, lengths, sources, stamps, offsets) -> None:
        self.rows = rows
        self.lengths = lengths
        self.sources = sources
        self.stamps = stamps
        self.offsets = offsets

    def tobytes(self) -> bytes:
        parts = (self.rows, self.lengths, self.sources, self.stamps, self.offsets)
        return b"".join(np.ascontiguousarray(part).tobytes() for part in parts)


class Asked:
    """A sweep that packets may be replies to."""

    def __init__(self, addresses, count: int, cookies, *, raw: bool) -> None:
        self.addresses = np.array(addresses, np.uint32)
        self.count = count
        self.cookies = np.array(cookies, np.uint64)
        self.raw = raw

    @property
    def slots(self) -> int:
        return len(self.addresses) * self.count

    def __str__(self) -> str:
        return (
            f"{len(self.addresses)} targets from {self.addresses[0]} on, count {self.count}, "
            f"cookies {self.cookies[:3]}, raw {self.raw}"
        )


class Model:
    def __init__(self, asked: Asked, packets: Packets) -> None:
        self.received = {}
        self.discarded = dict.fromkeys(
            ("malformed", "wrong_cookie", "wrong_source", "duplicate"), 0
        )
        addresses = asked.addresses.tolist()
        everything = packets.rows.tobytes()
        for i, (length, source, time) in enumerate(
            zip(
                packets.lengths.tolist(),
                packets.sources.tolist(),
                (packets.stamps - packets.offsets).tolist(),
                strict=True,
            )
        ):
            packet = everything[i * RECEIVE_BYTES : i * RECEIVE_BYTES + length]
            reason = self._take(asked, addresses, packet, source, time)
            if reason:
                self.discarded[reason] += 1

    def _take(self, asked, addresses, packet, source, time) -> str | None:
        start = 4 * (packet[0] % 16) if asked.raw and packet else 0
        echo = packet[start : start + FIELDS.size]
        if len(echo) < FIELDS.size:
            return "malformed"
        kind, _, _, _, _, cookie, slot = FIELDS.unpack(echo)
        if kind != 0:
            return "malformed"
        if slot >= len(addresses) * asked.count or cookie != asked.cookies[slot // asked.count]:
            return "wrong_cookie"
        if source != addresses[slot // asked.count]:
            return "wrong_source"
        if slot in self.received:
            return "duplicate"
        self.received[slot] = time
        return None


class IcmpFuzzer:
    name = "icmp"
    unit = "packet"

    def __init__(self, folder: Path) -> None:
        pass

    def run(self, rng):
        random = np.random.default_rng(rng.getrandbits(64))
        targets = rng.choice((1, 7, 1000, 20_000, 20_000))
        first = rng.choice((0x01000000, 0xC0000200, 0xDFFF0000 - targets, rng.getrandbits(31) + 1))
        steps = random.integers(1, rng.choice((2, 1000)), targets)
        asked = Asked(
            first + np.cumsum(steps),
            count=rng.choice((1, 1, 2, 3, 100 if targets < 5000 else 5)),
            cookies=make_cookies(rng.choice((0, 1, 2**63, 2**64 - 1, None, None)), targets, random),
            raw=rng.random() < 0.6,
        )
        number = rng.choice((1, 100, SLOTS - 1, SLOTS, SLOTS + 1, 2 * SLOTS, 30_000, 30_000))
        packets, clean = make_packets(asked, random, number)
        return self.check(asked, packets, portions=portions(rng), clean=clean)

    def check(self, asked: Asked, packets: Packets, *, portions, clean=None) -> Tally:
        """Those replies count that the model counts; nothing raises, nothing else is written."""
        with reading(str(asked).encode() + b"\n" + packets.tobytes()):
            receiver = receive(asked, packets, portions)
            model = Model(asked, packets)
            slots = np.flatnonzero(receiver.received_ns)
            read = dict(zip(slots.tolist(), receiver.received_ns[slots].tolist(), strict=True))
            wrong = {s for s in {*read, *model.received} if read.get(s) != model.received.get(s)}
            shown = [(s, read.get(s), model.received.get(s)) for s in sorted(wrong)[:5]]
            assert not wrong, f"{len(wrong)} slots: (slot, read, expected) {shown}"
            assert receiver.discarded == model.discarded, f"not {model.discarded}"
            assert len(receiver.received_ns) == asked.slots
            assert receiver._answered == len(read)
            if clean is not None:  # the model itself could be too strict
                lost = [slot for slot in clean.tolist() if slot not in read]
                assert not lost, f"right replies not counted: slots {lost[:5]}"
        return Tally(len(read), len(packets.lengths) - len(read))


def receive(asked: Asked, packets: Packets, portions) -> Receiver:
    """The receiver, when these packets have come in, in portions of so many."""
    sockets = SimpleNamespace(
        raw=asked.raw,
        receive_buffer=1 << 20,
        capacity=2048,
        receiver=SimpleNamespace(fileno=lambda: -1),
    )
    library = AddressLibrary(
        "cu", PROVINCES[:1], asked.addresses, np.array([0, len(asked.addresses)])
    )
    receiver = Receiver(sockets, library, ProbePlan(count=asked.count), asked.cookies)
    feed = Feed(packets, portions)
    feed.make_ready()
    receiver._messages = feed
    receiver._clock = SteppedClock(packets)
    receiver._stopping.set()
    while not feed.empty:
        receiver._receive_until_stopped()
    return receiver


def make_cookies(first, targets: int, random):
    """Random ones; the first, an edge of what there is, may be those of many."""
    cookies = random.integers(0, 1 << 64, targets, dtype=np.uint64)
    if first is not None:
        cookies[random.random(targets) < 0.5] = first
    return cookies


def portions(rng):
    while True:
        yield rng.choice((1, 100, 1000, SLOTS))


def make_packets(asked: Asked, random, number: int):
    """Replies as the far side makes them of our requests, most of which something befell."""
    slots = random.integers(0, asked.slots, number, dtype=np.uint32)
    requests = EchoRequests(
        number,
        size=int(random.choice([12, 16, 56, 1472])) if number < 1000 else 56,
        ident=int(random.integers(1, 65536)),
        raw=False,
    )
    sources = asked.addresses[slots // asked.count].copy()
    requests.fill(sources, slots, asked.cookies[slots // asked.count])
    requests.packets[:, 0] = ECHO_REPLY
    rows = np.zeros((number, RECEIVE_BYTES), np.uint8)
    lengths = np.zeros(number, np.uint32)
    words = np.zeros(number, np.intp)
    if asked.raw:
        words[:] = np.where(random.random(number) < 0.8, 5, random.integers(5, 16, number))
    for length in np.unique(4 * words).tolist():
        these = np.flatnonzero(4 * words == length)
        room = min(RECEIVE_BYTES - length, requests.packets.shape[1])
        rows[these, :length] = random.integers(0, 256, (len(these), length), dtype=np.uint8)
        rows[these, length : length + room] = requests.packets[these, :room]
        lengths[these] = length + room
    if asked.raw:
        header = rows[:, : IP.itemsize].view(IP)[:, 0]
        header["version_and_words"] = 0x40 + words
        header["source"] = sources
    packets = Packets(
        rows=rows,
        lengths=lengths,
        sources=sources,
        stamps=random.integers(1 << 60, 1 << 61, number),
        offsets=random.choice(np.array([0, 1, 1 << 59, (1 << 60) - 1]), number),
    )
    damaged = random.random(number) < 0.6
    start = 4 * words
    for damage in random.permutation(DAMAGES):
        hit = np.flatnonzero(damaged & (random.random(number) < 0.12))
        damage(asked, packets, start, hit, random)
    # Which were hit by nothing: they must count, or another reply to the same packet did.
    return packets, np.unique(slots[~damaged])


def _flip_a_bit(asked, packets, start, those, random):
    at = random.integers(0, np.maximum(packets.lengths[those], 1))
    packets.rows[those, at] ^= (1 << random.integers(0, 8, len(those))).astype(np.uint8)


def _flip_a_bit_of_the_echo(asked, packets, start, those, random):
    at = start[those] + random.integers(0, FIELDS.size, len(those))
    packets.rows[those, at] ^= (1 << random.integers(0, 8, len(those))).astype(np.uint8)


def _cut_it(asked, packets, start, those, random):
    packets.lengths[those] = random.integers(0, packets.lengths[those] + 1)


def _cut_it_near_its_end(asked, packets, start, those, random):
    packets.lengths[those] = np.minimum(
        start[those] + FIELDS.size + random.integers(-2, 2, len(those)), RECEIVE_BYTES
    )


def _send_it_from_elsewhere(asked, packets, start, those, random):
    kind = random.integers(0, 4, len(those))
    near = (packets.sources[those] + random.choice([-1, 1], len(those))) & 0xFFFFFFFF
    other = random.choice(asked.addresses, len(those))
    any_address = random.integers(0, 1 << 32, len(those))
    swapped = packets.sources[those].byteswap()
    packets.sources[those] = np.choose(kind, [near, other, any_address, swapped])


def _give_it_another_slot(asked, packets, start, those, random):
    last = asked.slots - 1
    choices = np.array([0, last, last + 1, last + 2, 1 << 31, (1 << 32) - 1, len(asked.addresses)])
    slots = np.where(
        random.random(len(those)) < 0.5,
        random.choice(choices, len(those)),
        random.integers(0, last + 2, len(those)),
    )
    _write(packets, start, those, 16, slots.astype(">u4"))


def _give_it_another_cookie(asked, packets, start, those, random):
    cookies = random.integers(0, 1 << 64, len(those), dtype=np.uint64)
    bit = np.uint64(1) << random.integers(0, 64, len(those), dtype=np.uint64)
    another = random.choice(asked.cookies, len(those))
    kind = random.integers(0, 4, len(those))
    chosen = np.choose(kind, [cookies, another, another ^ bit, np.uint64(0)])
    _write(packets, start, those, 8, chosen.astype(">u8"))


def _give_it_another_type(asked, packets, start, those, random):
    packets.rows[those, start[those]] = random.choice([0, 3, 8, 11, 255], len(those))


def _give_it_another_header_length(asked, packets, start, those, random):
    packets.rows[those, 0] = random.integers(0, 256, len(those))


def _make_it_noise(asked, packets, start, those, random):
    packets.rows[those] = random.integers(0, 256, (len(those), RECEIVE_BYTES), dtype=np.uint8)


def _make_it_zeros(asked, packets, start, those, random):
    packets.rows[those] = 0


def _make_it_another(asked, packets, start, those, random):
    packets.rows[those] = packets.rows[random.integers(0, len(packets.rows), len(those))]


def _write(packets, start, those, offset, values):
    size = values.itemsize
    places = (start[those] + offset)[:, np.newaxis] + np.arange(size)
    packets.rows[those[:, np.newaxis], places] = values.view(np.uint8).reshape(-1, size)


DAMAGES = (
    _flip_a_bit,
    _flip_a_bit_of_the_echo,
    _cut_it,
    _cut_it_near_its_end,
    _send_it_from_elsewhere,
    _give_it_another_slot,
    _give_it_another_cookie,
    _give_it_another_type,
    _give_it_another_header_length,
    _make_it_noise,
    _make_it_zeros,
    _make_it_another,
)
