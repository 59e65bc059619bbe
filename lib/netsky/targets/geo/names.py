"""The names that sources use, for the ISPs and provinces that are ours.

ISP names are matched as a whole: carriers whose names only have 电信 in them (中华电信, 远传电信) and data
centres (数据中心, IDC, 云) are not where users are. 铁通 went to China Mobile, 网通 to China Unicom.
"""

from __future__ import annotations

from netsky.places import PROVINCES, Province

_ISPS = {
    "联通": "cu",
    "网通": "cu",
    "移动": "cm",
    "铁通": "cm",
    "中移铁通": "cm",
    "电信": "ct",
}
ISPS = ("cu", "cm", "ct")

# These words follow the short names; the longest are tried first.
_SUFFIXES = ("维吾尔自治区", "壮族自治区", "回族自治区", "自治区", "省", "市")
_BY_NAME = {province.name: province for province in PROVINCES}
# The first two digits of GB/T 2260, by which lists of CIDR blocks are often named.
_CODES = (
    "11 12 13 14 15 21 22 23 31 32 33 34 35 36 37 41 42 43 44 45 46 50 51 52 53 54 61 62 63 64 65"
)
_BY_CODE = dict(zip(_CODES.split(), PROVINCES, strict=True))

_LISTS = {
    "cu": ("cu", "unicom", "chinaunicom", "china-unicom", "联通", "中国联通"),
    "cm": ("cm", "cmcc", "chinamobile", "china-mobile", "移动", "中国移动", "tietong", "铁通"),
    "ct": ("ct", "chinanet", "telecom", "chinatelecom", "china-telecom", "电信", "中国电信"),
}
_ISP_OF_LIST = {name: isp for isp, names in _LISTS.items() for name in names}


def isp_of(name: str) -> str | None:
    """The slug of an ISP of ours that a source's name is, or None."""
    return _ISPS.get(name.removeprefix("中国"))


def province_of(name: str) -> Province | None:
    """The province that a source's name is, or None: 香港, 澳门 and 台湾 are none of the 31."""
    for suffix in _SUFFIXES:
        if name.endswith(suffix) and (found := _BY_NAME.get(name.removesuffix(suffix))):
            return found
    return _BY_NAME.get(name)


def isp_of_list(stem: str) -> str | None:
    """The ISP that a list of CIDR blocks is about, by the file's name; `chinanet`, `unicom6` is none."""
    return _ISP_OF_LIST.get(stem.lower())


def province_of_list(stem: str) -> Province | None:
    """The province that a list is about: slug, Chinese name, or six digits of GB/T 2260."""
    if len(stem) == 6 and stem.isascii() and stem.isdigit():
        return _BY_CODE.get(stem[:2]) if stem.endswith("0000") else None
    by_slug = {province.slug: province for province in PROVINCES}
    return by_slug.get(stem.lower()) or province_of(stem)
