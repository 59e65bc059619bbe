"""Files of an address library, whole and broken, against the module ipaddress and plain sets."""

import re
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

from netsky.errors import LibraryError
from netsky.places import PROVINCES
from netsky.targets.address_text import BadLines, read_intervals
from netsky.targets.library import load
from testing.fuzz.harness import Tally, check_one_line, mutate, reading

TOKENS = [
    *(b"#", b"/", b"-", b" - ", b"/8", b"/7", b"/32", b"/33", b"/024", b"/ 24", b"\xef\xbb\xbf"),
    *(b"0.0.0.0", b"255.255.255.255", b"224.0.0.0", b"239.255.255.255", b"1.0.0.0", b".256", b"01"),
    *(b"::1", b"\n", b"\r\n", b"\r", b"\x0b", b"\x0c", b"\x1c", b"\x85", b"\xc2\x85"),
    *("\u3000".encode(), "\u2028".encode(), "１".encode(), "北京".encode(), "北京".encode("gbk")),
    *(
        b"\0",
        b"\x1b[31m",
        b" ",
        b"\t",
        b",",
        b", ",
        b";",
        b"|",
        b"~",
        b"-9",
        b" x",
        "，北京".encode(),
    ),
    *(
        "－".encode(),
        "。".encode(),
        "．".encode("gbk"),
        b" 255.255.255.0",
        b"/0.0.0.255",
        b"00",
        b":",
    ),
]
OTHER_DIGITS = str.maketrans("0123456789", "０１２３４５６７８９")
EDGES = [0, 0x00FFFFFF, 0x01000000, 0xDFFFFFFF, 0xE0000000, 0xEFFFFFFF, 0xF0000000, 0xFFFFFFFF]
WIDTHS = [0, 1, 2, 255, 65_535, (1 << 24) - 2, (1 << 24) - 1, 1 << 24, (1 << 24) + 1, 1 << 31]
SAMPLES = [
    b"192.0.2.1 # one\n192.0.2.0/24\n\n# all\n198.51.100.7-198.51.100.9\n",
    "\ufeff# 北京\r\n192.0.2.1 # 联通\r\n203.0.113.0 - 203.0.113.255".encode(),
    b"10.0.0.0/8\n172.16.0.0/12\n",
]
MOST_EXPANDED = 20_000
LONGEST_REPORT = 2000  # of a bad line, beside the file's name; escapes are ten times as long


WIDE_SIGNS = {
    **{chr(code + 0xFEE0): chr(code) for code in range(0x21, 0x7F)},
    "\u3000": " ",
    "。": ".",
    "｡": ".",
    "、": ",",
    "\u301c": "~",
    **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2212", "-"),
}
DOTTED = r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}"
ENTRY = rf"{DOTTED}(?:/(?:{DOTTED}|[0-9]{{1,2}})|-(?:{DOTTED}|[0-9]{{1,3}}))?"
SEPARATOR = r"[\s,;|]+"
LINE = re.compile(rf"({ENTRY}(?:{SEPARATOR}{ENTRY})*)(?:{SEPARATOR}([^\W\d_].*))?", re.DOTALL)


def model_of_line(line: str, *, targets: bool) -> list[tuple[int, int]] | str:
    """The intervals of a line, none for an empty one, or what kind of bad line this is."""
    for wide, sign in WIDE_SIGNS.items():
        line = line.replace(wide, sign)
    text = line.partition("#")[0].strip()
    if not text:
        return []
    text = re.sub(r"\s*/\s*", "/", re.sub(r"\s*[-~]+\s*", "-", text))
    text = re.sub(rf"^{SEPARATOR}|{SEPARATOR}$", "", text)
    parsed = LINE.fullmatch(text)
    if parsed is None or re.search(r"[0-9][./][0-9]|::", parsed[2] or ""):
        return "unreadable"
    try:
        intervals = [*intervals_of_entries(re.split(SEPARATOR, parsed[1]))]
    except ValueError:
        return "unreadable"
    if not all(0 <= last - first < 1 << 24 for first, last in intervals):
        return "unreadable"
    if targets:
        for first, last in intervals:
            low, high = first >> 24, last >> 24  # no line is longer than a /8: the ends tell all
            if low == 0 or 224 <= low <= 239 or 224 <= high <= 239 or last == 2**32 - 1:
                return "no target"
    return intervals


def intervals_of_entries(entries: list[str]) -> Iterator[tuple[int, int]]:
    """First and last address of each; ValueError when one is wrong, or all could mean two things."""
    plain = [bool(re.fullmatch(DOTTED, entry)) for entry in entries]
    masks = [p and is_mask(unpadded(entry)) for p, entry in zip(plain, entries, strict=True)]
    if len(entries) == 2 and masks[1]:
        entries = ["/".join(entries)]
    elif (len(entries) > 1 and any(masks)) or (
        plain == [True, True] and abs(int(unpadded(entries[0])) - int(unpadded(entries[1]))) > 1
    ):
        raise ValueError
    for entry in entries:
        start, sign, end = re.fullmatch(rf"({DOTTED})(.?)(.*)", entry).groups()
        if sign == "/":
            mask = str(unpadded(end)) if "." in end else end
            if "." in end and not is_mask(unpadded(end)):
                raise ValueError
            network = IPv4Network(f"{unpadded(start)}/{mask}")
            yield int(network.network_address), int(network.broadcast_address)
        else:
            last = end if "." in end else ".".join([*start.split(".")[:3], end])
            yield int(unpadded(start)), int(unpadded(last if sign else start))


def is_mask(address: IPv4Address) -> bool:
    bits = f"{int(address):032b}"
    return bool(re.fullmatch("1{8}1*0*|0{8}0*1+", bits))


def unpadded(text: str) -> IPv4Address:
    decimal = IPv4Address(".".join(str(int(part)) for part in text.split(".")))
    try:
        parts = [int(part, 8 if part[0] == "0" else 10) for part in text.split(".")]
    except ValueError:  # no octal number
        return decimal
    if parts != [*decimal.packed]:
        raise ValueError
    return decimal


def lines_of(content: bytes) -> list[str]:
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        text = content.decode("utf-16", errors="backslashreplace")
    else:
        try:
            text = content.decode("utf-8")
        except ValueError:
            try:
                text = content.decode("gb18030")
            except ValueError:
                text = content.decode(errors="backslashreplace")
    return re.split(r"\r\n|\r|\n", text.removeprefix("\ufeff"))


class LibraryFuzzer:
    name = "library"
    unit = "line with an entry"

    def __init__(self, folder: Path) -> None:
        self._directory = folder
        (folder / "cu").mkdir()
        self._file = folder / "cu/beijing.txt"

    def run(self, rng):
        tally = Tally()
        while tally.inputs < 2000:
            if rng.random() < 0.15:
                tally.add(self.check_library(*small_library(rng)))
            else:
                tally.add(self.check_file(content_of_file(rng), targets=rng.random() < 0.8))
        return tally

    def check_file(self, content: bytes, *, targets: bool) -> Tally:
        """What the reader makes of a file is what the standard library makes of each of its lines."""
        with reading(content):
            self._file.write_bytes(content)
            bad = BadLines(most_kept=len(content))
            intervals = read_intervals(self._file, bad, targets=targets)
            expected, refused = [], {}
            for number, line in enumerate(lines_of(content), 1):
                found = model_of_line(line, targets=targets)
                if isinstance(found, str):
                    refused[number] = found, line
                    if found == "no target":  # the reader leaves it to its caller to stop
                        expected += model_of_line(line, targets=False)
                else:
                    expected += found
            read = [*zip(intervals.first.tolist(), intervals.last.tolist(), strict=True)]
            assert read == expected, f"{read} instead of {expected}"
            numbers = [b.number for b in bad.kept]
            assert sorted(numbers) == [*refused], f"bad lines {numbers}, not {[*refused]}"
            for b in bad.kept:
                kind, line = refused[b.number]
                assert b.file == self._file
                assert b.text == line.strip(), b
                assert ("is not a target" in b.reason) == (kind == "no target"), b
                check_one_line(str(b))
                assert len(str(b)) < len(str(self._file)) + LONGEST_REPORT, str(b)
            total = sum(last - first + 1 for first, last in expected)
            if total <= MOST_EXPANDED:
                every = sorted(a for first, last in expected for a in range(first, last + 1))
                assert intervals.expand().tolist() == every
            return Tally(sum(last >= first for first, last in read), len(refused))

    def check_library(self, files: dict[str, bytes], exclude: bytes | None) -> Tally:
        """An ISP's library is its files' sets, first come first served, or a list of all bad lines."""
        sample = b"".join(b"==> %s\n%s\n" % (n.encode(), c) for n, c in files.items())
        sample += b"" if exclude is None else b"==> exclude\n" + exclude
        with reading(sample):
            for file in (self._directory / "cu").iterdir():
                file.unlink()
            (self._directory / "exclude.txt").unlink(missing_ok=True)
            named = []
            for slug, content in files.items():
                file = self._directory / f"cu/{slug}.txt"
                file.write_bytes(content)
                named.append((file, content, True))
            if exclude is not None:
                file = self._directory / "exclude.txt"
                file.write_bytes(exclude)
                named.append((file, exclude, False))
            bad, sets, entries = [], [], 0
            for file, content, targets in named:
                addresses = []
                for number, line in enumerate(lines_of(content), 1):
                    found = model_of_line(line, targets=targets)
                    if isinstance(found, str):
                        bad.append(f"{file}:{number}: ")
                        continue
                    for first, last in found:
                        entries += 1
                        if last - first > MOST_EXPANDED:
                            return Tally()  # too much for sets
                        addresses += range(first, last + 1)
                sets.append(addresses)
            excluded = set(sets.pop()) if exclude is not None else set()
            self._compare(files, bad, sets, excluded)
            return Tally(entries, len(bad))

    def _compare(self, files, bad, sets, excluded):
        try:
            library = load(self._directory, "cu")
        except LibraryError as error:
            *lines, summary = str(error).split("\n")
            if not bad:
                there = set().union(*sets)
                said = f"excludes all {len(there):,} addresses" if there else "no targets in"
                assert said in summary, summary
                assert there <= excluded, "there are targets"
                return
            # The order within a file is the reader's own affair.
            told = [where for where in bad if sum(map(where.__eq__, map(where_of, lines))) == 1]
            most = min(len(bad), BadLines().most_kept)
            assert len(told) == most, f"{lines} instead of {bad}"
            assert len(lines) == most + (len(bad) > most), f"{lines} instead of {bad}"
            assert summary.startswith(f"{len(bad)} bad line(s) in "), summary
            return
        assert not bad, f"taken in spite of {bad}"
        seen, provinces = set(), {}
        for slug, addresses in sorted(
            zip(files, sets, strict=True), key=lambda pair: ORDER.index(pair[0])
        ):
            own = set(addresses) - seen
            seen |= own
            if own - excluded:
                provinces[slug] = sorted(own - excluded)
        dropped = sum(map(len, sets)) - len(seen)
        read = {
            province.slug: library.addresses[library.slice_of(i)].tolist()
            for i, province in enumerate(library.provinces)
        }
        assert read == provinces, f"{read} instead of {provinces}"
        assert [*read] == [*provinces]
        assert library.targets == sum(map(len, provinces.values()))
        assert (library.duplicates, library.excluded) == (dropped, len(seen & excluded))


def where_of(line: str) -> str:
    """File and number of a bad line that was told."""
    return re.match(r"(.*?:\d+: )?", line)[0]


ORDER = [province.slug for province in PROVINCES]


def text(address: int) -> bytes:
    address &= 0xFFFFFFFF
    return b"%d.%d.%d.%d" % (address >> 24, address >> 16 & 255, address >> 8 & 255, address & 255)


def entry_of(rng, address: int, width: int) -> bytes:
    kind = rng.randrange(8)
    if kind < 3:
        return text(address)
    if kind == 3:
        bits = rng.randrange(33)
        spelling = rng.choice((b"%d", b"%d", b"%02d", b"%03d", b"+%d", b" %d", b"-%d"))
        prefix = spelling % rng.randrange(41)
        if rng.random() < 0.1:
            prefix = prefix.decode().translate(OTHER_DIGITS).encode()
        return text(address >> bits << bits) + b"/" + prefix
    if kind == 4:
        bits = min(32, width.bit_length())
        return b"%s/%d" % (text(address >> bits << bits), 32 - bits)
    if kind == 5 and rng.random() < 0.2:
        return text(address + width) + b"-" + text(address)
    end = min(address + width, 2**32 - 1)
    if kind == 6 and rng.random() < 0.5:
        return other_form(rng, address, end)
    return text(address) + rng.choice((b"-", b" - ", b"-\t", b"~", "－".encode())) + text(end)


def other_form(rng, address: int, end: int) -> bytes:
    """What people write instead, which the reader takes or refuses."""
    first, last = text(address), text(end)
    padded = b".".join(b"%03d" % int(part) for part in first.split(b"."))
    mask = text(0xFFFFFFFF << rng.randrange(34) ^ rng.choice((0, 0, 0xFFFFFFFF, 1)))
    forms = (
        *(first + b" " + last, first + b"," + last, first + b"-" + last.split(b".")[-1], padded),
        *(first + b"\t" + "广东 联通".encode(), first + b"," + last + b",10.0.0.1"),
        *(first + b" " + mask, first + b"/" + mask, padded + b"-" + last),
        first.decode().translate(OTHER_DIGITS).encode(),
    )
    return rng.choice(forms)


def any_line(rng) -> bytes:
    chance = rng.random()
    if chance < 0.05:
        return rng.choice((b"", b"# none", b"   ", "# 北京".encode("gbk"), b"\t#"))
    if chance < 0.4:
        address = max(0, rng.choice(EDGES) + rng.randrange(-2, 3))
    else:
        address = rng.getrandbits(32)
    line = entry_of(rng, address, rng.choice(WIDTHS) if chance < 0.7 else rng.randrange(1 << 16))
    if rng.random() < 0.2:
        line = rng.choice((b" ", b"\t", b"")) + line + rng.choice((b" # x", b"#1.2.3.4", b"  "))
    if rng.random() < 0.4:
        line = mutate(rng, line, TOKENS, SAMPLES)
        if rng.random() < 0.002:
            line *= 200
    return line


def content_of_file(rng) -> bytes:
    if rng.random() < 0.002:
        return rng.choice((b"", b"\n", b"\xef", b"\xef\xbb", b"\xef\xbb\xbf", b"\xef\xbb\n"))
    if rng.random() < 0.01:  # long files are read in blocks, in two ways
        start = rng.randrange(0x01000000, 0xDFFF0000)
        lines = [text(start + i) for i in range(rng.choice((1023, 1024, 1025, 2048, 2100)))]
        for _ in range(rng.randrange(3)):
            lines[rng.choice((0, 1022, -1, rng.randrange(len(lines))))] = any_line(rng)
    else:
        lines = [any_line(rng) for _ in range(rng.randrange(1, 30))]
    end = rng.choice((b"\n", b"\n", b"\r\n", b"\r"))
    content = end.join(lines)
    if rng.random() < 0.1:
        content = b"\xef\xbb\xbf" + content
    return content + rng.choice((b"", end))


def small_library(rng) -> tuple[dict[str, bytes], bytes | None]:
    """Files of addresses so near to each other that they overlap."""
    wrong = rng.random() < 0.4

    def content():
        lines = [
            entry_of(rng, 0x0A000000 + rng.randrange(40), rng.randrange(9))
            for _ in range(rng.randrange(8))
        ]
        if wrong and lines and rng.random() < 0.5:
            at = rng.randrange(len(lines))
            lines[at] = mutate(rng, lines[at], TOKENS, SAMPLES)
        if not wrong:
            lines = [
                line
                for line in lines
                if not isinstance(model_of_line(line.decode(), targets=True), str)
            ]
        return b"\n".join(lines)

    slugs = rng.sample(ORDER, rng.randrange(1, 4))
    files = {slug: content() for slug in sorted(slugs)}
    if rng.random() < 0.5:
        return files, None
    no_target = rng.choice((b"", b"0.0.0.1", b"224.0.0.0/28", b"255.255.255.255"))
    return files, content() + b"\n" + no_target
