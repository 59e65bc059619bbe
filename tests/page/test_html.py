"""Every kind of page before a validator of HTML: elements where they may be, attributes as they may be."""

from dataclasses import replace
from datetime import timedelta

from netsky.page.incident import incident_page
from netsky.page.overview import overview_page
from netsky.page.period import period_page
from testing import overviews
from testing.browser import faults_of_html
from testing.incident_reports import (
    NOW,
    hostile_outage,
    make_incident_report,
    most_of_all,
    outage,
)
from testing.pages import HOSTILE
from testing.period_reports import make_report

PAGES = {
    "night": lambda: overview_page(overviews.night(), "zh"),
    "night-en": lambda: overview_page(overviews.night(), "en"),
    "well": lambda: overview_page(overviews.well(), "zh"),
    "away": lambda: overview_page(overviews.away(), "zh"),
    "none": lambda: overview_page(overviews.overview_of(), "zh"),
    "many": lambda: overview_page(overviews.many(exits=8), "zh"),
    "least": lambda: incident_page(make_incident_report(), "zh"),
    "outage": lambda: incident_page(outage(), "zh"),
    "old": lambda: incident_page(replace(outage(), made_at=NOW + timedelta(hours=1)), "zh"),
    "hostile": lambda: incident_page(hostile_outage("".join(HOSTILE)), "zh"),
    "most": lambda: incident_page(most_of_all(), "en"),
    "month": lambda: period_page(make_report(9), "zh"),
    "month-many": lambda: period_page(make_report(30), "en"),
}


def test_the_html_of_every_page_is_valid(tmp_path):
    files = {name: tmp_path / f"{name}.html" for name in [*PAGES, "broken"]}
    for name, make in PAGES.items():
        files[name].write_text(make(), encoding="utf-8")
    page = files["well"].read_text(encoding="utf-8")
    files["broken"].write_text(page.replace("<h1>", "<h1><main>", 1), encoding="utf-8")
    faults = faults_of_html(files)
    assert any("<main>" in fault for fault in faults.pop("broken"))
    assert {name: said for name, said in faults.items() if said} == {}
