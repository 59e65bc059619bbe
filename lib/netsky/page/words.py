"""The words of pages in Chinese and English, and how both write figures, times and places.

A page has a table of its own sentences. One of both languages never misses in such a table, nor a
value that one of them names: `Words` checks that when it is made.
"""

from __future__ import annotations

import math
import string
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta, timezone

from netsky.judging.grading import TOLERANCE_RATIO
from netsky.places import ISP, Province

LANGUAGES = ("zh", "en")
LANGUAGE_TAGS = {"zh": "zh-CN", "en": "en"}

# One zone all over the country, without summer time: no database of zones is needed.
BEIJING = timezone(timedelta(hours=8), "UTC+8")

MINUS = "\N{MINUS SIGN}"
UNKNOWN = "–"

_ENGLISH_ISPS = {"cu": "China Unicom", "cm": "China Mobile", "ct": "China Telecom", "demo": "Demo"}
_ENGLISH_PROVINCES = {"neimenggu": "Inner Mongolia", "xizang": "Tibet"}

Table = Mapping[str, tuple[str, str]]
"""A sentence in Chinese and in English, by its name; {names} in braces are filled in."""


class Words:
    """The sentences of a page in one language: `words("age", age="5 秒")`."""

    def __init__(self, language: str, *tables: Table) -> None:
        self.language = language
        self.tag = LANGUAGE_TAGS[language]
        index = LANGUAGES.index(language)
        self._texts: dict[str, str] = {}
        for table in tables:
            for name, texts in table.items():
                chinese, english = map(_fields, texts)
                if chinese != english:
                    raise ValueError(f"the languages of {name!r} name other values")
                self._texts[name] = texts[index]

    @property
    def is_chinese(self) -> bool:
        return self.language == "zh"

    def __call__(self, name: str, **values: object) -> str:
        return self._texts[name].format(**values)

    def listed(self, names: Sequence[str]) -> str:
        return ("、" if self.is_chinese else ", ").join(names)

    def listed_parts(self, parts: Sequence[str]) -> str:
        """Parts of a sentence, one after the other."""
        return ("，" if self.is_chinese else ", ").join(parts)

    @property
    def stop(self) -> str:
        return "。" if self.is_chinese else "."

    def isp(self, isp: ISP) -> str:
        """Its name; in English that of the ISPs that are built in, if they are called as ever."""
        return isp.name if self.is_chinese else _ENGLISH_ISPS.get(isp.slug, isp.name)

    def isp_short(self, isp: ISP) -> str:
        return self.isp(isp).removeprefix("中国").removeprefix("China ")

    def province(self, province: Province) -> str:
        if self.is_chinese:
            return province.name
        return _ENGLISH_PROVINCES.get(province.slug, province.slug.capitalize())

    def duration(self, time: timedelta) -> str:
        """In its two largest units, as people say it."""
        seconds = max(0, int(time.total_seconds()))
        days, hours, minutes = seconds // 86_400, seconds // 3600 % 24, seconds // 60 % 60
        if days:
            return self._units((days, "天", "d"), (hours, "小时", "h"))
        if hours:
            return self._units((hours, "小时", "h"), (minutes, "分钟", "min"))
        if minutes:
            return self._units((minutes, "分钟", "min"))
        return self._units((seconds, "秒", "s"))

    def _units(self, first: tuple[int, str, str], *less: tuple[int, str, str]) -> str:
        """The smaller unit is left out where there is none of it."""
        units = [first, *(each for each in less if each[0])]
        names = [
            (count, chinese if self.is_chinese else english) for count, chinese, english in units
        ]
        return " ".join(f"{count} {name}" for count, name in names)

    def age(self, since: datetime, now: datetime) -> str:
        """`5 秒前`; a time to come, of a clock that is ahead, says so."""
        passed = now - since
        if passed < -timedelta(seconds=1):
            return (
                f"{self.duration(-passed)}后" if self.is_chinese else f"in {self.duration(-passed)}"
            )
        return f"{self.duration(passed)}前" if self.is_chinese else f"{self.duration(passed)} ago"


def _fields(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def beijing(moment: datetime, form: str = "%Y-%m-%d %H:%M:%S") -> str:
    """A time of Beijing."""
    return moment.astimezone(BEIJING).strftime(form)


def utc(moment: datetime, form: str = "%Y-%m-%d %H:%M") -> str:
    return moment.astimezone(UTC).strftime(form)


def percent(ratio: float | None, digits: int = 1) -> str:
    """`24.1%`; never 0 or 100 for what is not exactly that."""
    if ratio is None:
        return UNKNOWN
    least = 10**-digits
    if 0 < 100 * ratio < least:
        return f"<{least:g}%"
    if 100 - least < 100 * ratio < 100:
        return f">{100 - least:g}%"
    return f"{100 * ratio:.{digits}f}%"


def points(ratio: float) -> str:
    """A rise or fall in percentage points, `+23.5`: cut, so that +5.0 is said from 5 points on only."""
    tenths = math.floor(1000 * (abs(ratio) + TOLERANCE_RATIO))
    return f"{MINUS if ratio < 0 and tenths else '+'}{tenths / 10:.1f}"


def milliseconds(seconds: float | None) -> str:
    if seconds is None:
        return UNKNOWN
    return f"{1000 * seconds:.{0 if seconds >= 0.1 else 1 if seconds >= 0.01 else 2}f} ms"


def count(number: int) -> str:
    return f"{number:,}"
