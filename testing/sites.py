"""Three sites, their exits' rises in loss, and whose fault it is in each province."""

from __future__ import annotations

import dataclasses
import json
import math
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from netsky.aggregate import aggregate
from netsky.outlets.metrics import MetricGroup, alert_metrics, probe_metrics
from netsky.places import find_isp
from testing import ROOT
from testing.prometheus import query
from testing.samples import make_alert_report, make_sweep

NATIONAL = json.loads(
    (ROOT / "deploy/grafana/dashboards/netsky-national.json").read_text(encoding="utf-8")
)
VERDICTS = "site_isp_province:netsky_loss_increase_points:verdict"
FINE: dict[str, float | None] = dict.fromkeys(
    ("anhui", "hubei", "hunan", "hebei", "henan", "hainan", "fujian", "gansu"), 0.5
)
# By exit and ISP the rise in points; `gz3-unicom-1` is bad to most provinces.
RISES: Mapping[tuple[str, str], dict[str, float | None]] = {
    ("bj1-unicom-1", "cu"): FINE | {"hunan": 8, "hubei": 20},
    ("bj1-unicom-2", "cu"): FINE | {"hubei": 30, "hebei": 6},
    ("sh2-unicom-1", "cu"): FINE | {"hunan": 40, "gansu": 7},
    ("gz3-unicom-1", "cu"): FINE | dict.fromkeys(list(FINE)[:5], 60),
    ("gz3-unicom-2", "cu"): FINE | {"anhui": 12},
    ("bj1-unicom-1", "cm"): FINE | {"hainan": 9},
    ("bj1-unicom-1", "ct"): FINE | {"hubei": 15},
    ("sh2-unicom-1", "ct"): dict.fromkeys(FINE, 60),
    ("default", "ct"): FINE | {"hubei": None},
}
PROVINCE = ("该省网络：从多个站点看都差", "the province's network: bad from several sites")
SITE = (
    "该站点：本站各出口都差，别的站点正常",
    "the site: bad through all of its exits, fine from other sites",
)
LINE = ("该线路：只有这条线路差", "the line: bad through this one alone")
WHOLE_LINE = ("整条线路：到多数省都差", "the whole line: bad to most provinces")
UNKNOWN = ("无从比较：没有别的站点可作比较", "cannot be told: no other site can be compared with")
TOLD = {
    ("bj1", "cu", "hunan"): (8, PROVINCE),
    ("sh2", "cu", "hunan"): (40, PROVINCE),
    ("bj1", "cu", "hubei"): (30, SITE),
    ("bj1", "cu", "hebei"): (6, LINE),
    ("sh2", "cu", "gansu"): (7, LINE),
    ("bj1", "cm", "hainan"): (9, UNKNOWN),
    # Each of these would look like its province's network, or like a province of its own.
    **{("gz3", "cu", slug): (60, WHOLE_LINE) for slug in list(FINE)[1:5]},
    ("gz3", "cu", "anhui"): (60, LINE),
    # Of two sites one is bad as a whole: nobody knows whether hubei is fine from there.
    ("bj1", "ct", "hubei"): (15, UNKNOWN),
    **{("sh2", "ct", slug): (60, WHOLE_LINE) for slug in FINE},
}
"""By site, ISP and province the largest rise, and the verdict."""


def metric_groups() -> Iterator[MetricGroup]:
    """What probe and alert of each line have to say now."""
    now = datetime.now(UTC)
    for (egress, isp), rises in RISES.items():
        sweep = make_sweep({slug: [0.03, math.nan] for slug in rises}, egress=egress)
        library = dataclasses.replace(sweep.library, isp=isp)
        sweep = dataclasses.replace(sweep, library=library, started_at=now)
        yield probe_metrics(sweep, aggregate(sweep, abnormal_rtt=0.3))
        verdict = dataclasses.replace(make_alert_report(rises).verdict, judged_at=now)
        yield alert_metrics(find_isp(isp, {}), egress, verdict)


def verdicts(url: str) -> dict[tuple[str, str, str], list[tuple[float, tuple[str, str]]]]:
    """As `TOLD`, but all that a server has for each."""
    found: dict[tuple[str, str, str], list[tuple[float, tuple[str, str]]]] = {}
    for series in query(url, f'{VERDICTS}{{site!=""}}'):
        labels = series["metric"]
        key = labels["site"], labels["isp"], labels["province"]
        words = labels["verdict"], labels["verdict_en"]
        found.setdefault(key, []).append((float(series["value"][1]), words))
    return found


def board_queries() -> Iterator[tuple[str, dict[str, Any], str]]:
    """Of each query of the national board a name, the panel, and the expression."""
    for panel in NATIONAL["panels"]:
        for target in panel.get("targets", ()):
            yield f"{panel['id']}{target['refId']}", panel, target["expr"]


def substitute(expr: str, *, site: str = ".*") -> str:
    """A query as Grafana sends it, with all values of the variables, or with those of a site."""
    values = {"site": site, "isps": ".*", "province": ".*"}
    return re.sub(r"\$(\w+)", lambda name: values[name[1]], expr)
