"""What all fuzzers of readers share: findings, counts, seeds, and a mutator of bytes.

A fuzzer makes inputs from a seed, gives them to the reader, and holds what comes out against a slow
and plain model of the same reader. It works in batches; a batch depends on its number alone.
"""

import os
import random
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

_MEMORY = "/dev/shm"


class Finding(Exception):  # noqa: N818 - the error is the reader's
    """A reader did what it must not do, and with which input."""

    def __init__(self, sample: bytes, reason: str) -> None:
        super().__init__(sample, reason)  # so that it may be sent from process to process
        self.sample = sample
        self.reason = reason

    def __str__(self) -> str:
        shown = self.sample if len(self.sample) <= 2000 else self.sample[:2000] + b"..."
        return f"{self.reason}\nwith the input {shown!r}"


@dataclass
class Tally:
    """How many inputs a reader took, and how many it refused as it should."""

    accepted: int = 0
    rejected: int = 0

    @property
    def inputs(self) -> int:
        return self.accepted + self.rejected

    def add(self, other: "Tally") -> None:
        self.accepted += other.accepted
        self.rejected += other.rejected


class Fuzzer(Protocol):
    name: str
    unit: str  # what one input is

    def run(self, rng: random.Random) -> Tally:
        """Make a batch of inputs and check each; Finding when the reader fails one."""


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """In memory where there is such a folder: files are written by the million."""
    memory = _MEMORY if os.access(_MEMORY, os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="netsky-fuzz-", dir=memory) as folder:
        yield Path(folder)


def run_batch(fuzzer: Fuzzer, number: int) -> Tally:
    return fuzzer.run(random.Random(f"{fuzzer.name} {number}"))


@contextmanager
def reading(sample: bytes):
    """Whatever is raised while this input is read and checked is a finding."""
    try:
        yield
    except Exception as error:
        raise Finding(sample, f"{type(error).__name__}: {error}") from error


def check_one_line(message: str) -> None:
    """A message may end up in a log or on a terminal: nothing of the input may break or colour it."""
    assert message.isprintable(), f"not one plain line: {message!r}"


_BYTES = b"\x00\x01\t\n\r\x1b #%-./0129:;=[]\"'\\\x7f\x80\x85\xa0\xc2\xe5\xef\xff"


def mutate(rng: random.Random, data: bytes, tokens: Sequence[bytes], others: Sequence[bytes]):
    """`data` with some bytes flipped, lost, doubled, moved, or replaced by tokens or other samples."""
    changed = bytearray(data)
    for _ in range(1 if rng.random() < 0.5 else rng.randrange(2, 6)):
        at = rng.randrange(len(changed) + 1)
        end = min(len(changed), at + rng.choice((1, 1, 2, 3, 4, 8, 16, 64)))
        kind = rng.randrange(9)
        if kind == 0 and at < end:
            changed[at] ^= 1 << rng.randrange(8)
        elif kind == 1:
            changed[at : at + 1] = bytes((rng.randrange(256),))
        elif kind == 2:
            changed.insert(at, rng.choice(_BYTES))
        elif kind == 3:
            del changed[at:end]
        elif kind == 4:
            changed[at:at] = changed[at:end]
        elif kind == 5:
            changed[at:at] = rng.choice(tokens)
        elif kind == 6:
            changed[at:end] = rng.choice(tokens)
        elif kind == 7:
            other = rng.choice(others)
            cut = rng.randrange(len(other) + 1)
            changed[at:] = other[cut : cut + rng.randrange(1, 200)]
        else:
            changed[at:at] = changed[:end][rng.randrange(len(changed) + 1) :]
        del changed[4096:]
    return bytes(changed)
