"""The place of each province where the country is drawn as equal tiles: no map of borders."""

from __future__ import annotations

# North is up. 61 of the 68 borders of these provinces are kept, an edge or a corner.
TILE_ROWS = (
    (None, None, None, None, None, None, "heilongjiang"),
    (None, None, None, None, None, "neimenggu", "jilin"),
    ("xinjiang", "gansu", "ningxia", "shanxi", "hebei", "beijing", "liaoning"),
    (None, "qinghai", "shaanxi", "henan", "shandong", "tianjin", None),
    ("xizang", "sichuan", "chongqing", "hubei", "anhui", "jiangsu", "shanghai"),
    (None, "yunnan", "guizhou", "hunan", "jiangxi", "zhejiang", None),
    (None, None, "guangxi", "guangdong", "fujian", None, None),
    (None, None, None, "hainan", None, None, None),
)
