"""Bringing figures to where they are wanted. One place that fails never keeps them from the others."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from netsky import unexpected
from netsky.errors import DatabaseError, DeliveryError
from netsky.outlets.metrics import MetricGroup
from netsky.outlets.pushgateway import Pushgateway, write_textfile
from netsky.outlets.time_series import TimeSeries
from netsky.time_limit import time_limit

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Step:
    """What brings figures to one place, and how long (seconds) it may take at most."""

    run: Callable[[], object]
    limit: float


Deliveries = Mapping[str, Step]
"""What is to be done, by the name of the place."""

TEXTFILE_SECONDS = 30.0  # a disk can hang like a server


@dataclass(frozen=True, slots=True)
class Outlets:
    """Where metrics go; None is nowhere. `textfile` may have {isp} and {egress} in its name."""

    pushgateway: Pushgateway | None = None
    time_series: TimeSeries | None = None
    textfile: str | None = None

    @property
    def any(self) -> bool:
        """Whether metrics go anywhere."""
        return any(
            outlet is not None for outlet in (self.pushgateway, self.time_series, self.textfile)
        )

    def deliveries(self, groups: Sequence[MetricGroup]) -> Deliveries:
        """One PUT or POST a group; one textfile, or one for each name that {isp} and {egress} make."""
        steps: dict[str, Step] = {}
        if self.pushgateway:
            for group in groups:
                place = f"Pushgateway, egress {group.egress}"
                steps[place] = Step(partial(self.pushgateway.push, group), self.pushgateway.limit)
        if self.time_series:
            send = partial(self.time_series.send, groups)
            steps[str(self.time_series)] = Step(send, self.time_series.limit)
        if self.textfile:
            files: dict[Path, list[MetricGroup]] = {}
            for group in groups:
                name = self.textfile.replace("{isp}", group.isp).replace("{egress}", group.egress)
                file = Path(name)
                files.setdefault(file, []).append(group)
            for file, its_groups in files.items():
                write = partial(write_textfile, file, its_groups)
                steps[f"textfile {file}"] = Step(write, TEXTFILE_SECONDS)
        return steps

    def flushes(self, job: str, isp: str, egress: str) -> Deliveries:
        """The same for what waits of earlier runs, where anything does."""
        if self.time_series is None:
            return {}
        flush = partial(self.time_series.flush, job, isp, egress)
        return {str(self.time_series): Step(flush, self.time_series.limit)}


def deliver(deliveries: Deliveries, *, done: str = "delivered") -> tuple[str, ...]:
    """Do all of them; a line for each that could not be done, which is logged, too."""
    failed = []
    for place, step in deliveries.items():
        try:
            with time_limit(step.limit, place):
                step.run()
        except (DatabaseError, DeliveryError) as error:
            failed.append(str(error))
        except Exception as error:  # noqa: BLE001 - a driver may raise anything at a bad answer
            failed.append(f"{place}: {unexpected.describe(error)}")
        else:
            continue
        log.error("not %s: %s", done, failed[-1])
    return tuple(failed)
