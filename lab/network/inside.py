"""Run a function of this process in one of the lab's namespaces, without a process of its own."""

from __future__ import annotations

import ctypes
import os
import threading
from collections.abc import Callable
from typing import TypeVar

Value = TypeVar("Value")

_CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)


def run_inside(namespace: str, job: Callable[[], Value]) -> Value:
    """What `job` returns, or raises, in the network namespace of that file; as root.

    It runs in a thread of its own: a thread may be elsewhere than its process, and those that it starts
    are where it is.
    """
    results: list[Value] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            descriptor = os.open(namespace, os.O_RDONLY | os.O_CLOEXEC)
            try:
                if _libc.setns(descriptor, _CLONE_NEWNET) != 0:
                    number = ctypes.get_errno()
                    raise OSError(number, os.strerror(number))
            finally:
                os.close(descriptor)
            results.append(job())
        except BaseException as error:  # noqa: BLE001 - raised again below
            errors.append(error)

    thread = threading.Thread(target=run, name="inside", daemon=True)
    thread.start()
    thread.join()
    for error in errors:
        raise error
    return results[0]
