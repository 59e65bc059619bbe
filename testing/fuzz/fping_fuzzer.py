"""What fping prints, whole and broken, against a parser without regular expressions or numpy."""

import math
import re
from ipaddress import IPv4Address
from pathlib import Path

import numpy as np

from netsky.engines.fping_output import TOO_LARGE, UNSENT, parse_results
from testing import ROOT
from testing.fuzz.harness import Tally, check_one_line, mutate, reading

DATA = ROOT / "tests" / "data" / "fping"
CAPTURED = [  # the lines with # tell how
    re.sub(rb"(?m)^#.*\n", b"", file.read_bytes()) for file in sorted(DATA.glob("*.txt"))
]
TOKENS = [
    *(b" : ", b" :", b": ", b" -", b" - -", b" 0.031", b" 12", b" 1.00e+06", b"\n", b"\r\n", b"\r"),
    *(b"10.0.0.1", b"10.0.0.2", b"10.0.0.256", b"127.0.0.1", b" nan", b" inf", b" -1", b" 1e5"),
    *(b" 12345678", b" 1.2345", b"e+09", b"e-03", b" : [0], ", b"ICMP ", b"\0", b"\x0c"),
    *(b" [<- 10.0.0.9]", b"64 bytes, 1.5 ms (1.5 avg, 0% loss)", b"timed out (NaN avg, 100% loss)"),
    *(b"Unreachable (Fragmentation Needed)", b"127.0.0.5", b"], ", b" loss)", b" return)"),
    *(b" for ICMP Echo sent to ", b" from ", b"xmt/rcv/%loss", "１".encode(), b"\x1b[31m", b"."),
]
DIGITS = b"0123456789"
TIME = DIGITS + b".e+"


def model_of_milliseconds(token: bytes) -> float | None:
    """The figure, NaN when lost, None when it is none that fping prints."""
    if token == b"-":
        return math.nan
    mantissa, e, exponent = token.partition(b"e")
    if e and not (len(exponent) == 3 and exponent[:2] == b"+0" and exponent[2] in DIGITS):
        return None
    whole, dot, fraction = mantissa.partition(b".")
    if not 1 <= len(whole) <= 7 or (dot and not 1 <= len(fraction) <= 3):
        return None
    if any(byte not in DIGITS for byte in whole + fraction):
        return None
    return float(token)


def model_of_result(line: bytes) -> tuple[bytes, list[float]] | None:
    """The address and the milliseconds of a line that is a result."""
    name, colon, rest = line.partition(b":")
    address = name.rstrip(b" ")
    parts = address.split(b".")
    if not colon or name == address or len(parts) != 4:
        return None
    if any(not part or any(byte not in DIGITS for byte in part) for part in parts):
        return None
    before, *tokens = rest.split(b" ")
    figures = [model_of_milliseconds(token) for token in tokens]
    return None if before or not figures or None in figures else (address, figures)


def is_icmp_error(line: bytes) -> bool:
    head, middle, to = line.rpartition(b" for ICMP Echo sent to ")
    what, _, source = head.rpartition(b" from ")
    words = all(word and not any(c in b" \t\n\r\x0b\x0c" for c in word) for word in (source, to))
    return bool(middle) and words and what.startswith(b"ICMP ") and len(what) > len(b"ICMP ")


def model_of_packet(line: bytes) -> tuple[str, bytes, int] | None:
    """What has become of which packet of which host, from its line."""
    before, bracket, rest = line.partition(b"]") if line[:5] == b" [<- " else (b"", b"", line)
    name, middle, rest = rest.partition(b" : [")
    number, end, what = rest.partition(b"], ")
    host = name.rstrip(b" ")
    fine = middle and end and len(number) <= 5 and of(DIGITS, number) and of(DIGITS + b".", host)
    if not fine or (bracket and not of(DIGITS + b".", before[5:])):
        return None
    what, middle, rest = what.partition(b" (")
    average, end, share = rest.partition(b" avg, ")
    percent, percent_sign, kind = share.partition(b"%")
    fine = middle and end and percent_sign and kind in (b" loss)", b" return)")
    if not fine or not of(DIGITS, percent):
        return None
    if what == b"timed out":
        blank = not average or any(c in b" \t\n\r\x0b\x0c" for c in average)
        return None if blank or bracket else ("lost", host, int(number))
    size, is_reply, time = what.partition(b" bytes, ")
    figures = of(TIME, time.removesuffix(b" ms")) and of(TIME, average) and of(DIGITS, size)
    if not (is_reply and time.endswith(b" ms") and figures):
        return None
    return ("wrong source" if bracket else "replied", host, int(number))


def of(alphabet: bytes, word: bytes) -> bool:
    """Whether it is a word of these characters only."""
    return word != b"" and all(byte in alphabet for byte in word)


def lines_of(output: bytes) -> list[bytes]:
    return output.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")


class Model:
    """An output line by line; `refused` when it is not one result for each target."""

    def __init__(self, output: bytes, targets: list[int], count: int) -> None:
        self.icmp_errors = 0
        self.unknown = []
        self.packets: dict[str, set[tuple[bytes, int]]] = {"lost": set(), "wrong source": set()}
        self.too_large: set[bytes] = set()
        names: dict[int, bytes] = {}
        self.figures: dict[int, list[float]] = {}
        self.refused = False
        for line in lines_of(output):
            result = model_of_result(line)
            if result is not None:
                address, figures = result
                try:
                    key = int(IPv4Address(address.decode()))
                except ValueError:
                    key = -1
                self.refused |= key not in targets or key in self.figures or len(figures) < count
                self.figures[key] = figures[:count]
                names[key] = address
            elif (packet := model_of_packet(line)) is not None:
                self.packets.setdefault(packet[0], set()).add(packet[1:])
            elif is_icmp_error(line):
                self.icmp_errors += 1
                if b"Fragmentation Needed" in line.rpartition(b" for ICMP Echo sent to ")[0]:
                    self.too_large.add(line.rpartition(b" ")[2])
            elif line.strip():
                self.unknown.append(line.decode(errors="backslashreplace"))
        self.refused |= len(self.figures) != len(targets)
        self.unmeasured: dict[str, list[int]] = {}
        self.wrong_source = 0
        if not self.refused:
            self._judge(targets, names)

    def _judge(self, targets: list[int], names: dict[int, bytes]) -> None:
        """Which packets count, and which targets were not measured."""
        for place, target in enumerate(targets):
            figures, name = self.figures[target], names[target]
            silent = [number for number, figure in enumerate(figures) if math.isnan(figure)]
            if any((name, number) not in self.packets["lost"] for number in silent):
                self.unmeasured.setdefault(UNSENT, []).append(place)
            for number in range(len(figures)):
                if (name, number) in self.packets["wrong source"]:
                    figures[number] = math.nan
                    self.wrong_source += 1
            if name in self.too_large and any(map(math.isnan, figures)):
                self.unmeasured.setdefault(TOO_LARGE, []).append(place)


class FpingFuzzer:
    name = "fping"
    unit = "output of one process"

    def __init__(self, folder: Path) -> None:
        pass

    def run(self, rng):
        tally = Tally()
        while tally.inputs < 1000:
            printed = Printed(rng)
            tally.add(self.check_printed(printed))
            samples = [printed.output, *CAPTURED]
            for _ in range(4):
                output = printed.output if rng.random() < 0.9 else rng.choice(CAPTURED)
                output = mutate(rng, output, TOKENS, samples)
                tally.add(self.check(output, printed.targets, printed.count))
        return tally

    def check_printed(self, printed: "Printed") -> Tally:
        """The figures are those that fping measured, as exactly as it prints them."""
        with reading(printed.output):
            results = parse_results(printed.output, as_targets(printed.targets), printed.count)
            measured = [printed.measured[address] for address in printed.targets]
            for read, row in zip(results.rtt_seconds.tolist(), measured, strict=True):
                for seconds, nanoseconds in zip(read, row, strict=True):
                    if nanoseconds is None:
                        assert math.isnan(seconds), f"{seconds} for a lost packet"
                    else:
                        error = abs(seconds - nanoseconds / 1e9)
                        assert error <= exactness(nanoseconds), f"{seconds} for {nanoseconds} ns"
            unsent = {UNSENT: printed.unsent} if printed.unsent else {}
            assert as_lists(results.unmeasured) == unsent
            assert results.wrong_source == printed.wrong_source
            assert results.icmp_errors == printed.icmp_errors
            assert [*results.unknown] == printed.unknown
        return Tally(accepted=1)

    def check(self, output: bytes, targets: list[int], count: int) -> Tally:
        """Any bytes give exactly what a plain reading of each line gives, or are refused."""
        with reading(b"# %d packet(s) to %s\n%s" % (count, str(targets).encode(), output)):
            model, refusal = Model(output, targets, count), None
            try:
                results = parse_results(output, as_targets(targets), count)
            except ValueError as error:
                refusal = error
            if refusal is not None:
                assert type(refusal) is ValueError, repr(refusal)
                check_one_line(str(refusal))
                assert "fping gives" in str(refusal), str(refusal)
                assert model.refused, f"refused without need: {refusal}"
                return Tally(rejected=1)
            assert not model.refused, "taken, though not one result for each target"
            read = results.rtt_seconds
            assert read.shape == (len(targets), count)
            expected = np.array([model.figures[a] for a in targets], np.float32).reshape(-1, count)
            np.testing.assert_array_equal(read, expected / np.float32(1000))
            assert not np.any((read < 0) | np.isinf(read))
            assert as_lists(results.unmeasured) == model.unmeasured
            assert results.wrong_source == model.wrong_source
            assert results.icmp_errors == model.icmp_errors
            assert [*results.unknown] == model.unknown
        return Tally(accepted=1)


def as_lists(unmeasured) -> dict[str, list[int]]:
    return {reason: places.tolist() for reason, places in unmeasured.items()}


def as_targets(addresses: list[int]):
    return np.array(addresses, np.uint32)


def exactness(nanoseconds: int) -> float:
    """Half of the last digit that fping prints, and the rounding of float32, in seconds."""
    milliseconds = nanoseconds / 1e6
    steps = ((1, 1e-3), (10, 1e-2), (100, 1e-1), (1e6, 1))
    step = next((step for limit, step in steps if milliseconds < limit), milliseconds / 1000)
    return (0.5001 * step + 1e-6 * milliseconds) / 1000


def as_fping_prints(nanoseconds: int | None) -> bytes:
    """`sprint_tm` of fping 5.1; None is a lost packet."""
    if nanoseconds is None:
        return b"-"
    t = nanoseconds / 1e6
    steps = ((1, b"%.3f"), (10, b"%.2f"), (100, b"%.1f"), (1e6, b"%.0f"))
    return next((form for limit, form in steps if t < limit), b"%.3e") % t


def dotted(address: int) -> bytes:
    return b"%d.%d.%d.%d" % tuple(address.to_bytes(4, "big"))


class Printed:
    """What an fping measured, and the output that tells of it among other lines."""

    def __init__(self, rng) -> None:
        self.count = rng.randrange(1, 5)
        near = rng.random() < 0.7
        self.targets = sorted(
            {
                0x0A000000 + rng.randrange(1, 9) if near else rng.getrandbits(32)
                for _ in range(rng.randrange(7))
            }
        )
        self.measured = {
            address: [
                None if rng.random() < 0.2 else int(10 ** rng.uniform(0, 13))
                for _ in range(self.count)
            ]
            for address in self.targets
        }
        self.wrong_source = self.icmp_errors = 0
        self.unsent = []
        self.unknown = []
        width = rng.choice((0, 8, 15))
        lines = []
        for place, (address, times) in enumerate(self.measured.items()):
            name = dotted(address).ljust(width)
            extra = b" -" if rng.random() < 0.05 else b""  # a column too many for a late reply
            lines.append(name + b" : " + b" ".join(map(as_fping_prints, times)) + extra)
            for number, time in enumerate(times):
                line = self._packet_line(rng, name, number, time)
                lines.append(line)
                if line.startswith(b" ["):
                    times[number] = None
                if not line and place not in self.unsent:
                    self.unsent.append(place)
        rng.shuffle(lines)
        if rng.random() < 0.5:
            for _ in range(rng.randrange(4)):
                lines.insert(rng.randrange(len(lines) + 1), self._remark(rng))
        self.unknown = [line.decode() for line in lines if line.startswith(b"fping: ")]
        self.output = b"".join(line + b"\n" for line in lines)

    def _packet_line(self, rng, name: bytes, number: int, time: int | None) -> bytes:
        """What is printed when its reply or timeout comes; nothing for one that was not sent."""
        if time is None:
            line = b"%s : [%d], timed out (NaN avg, 100%% loss)" % (name, number)
            return line if rng.random() < 0.9 else b""
        shown = as_fping_prints(time)
        line = b"%s : [%d], 64 bytes, %s ms (%s avg, 0%% loss)" % (name, number, shown, shown)
        if rng.random() < 0.9:
            return line
        self.wrong_source += 1
        return b" [<- %s]" % dotted(rng.getrandbits(32)) + line

    def _remark(self, rng) -> bytes:
        host = dotted(rng.choice(self.targets)) if self.targets else b"10.0.0.1"
        router = dotted(rng.getrandbits(32))
        kind = rng.randrange(4)
        if kind == 0:
            self.icmp_errors += 1
            what = rng.choice((b"Host Unreachable", b"Unreachable (Invalid Code)", b"30"))
            return b"ICMP %s from %s for ICMP Echo sent to %s" % (what, router, host)
        if kind == 1:
            return b"fping: can't send to %s: No buffer space available" % host
        if kind == 2:
            return b"fping: %s : %s" % (host, as_fping_prints(rng.randrange(10**9)))
        return b" " * rng.randrange(3)
