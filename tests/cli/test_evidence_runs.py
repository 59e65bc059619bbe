"""Evidence of many lines in one run: whose turn it is, and for how many there is time."""

from contextlib import nullcontext
from types import SimpleNamespace

import pytest

from netsky.cli.evidence_runs import EvidenceRuns
from netsky.cli.lines import Lines
from netsky.cli.probing import LibraryOptions
from netsky.cli.settings import Settings
from netsky.errors import EngineError
from netsky.evidence import Reason
from netsky.jobs import evidence
from netsky.jobs.evidence import MOST_IN_A_RUN, Found
from netsky.places import Egress
from netsky.trace import TracePlan

LINES = 2 * MOST_IN_A_RUN
FIRST_KNOWN = LINES - 3  # of the last three lines nothing was taken yet


class Site:
    """So many lines with an open incident each, of which `down` cannot be traced."""

    def __init__(self, folder, monkeypatch, *, down=()):
        self.folder = folder
        self.down = down
        self.taken = []
        for name in ("find_due", "take", "finish"):
            monkeypatch.setattr(evidence, name, getattr(self, name))

    def find_due(self, line, _, *, at_once):
        number = int(line.egress.name[1:])
        late = Reason.AFTER if number < FIRST_KNOWN else Reason.OPENED
        reason = Reason.BY_HAND if at_once else late
        return Found([SimpleNamespace(line=line, number=number, reason=reason)], ())

    def take(self, each, *_):
        if each.number in self.down:
            raise EngineError("its cable is out")
        self.taken.append(each.number)
        return SimpleNamespace(line=each.line, started=0.0)

    def finish(self, taken, *_, **__):
        return SimpleNamespace(taking=None, line=taken.line, folder="", complete=True)

    def run(self, *, now=False):
        exits = [Egress(f"e{number}", fwmark=1 + number) for number in range(LINES)]
        EvidenceRuns(
            Lines("cu", "all", Settings(egresses={each.name: each for each in exits})),
            LibraryOptions(self.folder / "ipdata", ()),
            SimpleNamespace(
                evidence=self.folder, memory=self.folder, now=now, evidence_days=1, evidence_size=1
            ),
            SimpleNamespace(plan=TracePlan, mtr=3),
            SimpleNamespace(
                database=f"sqlite:///{self.folder}/no.db",
                database_timeout=1,
                file_mode=0o600,
                open=lambda *_: None,
            ),
            SimpleNamespace(hold=nullcontext, show=lambda _: None),
        ).run()
        return self.taken


def test_a_run_has_time_for_some_lines_those_first_of_which_nothing_was_taken_yet(
    tmp_path, monkeypatch
):
    taken = Site(tmp_path, monkeypatch).run()
    assert taken == [*range(FIRST_KNOWN, LINES), *range(MOST_IN_A_RUN - 3)]


def test_who_cannot_be_traced_takes_no_time_of_the_others(tmp_path, monkeypatch):
    taken = Site(tmp_path, monkeypatch, down=range(4)).run()
    assert taken == [*range(FIRST_KNOWN, LINES), *range(4, MOST_IN_A_RUN + 1)]


def test_a_person_has_evidence_of_all_lines(tmp_path, monkeypatch):
    assert Site(tmp_path, monkeypatch).run(now=True) == [*range(LINES)]


@pytest.mark.parametrize(("now", "told"), [(True, "no incident is open here"), (False, "")])
def test_a_person_is_told_that_no_incident_is_open(tmp_path, monkeypatch, caplog, now, told):
    site = Site(tmp_path, monkeypatch)
    monkeypatch.setattr(evidence, "find_due", lambda *_, **__: Found([], (), waits=True))
    assert site.run(now=now) == []
    assert told in caplog.text
    assert bool(caplog.records) == now
