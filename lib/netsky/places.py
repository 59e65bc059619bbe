"""The ISPs, the 31 provinces, the exits: slugs for code, Chinese names for people."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from netsky.errors import InputError


@dataclass(frozen=True, slots=True)
class Province:
    """One of the 31 provinces of the mainland."""

    slug: str
    name: str


@dataclass(frozen=True, slots=True)
class ISP:
    """A carrier whose users are measured. `in_all`: it is one of those that `all` stands for."""

    slug: str
    name: str
    in_all: bool = True


@dataclass(frozen=True, slots=True)
class Egress:
    """An exit line of this data centre and how packets are sent through it.

    `in_all`: it is one of those that `all` stands for.
    """

    name: str = "default"
    source: str | None = None
    interface: str | None = None
    fwmark: int | None = None
    in_all: bool = True


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

_BY_SLUG = {province.slug: province for province in PROVINCES}
# Existing installations spell 陕西 `shannxi` to tell it from 山西.
_BY_SPELLING = _BY_SLUG | {"shannxi": _BY_SLUG["shaanxi"]}
_BY_ANY_NAME = _BY_SPELLING | {province.name: province for province in PROVINCES}


def province_of_spelling(spelling: str) -> Province | None:
    """The province that a file name's stem stands for, or None."""
    return _BY_SPELLING.get(spelling)


def find_province(name: str) -> Province:
    """The province of a slug (`guangdong`) or Chinese name (`广东`); InputError lists the known ones."""
    try:
        return _BY_ANY_NAME[name]
    except KeyError:
        known = ", ".join(f"{province.slug} {province.name}" for province in PROVINCES)
        raise InputError(f"unknown province {name!r}; known provinces: {known}") from None


def find_isp(slug: str, configured: Mapping[str, ISP]) -> ISP:
    """The ISP of a slug, built in or from the settings; InputError lists the known ones."""
    isps = BUILTIN_ISPS | dict(configured)
    try:
        return isps[slug]
    except KeyError:
        known = ", ".join(f"{isp.slug} {isp.name}" for isp in isps.values())
        raise InputError(
            f"unknown ISP {slug!r}; known ISPs: {known} (others: define [isp.NAME] in netsky.toml)"
        ) from None
