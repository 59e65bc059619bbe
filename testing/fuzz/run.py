"""Fuzz the readers for long: python -m testing.fuzz.run INPUTS [READER ...]

INPUTS for each of library, fping, icmp, config, or only for those named. A finding is printed, its
input saved, and the exit code 1. `--batch` with a batch's number for INPUTS makes that batch again.
"""

# ruff: noqa: T201 - what it prints is what it is for

import argparse
import logging
import multiprocessing
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path

from testing.fuzz.config_fuzzer import ConfigFuzzer
from testing.fuzz.fping_fuzzer import FpingFuzzer
from testing.fuzz.harness import Finding, Fuzzer, Tally, run_batch, scratch_folder
from testing.fuzz.icmp_fuzzer import IcmpFuzzer
from testing.fuzz.library_fuzzer import LibraryFuzzer

FUZZERS = {kind.name: kind for kind in (LibraryFuzzer, FpingFuzzer, IcmpFuzzer, ConfigFuzzer)}
MOST_FINDINGS = 20  # then a reader is broken enough
PROGRESS_SECONDS = 30


class Worker:
    """The fuzzer of this process."""

    fuzzer: Fuzzer

    @classmethod
    def start(cls, name: str, folder: Path) -> None:
        own = folder / str(os.getpid())
        own.mkdir()
        logging.disable()  # a warning for each province without targets
        cls.fuzzer = FUZZERS[name](own)

    @classmethod
    def run(cls, number: int) -> tuple[int, Tally | Finding]:
        try:
            return number, run_batch(cls.fuzzer, number)
        except Finding as finding:
            return number, finding


def fuzz(name: str, inputs: int, processes: int, save: Path) -> tuple[Tally, int, float]:
    """What came of it: counts, findings, seconds."""
    tally, findings = Tally(), 0
    start = said = time.monotonic()
    with (
        scratch_folder() as folder,
        multiprocessing.Pool(processes, Worker.start, (name, folder)) as pool,
    ):
        for number, outcome in batches(pool, 4 * processes):
            if isinstance(outcome, Finding):
                findings += 1
                file = save / f"netsky-fuzz-{name}-{number}"
                file.write_bytes(outcome.sample)
                print(f"{name}, batch {number}, input saved as {file}: {outcome}", flush=True)
            else:
                tally.add(outcome)
            if time.monotonic() - said > PROGRESS_SECONDS and sys.stderr.isatty():
                said = time.monotonic()
                print(f"{name}: {tally.inputs:,} of {inputs:,}", file=sys.stderr)
            if tally.inputs >= inputs or findings >= MOST_FINDINGS:
                break
    return tally, findings, time.monotonic() - start


def batches(pool, ahead: int) -> Iterator[tuple[int, Tally | Finding]]:
    """The outcome of each batch, a few of them under way at a time."""
    waiting = []
    for number in count():
        waiting.append(pool.apply_async(Worker.run, (number,)))
        if len(waiting) > ahead:
            yield waiting.pop(0).get()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("inputs", type=lambda text: int(text.replace("_", "")))
    parser.add_argument("readers", nargs="*", metavar="READER")
    parser.add_argument("--batch", action="store_true", help="INPUTS is the number of one batch")
    parser.add_argument("--processes", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--save", type=Path, default=Path(tempfile.gettempdir()))
    options = parser.parse_args()
    names = options.readers or [*FUZZERS]
    if unknown := {*names} - {*FUZZERS}:
        parser.error(f"unknown: {', '.join(unknown)}; known: {', '.join(FUZZERS)}")
    if options.batch:
        with scratch_folder() as folder:
            for name in names:
                own = folder / name
                own.mkdir()
                print(name, run_batch(FUZZERS[name](own), options.inputs))
        return 0
    row = "{:<8} {:>12} {:>12} {:>12} {:>8} {:>9}  {}"
    print(row.format("reader", "inputs", "accepted", "rejected", "crashes", "seconds", "one input"))
    crashes = 0
    for name in names:
        tally, findings, seconds = fuzz(name, options.inputs, options.processes, options.save)
        crashes += findings
        numbers = [f"{n:,}" for n in (tally.inputs, tally.accepted, tally.rejected, findings)]
        print(row.format(name, *numbers, f"{seconds:.1f}", FUZZERS[name].unit), flush=True)
    return 1 if crashes else 0


if __name__ == "__main__":
    sys.exit(main())
