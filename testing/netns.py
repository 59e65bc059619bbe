"""Network namespaces of our own, where packets may be dropped without harm to anybody."""

from __future__ import annotations

import json
import os
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from testing.servers import program

needs_root = pytest.mark.skipif(
    os.geteuid() != 0 and not os.environ.get("CI"), reason="only root makes network namespaces"
)


@dataclass(frozen=True)
class Namespace:
    """A network namespace with nothing but loopback."""

    name: str

    def command(self, *command: str) -> list[str]:
        return [program("ip"), "netns", "exec", self.name, *command]

    def run(self, *command: str, stdin: str = "") -> str:
        """What a command that must not fail prints."""
        done = subprocess.run(
            self.command(*command),
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, f"{command}: {done.stderr}"
        return done.stdout

    def add_rule(self, hook: str, rule: str) -> None:
        """A firewall rule for packets of ours (`output`) or to us (`input`)."""
        chain = f"chain {hook} {{ type filter hook {hook} priority 0; {rule}; }}"
        self.run(program("nft"), "-f", "-", stdin=f"table ip test {{\n{chain}\n}}\n")

    def processes(self) -> list[int]:
        """The ids of those that run in it."""
        listed = subprocess.run(
            [program("ip"), "netns", "pids", self.name], capture_output=True, text=True, check=True
        )
        return [int(line) for line in listed.stdout.split()]

    def counted(self) -> int:
        """Packets that the counters of all rules have seen."""
        ruleset = json.loads(self.run(program("nft"), "-j", "list", "ruleset"))["nftables"]
        expressions = [part for item in ruleset for part in item.get("rule", {}).get("expr", [])]
        return sum(part["counter"]["packets"] for part in expressions if "counter" in part)


@contextmanager
def make_namespace() -> Iterator[Namespace]:
    name = f"netsky-{uuid.uuid4().hex[:12]}"
    ip = program("ip")
    subprocess.run([ip, "netns", "add", name], check=True)
    try:
        subprocess.run([ip, "-n", name, "link", "set", "lo", "up"], check=True)
        yield Namespace(name)
    finally:
        subprocess.run([ip, "netns", "delete", name], check=True)


@pytest.fixture
def namespace() -> Iterator[Namespace]:
    with make_namespace() as made:
        yield made
