"""The ISPs, the 31 provinces, the exits: slugs for code, Chinese names for people."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from netsky.errors import InputError


@dataclass(frozen=True, slots=True)
class Province:
    """One of the 31 provinces of the mainland."""

    slug: str
    name: str


@dataclass(frozen=True, slots=True)
class ISP:
    """A carrier whose users are measured. `in_all`: it is one of those that `all` stands for.

    `home` is the exit that its users are sent through if nothing is wrong; None: not said.
    """

    slug: str
    name: str
    in_all: bool = True
    home: str | None = None


@dataclass(frozen=True, slots=True)
class Egress:
    """An exit line of this data centre and how packets are sent through it.

    `in_all`: it is one of those that `all` stands for. `circuit` is the number by which its carrier knows
    it, `contact` whom the carrier may call back: both stand in reports only.
    """

    name: str = "default"
    source: str | None = None
    interface: str | None = None
    fwmark: int | None = None
    in_all: bool = True
    circuit: str | None = None
    contact: str | None = None


PROVINCES = tuple(
    Province(slug, name)
    for slug, name in (
        ("beijing", "北京"),
        ("tianjin", "天津"),
        ("hebei", "河北"),
        ("shanxi", "山西"),
        ("neimenggu", "内蒙古"),
        ("liaoning", "辽宁"),
        ("jilin", "吉林"),
        ("heilongjiang", "黑龙江"),
        ("shanghai", "上海"),
        ("jiangsu", "江苏"),
        ("zhejiang", "浙江"),
        ("anhui", "安徽"),
        ("fujian", "福建"),
        ("jiangxi", "江西"),
        ("shandong", "山东"),
        ("henan", "河南"),
        ("hubei", "湖北"),
        ("hunan", "湖南"),
        ("guangdong", "广东"),
        ("guangxi", "广西"),
        ("hainan", "海南"),
        ("chongqing", "重庆"),
        ("sichuan", "四川"),
        ("guizhou", "贵州"),
        ("yunnan", "云南"),
        ("xizang", "西藏"),
        ("shaanxi", "陕西"),
        ("gansu", "甘肃"),
        ("qinghai", "青海"),
        ("ningxia", "宁夏"),
        ("xinjiang", "新疆"),
    )
)

BUILTIN_ISPS = {
    "cu": ISP("cu", "中国联通"),
    "cm": ISP("cm", "中国移动"),
    "ct": ISP("ct", "中国电信"),
    "demo": ISP("demo", "演示", in_all=False),
}

ALL = "all"  # what `--egress` and `--isp` say for all of them; none may have that name

# Longer slugs would not fit `netsky_<ISP>_heilongjiang_abnormalrate` into the tables' varchar(40).
ISP_SLUG = re.compile(r"[a-z][a-z0-9]{0,6}")

# Those that are called neither 省 nor 市.
_REGIONS = {
    "内蒙古": "内蒙古自治区",
    "广西": "广西壮族自治区",
    "西藏": "西藏自治区",
    "宁夏": "宁夏回族自治区",
    "新疆": "新疆维吾尔自治区",
}
_CITIES = ("北京", "天津", "上海", "重庆")
_NAME_SEPARATORS = re.compile(r"[\s,，、;；]+")


def _official_name(name: str) -> str:
    return _REGIONS.get(name) or f"{name}{'市' if name in _CITIES else '省'}"


_BY_NAME = {
    **{province.slug: province for province in PROVINCES},
    **{province.name: province for province in PROVINCES},
    **{_official_name(province.name): province for province in PROVINCES},
    **{f"{province.name}自治区": province for province in PROVINCES if province.name in _REGIONS},
}
# Existing installations spell 陕西 `shannxi` to tell it from 山西.
_BY_SPELLING = _BY_NAME | {"shannxi": _BY_NAME["shaanxi"]}


def split_names(text: str, what: str) -> list[str]:
    """What stands between the commas of either script, or blanks, of a list of names.

    InputError when there is none, as from an empty variable in a script: that must not stand for
    all of them, nor for nothing to do. `what` they are names of.
    """
    names = [name for name in _NAME_SEPARATORS.split(text) if name]
    if not names:
        raise InputError(f"{text!r} names no {what}")
    return names


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A question for a message, with the known name that is nearest; empty when none is near."""
    near = get_close_matches(name.lower(), list(known), n=1)
    return f"是不是 {near[0]}？" if near else ""


def province_of_spelling(spelling: str) -> Province | None:
    """The province that a file name's stem stands for, or None."""
    return _BY_SPELLING.get(spelling.lower())


def nearest_province_name(name: str) -> str:
    """See `did_you_mean`."""
    return did_you_mean(name, _BY_NAME)


def find_province(name: str) -> Province:
    """The province of a slug (`guangdong`) or name (`广东`, `广东省`); InputError lists the known."""
    province = province_of_spelling(name)
    if province is None:
        known = ", ".join(f"{province.slug} {province.name}" for province in PROVINCES)
        raise InputError(
            f"unknown province {name!r}; {nearest_province_name(name)}known provinces: {known}"
        )
    return province


def find_provinces(texts: Iterable[str]) -> list[Province]:
    """Each once, of texts that may have several names in them: `广东,湖南`."""
    return list(
        dict.fromkeys(
            find_province(name) for text in texts for name in split_names(text, "province")
        )
    )


def find_isp(name: str, configured: Mapping[str, ISP]) -> ISP:
    """The ISP of a slug (`cu`, `CU`) or name (`中国联通`, `联通`), built in or from the settings.

    InputError lists the known ones.
    """
    isps = BUILTIN_ISPS | dict(configured)
    by_name = {isp.name.removeprefix("中国"): isp for isp in isps.values()}
    by_name |= {isp.name: isp for isp in isps.values()} | isps
    if name in by_name:
        return by_name[name]
    if name.lower() in isps:
        return isps[name.lower()]
    known = ", ".join(f"{isp.slug} {isp.name}" for isp in isps.values())
    raise InputError(
        f"unknown ISP {name!r}; {did_you_mean(name, by_name)}known ISPs: {known} (others: define "
        "[isp.NAME] in netsky.toml)"
    )
