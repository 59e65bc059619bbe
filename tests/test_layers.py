"""Which part of the library may load which."""

import subprocess
import sys

import pytest

VALUES = (
    "addresses",
    "aggregate",
    "errors",
    "evidence",
    "evidence_document",
    "fault",
    "files",
    "incident_loss",
    "incident_report",
    "period_report",
    "loss",
    "overview",
    "places",
    "spool_state",
    "sweep",
    "text",
    "tiles",
    "trace",
    "trace_locate",
)


@pytest.mark.parametrize(
    "module",
    [
        *VALUES,
        "judging.best_exit",
        "judging.troubles",
        "page.incident",
        "page.overview",
        "page.period",
        "page.timeline",
        "page.writing",
        "judging.grading",
        "judging.usual_sweeps",
        "judging.controls",
        "judging.incidents",
        "judging.locating",
        "outlets.metrics",
    ],
    ids=lambda name: name,
)
def test_what_only_computes_loads_neither_the_database_nor_the_spool(module):
    code = f"import sys, netsky.{module}; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert not loaded & {"sqlalchemy", "pymysql", "sqlite3", "click", "rich"}
    assert not any(name.startswith("netsky.store") for name in done.stdout.split())
