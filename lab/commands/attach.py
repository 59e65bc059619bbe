"""Run a person's command inside the lab: it has the terminal, and ends with the lab."""

from __future__ import annotations

import logging
import os
import select
import signal
import subprocess
from collections.abc import Sequence

from lab.network.holder import program
from lab.network.lab import Lab, environment

log = logging.getLogger(__name__)


def run_attached(lab: Lab, command: Sequence[str], *, namespace: str = "probe") -> int:
    """Run it with this process's terminal; its exit code, or 128 + the signal that ended it."""
    inherited = environment()
    if left_out := sorted(os.environ.keys() - inherited.keys()):
        log.warning("not passed on into the lab: %s", ", ".join(left_out))
    die_with_us = [program("setpriv"), "--pdeathsig=KILL", "--"]
    holder = lab.holder.open()
    # ^C goes to the command as well, and how that ends is ours. Not SIG_IGN, which it would inherit.
    before = signal.signal(signal.SIGINT, lambda _number, _frame: None)
    try:
        full = lab.command(*die_with_us, *command, namespace=namespace)
        with subprocess.Popen(full, env=inherited) as process:
            child = os.pidfd_open(process.pid)
            select.select([child, holder], [], [])
            os.close(child)
            if process.poll() is None:  # the lab has ended
                process.kill()
            code = process.wait()
    finally:
        signal.signal(signal.SIGINT, before)
        os.close(holder)
    return code if code >= 0 else 128 - code
