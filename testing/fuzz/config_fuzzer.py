"""Documents in the place of netsky.toml, through the reader and the options of all three tools.

The model is a second reading of the same rules, from the document as tomllib gives it: what is at
fault in it, by name. A document is taken when nothing is, else refused with one of those names.
"""

import datetime as dt
import json
import math
import re
import tomllib
from pathlib import Path

import click

from netsky.cli.config import CommonOption, _default_map
from netsky.cli.settings import read
from netsky.errors import InputError
from netsky.places import BUILTIN_ISPS, ISP, Egress
from netsky_alert import main as netsky_alert
from netsky_get_avg_lossrate import main as netsky_get_avg_lossrate
from netsky_probe import main as netsky_probe
from testing import ROOT
from testing.fuzz.harness import Tally, check_one_line, mutate, reading

SECTIONS = {"probe": netsky_probe, "avg_lossrate": netsky_get_avg_lossrate, "alert": netsky_alert}
TABLES = (*SECTIONS, "library", "egress", "isp")
DEEPEST = 8
FULL_EVERY = 100  # one of so many documents goes through the whole command line, which is slow

TOKENS = [
    *(b"=", b".", b",", b"'", b'"', b"'''", b'"""', b"[", b"]", b"[[", b"]]", b"{", b"}", b"#"),
    *(b"\n", b"\r\n", b"\r", b"\\n", b"\\u0000", b"\\u001b[31m", b"\\u2028", b"\0", b"\x1b"),
    *(b"true", b"false", b"nan", b"inf", b"-inf", b"0", b"-1", b"1e999", b"0x", b"_", b"\xff"),
    *(b"1979-05-27", b"07:32:00", b"1979-05-27T07:32:00Z", b"0x7fffffffffffffff", b"9" * 20),
    *(b"[probe]\n", b"[alert]\n", b"[egress.a]\n", b"[isp.edu]\n", b"a.b.c.d.e.f.g.h.i.j"),
    *(b"rate", b"window = 1\n", b"no_push", b"fwmark", b"source", b"interface", b"name", b"isp"),
    *(b"9" * 400, b"9" * 4400, b"0x" + b"f" * 4000, b"all", "北京".encode(), "北京".encode("gbk")),
    *(b"\xef\xbb\xbf", "\u2028".encode(), b"\xc2\x85"),
]
ENORMOUS = [
    *(b"x = " + b"[" * 2000, b"x = " + b"{x = " * 1500, b"[probe]\nrate" + b".a" * 300 + b" = 1"),
    *(b"[egress.a]\nfwmark = 0x" + b"f" * 4000, b"[probe]\nwindow = " + b"9" * 400),
]


def options_of(tool: click.Command) -> dict[str, click.Option]:
    return {option.name: option for option in tool.params if not option.is_eager}


OPTIONS = {section: options_of(tool) for section, tool in SECTIONS.items()}
COMMON = {
    section: {
        name: option
        for name, option in options.items()
        if isinstance(option, CommonOption) and name not in ("isp", "egress")
    }
    for section, options in OPTIONS.items()
}


def escaped(key: str) -> str:
    return repr(key)[1:-1]


def odd_values(value, where: str, depth: int):
    """Names of what no person writes: characters that do not print, numbers beyond 64 bits, depth."""
    if depth > DEEPEST:
        yield "nested too deep"
    elif isinstance(value, dict):
        for key, entry in value.items():
            if not key.isprintable():
                yield escaped(key)
            yield from odd_values(entry, f"{where}.{key}" if where else key, depth + 1)
    elif isinstance(value, list):
        for entry in value:
            yield from odd_values(entry, where, depth + 1)
    elif isinstance(value, str):
        if any(ord(c) < 32 or 127 <= ord(c) < 160 or c in "\u2028\u2029" for c in value):
            yield where
    elif type(value) is int and not -(2**63) <= value < 2**63:
        yield where


def faults_of_file(document: dict):
    """What is at fault in the file for any tool, by the name that the message must have in it."""
    odd = [*odd_values(document, "", 0)]
    if odd:
        return odd
    faults = [name for name in TABLES if not isinstance(document.get(name, {}), dict)]
    if faults:
        return faults
    for name, egress in document.get("egress", {}).items():
        proper = all(c.isalnum() or c in "_-." for c in name) and name[:1].isalnum()
        if not proper or len(name) > 40 or name == "all":
            faults.append(f"[egress.{name}]")
        faults += [f"egress.{name}{key}" for key in faults_of_egress(egress)]
    for slug, isp in document.get("isp", {}).items():
        if not re.fullmatch("[a-z][a-z0-9]*", slug) or len(slug) > 7 or slug == "all":
            faults.append(f"[isp.{slug}]")
        if not isinstance(isp, dict):
            faults.append(f"'isp.{slug}'")
        else:
            types = {"name": str, "in_all": bool}
            faults += [f"isp.{slug}.{k}" for k, v in isp.items() if type(v) is not types.get(k)]
    return faults


def faults_of_egress(egress):
    if not isinstance(egress, dict):
        yield "'"
        return
    for key, value in egress.items():
        if key == "source":
            numbers = value.split(".") if type(value) is str else []
            fine = len(numbers) == 4 and all(
                n.isascii() and n.isdigit() and str(int(n)) == n and int(n) < 256 for n in numbers
            )
        elif key == "interface":
            fine = type(value) is str and 1 <= len(value.encode()) <= 15
        elif key == "fwmark":
            fine = type(value) is int and 1 <= value <= 0xFFFFFFFF
        else:
            fine = key == "in_all" and type(value) is bool
        if not fine:
            yield f".{key}"


def fits(option: click.Option, value) -> bool:
    if option.is_flag:
        return type(value) is bool
    if option.multiple:
        return type(value) is list and all(type(entry) is str for entry in value)
    kind = option.type
    if isinstance(kind, click.IntRange | click.FloatRange):
        types = (int,) if isinstance(kind, click.IntRange) else (int, float)
        low = -math.inf if kind.min is None else kind.min
        high = math.inf if kind.max is None else kind.max
        return type(value) in types and math.isfinite(value) and low <= value <= high
    if type(value) is not str:
        return False
    return value in kind.choices if isinstance(kind, click.Choice) else True


def faults_for_tool(section: str, document: dict):
    top = {key: value for key, value in document.items() if key not in TABLES}
    for prefix, options, values in (
        ("", COMMON[section], top),
        (f"{section}.", OPTIONS[section], document.get(section, {})),
    ):
        for key, value in values.items():
            if key not in options or not fits(options[key], value):
                yield f": {prefix}{key}"


def defaults_for_tool(section: str, document: dict) -> dict:
    top = {key: value for key, value in document.items() if key not in TABLES}
    return top | document.get(section, {})


def same(one, other) -> bool:
    """Equal, of equal types, NaN being NaN."""
    return repr(one) == repr(other)


class ConfigFuzzer:
    name = "config"
    unit = "document, for the three tools"

    def __init__(self, folder: Path) -> None:
        self._file = folder / "netsky.toml"
        self._contexts = {
            s: click.Context(tool, info_name=tool.name) for s, tool in SECTIONS.items()
        }

    def run(self, rng):
        tally = Tally()
        for number in range(500):
            document = make_document(rng)
            kind = rng.random()
            full = number % FULL_EVERY == 0
            if kind < 0.25:
                tally.add(self.check_valid(document, render(rng, document), full=full))
                continue
            if kind < 0.6:
                spoil(rng, document)
            content = render(rng, document).encode()
            if kind >= 0.995:
                content += b"\n" + rng.choice(ENORMOUS)
            elif kind >= 0.6:
                content = mutate(rng, content, TOKENS, SAMPLES)
            tally.add(self.check(content, full=full))
        return tally

    def check_valid(self, document: dict, text: str, *, full: bool) -> Tally:
        """A document without fault is read as what it was written from."""
        with reading(text.encode()):
            self._file.write_text(text, encoding="utf-8")
            self._check_settings(read(self._file), document)
            for section in SECTIONS:
                self._check_tool(section, document, faults=[], full=full)
        return Tally(accepted=1)

    def check(self, content: bytes, *, full: bool) -> Tally:
        """Any bytes are refused with the name of a fault, or there is none."""
        with reading(content):
            self._file.write_bytes(content)
            try:
                document = tomllib.loads(content.decode("utf-8-sig"))
            except (ValueError, RecursionError):
                document, faults = {}, [f"{self._file} is not valid TOML: "]
            else:
                faults = faults_of_file(document)
            try:
                settings = read(self._file)
            except InputError as error:
                self._check_message(error, faults)
                return Tally(rejected=1)
            assert not faults, f"taken in spite of {faults}"
            self._check_settings(settings, document)
            rejected = False
            for section in SECTIONS:
                faults = [*faults_for_tool(section, document)]
                self._check_tool(section, document, faults=faults, full=full)
                rejected |= bool(faults)
        return Tally(int(not rejected), int(rejected))

    def _check_message(self, error: InputError, faults: list[str]) -> None:
        message = str(error)
        check_one_line(message)
        assert type(error) is InputError, repr(error)
        assert message.startswith(str(self._file)), message
        assert faults, f"refused without need: {message}"
        assert any(fault in message for fault in faults), f"{message}: none of {faults}"

    def _check_settings(self, settings, document) -> None:
        assert settings.file == self._file
        top = {key: value for key, value in document.items() if key not in TABLES}
        assert same(settings.options, top), f"{settings.options} instead of {top}"
        own = {section: document.get(section, {}) for section in SECTIONS}
        assert same({s: settings.tool_options[s] for s in SECTIONS}, own), settings.tool_options
        egresses = {n: Egress(n, **e) for n, e in document.get("egress", {}).items()}
        assert settings.egresses == egresses, f"{settings.egresses} instead of {egresses}"
        isps = {}
        for slug, entries in document.get("isp", {}).items():
            usual = BUILTIN_ISPS.get(slug, ISP(slug, slug))
            in_all = entries.get("in_all", usual.in_all)
            isps[slug] = ISP(slug, entries.get("name", usual.name), in_all)
        assert settings.isps == isps, f"{settings.isps} instead of {isps}"

    def _check_tool(self, section: str, document: dict, *, faults: list[str], full: bool) -> None:
        expected = defaults_for_tool(section, document)
        try:
            defaults = _default_map(self._contexts[section], read_again(self._file, document))
        except InputError as error:
            self._check_message(error, faults)
        else:
            assert not faults, f"{section} takes it in spite of {faults}"
            assert same(defaults, expected), f"{defaults} instead of {expected}"
        if full:
            self._check_command_line(section, expected, faults)

    def _check_command_line(self, section: str, expected: dict, faults: list[str]) -> None:
        """The whole way, as the tool itself goes it: what click makes of the defaults."""
        tool = SECTIONS[section]
        arguments = ["--config", str(self._file), *([] if "isp" in expected else ["--isp", "cu"])]
        try:
            context = tool.make_context(tool.name, arguments, auto_envvar_prefix=None)
        except InputError as error:
            self._check_message(error, faults)
            return
        with context:
            assert not faults, f"{section} starts in spite of {faults}"
            for key, value in expected.items():
                got = context.params[key]
                if isinstance(got, Path):
                    assert got == Path(value), f"{key} is {got!r} and not {value!r}"
                else:
                    wanted = tuple(value) if isinstance(value, list) else value
                    assert got == wanted, f"{key} is {got!r} and not {value!r}"


def read_again(file: Path, document: dict):
    """The settings as `read` gives them, which was checked before: parsing takes the most time."""
    from netsky.cli.settings import Settings

    return Settings(
        file=file,
        options={key: value for key, value in document.items() if key not in TABLES},
        tool_options={section: document.get(section, {}) for section in SECTIONS},
    )


def make_document(rng) -> dict:
    """A document without fault."""
    document = {}
    for name in rng.sample([*COMMON["probe"]], rng.choice((0, 0, 1, 2, 5))):
        document[name] = proper_value(rng, COMMON["probe"][name])
    for section in rng.sample([*SECTIONS], rng.choice((0, 1, 1, 3))):
        options = OPTIONS[section]
        names = rng.sample([*options], rng.choice((0, 1, 2, 4)))
        document[section] = {name: proper_value(rng, options[name]) for name in names}
    if rng.random() < 0.3:
        document["egress"] = {
            rng.choice(EGRESSES): {
                key: value
                for key, value in (
                    ("source", f"192.0.2.{rng.randrange(256)}"),
                    ("interface", rng.choice(("eth1", "x" * 15, "网卡", "lo"))),
                    ("fwmark", rng.choice((1, 0x65, 2**32 - 1, rng.randrange(1, 2**32)))),
                    ("in_all", rng.random() < 0.5),
                )
                if rng.random() < 0.5
            }
            for _ in range(rng.randrange(3))
        }
    if rng.random() < 0.2:
        document["isp"] = {
            rng.choice(("edu", "x1", "abcdefg", "cm", "demo")): (
                {"name": rng.choice(("教育网", "", 'a "b"'))} if rng.random() < 0.7 else {}
            )
            | ({"in_all": rng.random() < 0.5} if rng.random() < 0.3 else {})
        }
    return document


EGRESSES = ("unicom-1", "联通-1", "a", "default", "x.y", "1_2", "a" * 40)
STRINGS = (
    "",
    "x",
    "sqlite:///x.db",
    "教育网",
    'a "b" \\ c',
    "'",
    "a=b#c",
    "/tmp/{isp}.prom",
    "é\u3000",
)


def proper_value(rng, option):
    if option.is_flag:
        return rng.random() < 0.5
    if option.multiple:
        return [rng.choice(("hunan", "广东", "x")) for _ in range(rng.randrange(3))]
    kind = option.type
    if isinstance(kind, click.IntRange | click.FloatRange):
        low = kind.min
        high = kind.max if kind.max is not None else rng.choice((low + 1, 2**31, 2**53))
        if isinstance(kind, click.IntRange):
            return rng.choice((low, high, rng.randint(low, high)))
        return rng.choice((low, high, rng.uniform(low, high), math.ceil(low)))
    if isinstance(kind, click.Choice):
        return rng.choice(kind.choices)
    return rng.choice(STRINGS[1:])  # click has an own mind of what an empty one is


def any_value(rng, depth=0):  # noqa: PLR0911 - one for each kind
    kind = rng.randrange(9 if depth < 3 else 6)
    if kind == 0:
        return rng.choice(
            (0, 1, -1, 7, 2**31, 2**32, 2**63 - 1, 2**63, -(2**63), 10**20, 10**400, 16**5000)
        )
    if kind == 1:
        return rng.choice((0.0, -0.5, 0.1, 1e-9, 1e308, math.nan, math.inf, -math.inf, 5.0))
    if kind == 2:
        return rng.random() < 0.5
    if kind == 3:
        return rng.choice((*STRINGS, "json", "192.0.2.1", "192.0.2.01", "::1", "x" * 16, "网" * 6))
    if kind == 4:
        return rng.choice(("a\nb", "\0", "\x1b[31mred", "a\x7f", "\x85", "a\u2028b", "\r", "\t"))
    if kind == 5:
        return rng.choice((dt.date(1979, 5, 27), dt.time(7, 32)))
    if kind == 6:
        return [any_value(rng, depth + 1) for _ in range(rng.randrange(4))]
    if kind == 7:
        return {any_key(rng): any_value(rng, depth + 1) for _ in range(rng.randrange(3))}
    deep = 1
    for _ in range(rng.choice((4, 7, 8, 9, 30))):
        deep = {"a": deep} if rng.random() < 0.5 else [deep]
    return deep


def any_key(rng) -> str:
    return rng.choice(
        (
            *("rate", "window", "isp", "egress", "name", "source", "fwmark", "speed", "no-push"),
            *("", "a b", "北京", "x" * 41, "Edu", "all", ".x", "../x"),
            *("a\nb", "\x1b[31m", "\0", "a\u2028b", "a\x7f"),
            *TABLES,
            *OPTIONS["probe"],
            "config",
            "version",
        )
    )


def spoil(rng, document) -> None:
    """Put something anywhere, most often something wrong."""
    if rng.random() < 0.3:
        table, key, value = rng.choice(SLIPS)
        document.setdefault(table, {})[key] = value
        return
    table = document
    for _ in range(rng.randrange(3)):
        inner = [value for value in table.values() if isinstance(value, dict)]
        if not inner:
            break
        table = rng.choice(inner)
    key = rng.choice([*table]) if table and rng.random() < 0.5 else any_key(rng)
    table[key] = any_value(rng)


SLIPS = [
    ("egress", "all", {}),
    ("egress", "a", {"interface": "网" * 6}),
    ("egress", "a", {"interface": "x" * 16}),
    ("egress", "a", {"interface": ""}),
    ("egress", "a", {"fwmark": 0}),
    ("egress", "a", {"fwmark": 2**32}),
    ("egress", "a", {"source": "192.0.2.01"}),
    ("egress", "x" * 41, {}),
    ("isp", "abcdefgh", {}),
    ("isp", "all", {}),
    ("isp", "edu", {"in_all": 1}),
    ("isp", "Edu", {}),
    ("probe", "province", [1]),
    ("probe", "province", ["hunan", ["广东"]]),
    ("probe", "province", "hunan"),
    ("probe", "rate", 0),
    ("probe", "rate", 5.0),
    ("probe", "count", 101),
    ("probe", "abnormal_rtt", math.inf),
    ("probe", "window", math.nan),
    ("alert", "elevated", 100.00001),
    ("avg_lossrate", "keep_days", True),
]

BARE = re.compile("[A-Za-z0-9_-]+")


def render_key(key: str) -> str:
    return key if BARE.fullmatch(key) else render_string(key)


def render_string(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def render_value(rng, value) -> str:  # noqa: PLR0911 - one for each type
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        hexadecimal = value >= 10**500 or (value >= 0 and rng.random() < 0.2)
        return hex(value) if hexadecimal else str(value)
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, str):
        literal = value.isprintable() and "'" not in value and rng.random() < 0.3
        return f"'{value}'" if literal else render_string(value)
    if isinstance(value, list):
        return f"[{', '.join(render_value(rng, entry) for entry in value)}]"
    if isinstance(value, dict):
        inner = (f"{render_key(k)} = {render_value(rng, v)}" for k, v in value.items())
        return f"{{{', '.join(inner)}}}"
    return value.isoformat()


def render(rng, document: dict) -> str:
    lines = []
    _render_table(rng, document, (), lines)
    return "\n".join(lines) + rng.choice(("", "\n"))


def _render_table(rng, table: dict, path: tuple, lines: list[str]) -> None:
    tables = {}
    for key, value in table.items():
        if isinstance(value, dict) and rng.random() < 0.9:
            tables[key] = value
        else:
            lines.append(f"{render_key(key)} = {render_value(rng, value)}")
    for key, value in tables.items():
        own = (*path, key)
        lines.append(f"[{'.'.join(map(render_key, own))}]{rng.choice(('', '  # 出口'))}")
        _render_table(rng, value, own, lines)


EXAMPLE = (ROOT / "netsky.toml.example").read_text(encoding="utf-8")
SAMPLES = [
    part.encode()
    for part in re.findall(r"(?:^#[\w\[].*\n)+", EXAMPLE.replace("\n\n", "\n"), re.MULTILINE)
]
SAMPLES = [re.sub(rb"(?m)^#", b"", part) for part in SAMPLES]
