"""Sweep a library with the fping engine and print the report as JSON: for a process of its own.

python sweep_here.py FPING DIRECTORY [SOURCE]
"""

import sys
from pathlib import Path

from netsky.aggregate import aggregate
from netsky.console import render_json
from netsky.console.probe import ProbeView
from netsky.engines import open_engine
from netsky.errors import NetskyError
from netsky.jobs.probe import ProbeReport
from netsky.places import BUILTIN_ISPS, Egress
from netsky.sweep import ProbePlan
from netsky.targets import library

program, directory, *source = sys.argv[1:]
egress = Egress("here", *source)
plan = ProbePlan(window=0.8, count=2, timeout=0.7)
try:
    engine = open_engine("fping", egress, {"fping": program})
    sweep = engine.sweep(library.load(Path(directory), "demo"), egress, plan, lambda _done: None)
except NetskyError as error:
    sys.exit(f"{type(error).__name__}: {error}")
sys.stdout.write(
    render_json(
        ProbeView(ProbeReport(sweep, aggregate(sweep, abnormal_rtt=0.3), ()), BUILTIN_ISPS["demo"])
    )
)
