"""A Galera cluster of MariaDB on loopback, whose nodes can be killed and come back.

All nodes begin as copies of one, and one that comes back takes what it missed from another's cache. So the
state transfer only hands on positions, and needs neither rsync nor another package than galera-4. With `rsync`
it is that of Debian's mariadb-server, which copies all that a node has.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pymysql

from testing import ROOT
from testing.servers import QUICK, MariaDB, free_ports, program, wait_until

NODES = 3
_PROVIDERS = ("/usr/lib/galera/libgalera_smm.so", "/usr/lib64/galera-4/libgalera_smm.so")
_TRANSFER = """\
#!/bin/sh
while [ $# -gt 0 ]; do
    case $1 in
        --role) role=$2 ;;
        --address) address=$2 ;;
        --datadir) datadir=$2 ;;
        --gtid) position=$2 ;;
        --bypass) bypass=yes ;;
    esac
    shift
done
if [ "$role" = joiner ]; then
    rm -f "$datadir/position"
    mkfifo "$datadir/position"
    echo "ready $datadir/position"
    timeout 60 cat "$datadir/position"
else
    [ "${bypass-}" ] || exit 1 # what is missing is not in the cache any more
    echo "$position" >"$address"
    echo "done $position"
fi
"""


@dataclass
class Node(MariaDB):
    """`members` are the ports of all for the group; its own are `group`, `transfer` and `copy`."""

    members: Sequence[int] = ()
    group: int = 0
    transfer: int = 0
    copy: int = 0
    cache: str = "16M"

    @property
    def command(self) -> list[str]:
        """With the script for the state transfer in its way."""
        path = f"PATH={self.folder.parent}:{os.environ.get('PATH', os.defpath)}"
        return [program("env"), path, *super().command]

    def start(self, *more: str) -> None:
        """Returns when the node has what the others have."""
        members = ",".join(f"127.0.0.1:{port}" for port in self.members)
        super().start(
            f"--wsrep-cluster-address=gcomm://{members}",
            f"--wsrep-node-address=127.0.0.1:{self.group}",
            f"--wsrep-provider-options=gmcast.listen_addr=tcp://127.0.0.1:{self.group};"
            f"ist.recv_addr=127.0.0.1:{self.transfer};gcache.size={self.cache}",
            f"--wsrep-sst-receive-address=127.0.0.1:{self.copy}",
            *more,
        )
        wait_until(self.is_synced, what=f"node {self.port} synced", seconds=60)

    def start_again(self) -> None:
        """After a kill, from where it was: what Debian's unit does, too."""
        done = subprocess.run(
            [*self.command, "--wsrep-cluster-address=gcomm://", "--wsrep-recover"],
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        found = re.search(r"Recovered position: *(\S+)", done.stderr)
        assert found, done.stderr
        self.start(f"--wsrep-start-position={found[1]}")

    def is_synced(self) -> bool:
        with suppress(pymysql.MySQLError):
            return self.status("wsrep_local_state_comment") == "Synced"
        return False

    def status(self, name: str) -> str:
        ((_, value),) = self.execute(f"SHOW GLOBAL STATUS LIKE '{name}'")
        return str(value)


@contextmanager
def run_galera(method: str = "positions", *, cache: str = "16M") -> Iterator[list[Node]]:
    """`method`: positions, rsync. Each node's `cache` has what another one may have missed."""
    with tempfile.TemporaryDirectory(prefix="netsky-galera-") as name:
        folder = Path(name)
        _put_script(folder, method)
        nodes = _nodes(folder, method, cache)
        first, *others = nodes
        first.install()
        try:
            first.start("--wsrep-new-cluster")
            first.stop()
            for node in others:
                ignored = shutil.ignore_patterns("galera.cache")
                shutil.copytree(first.folder / "data", node.folder / "data", ignore=ignored)
            first.start("--wsrep-new-cluster")
            for node in others:
                node.start()
            yield nodes
        finally:
            for node in nodes:
                node.stop()


def _put_script(folder: Path, method: str) -> None:
    """What transfers the state, where the nodes look first."""
    script = folder / f"wsrep_sst_{method}"
    if method == "positions":
        script.write_text(_TRANSFER)
    else:
        debians = Path(program(script.name))
        shutil.copy(debians.with_name("wsrep_sst_common"), folder)
        text = debians.read_text(encoding="utf-8")
        if method == "rsync" and os.geteuid() == 0:
            # It gives up root's rights, which those who run servers do not have in the first place.
            assert text.count("use chroot = no\n") == 1
            text = text.replace("use chroot = no\n", "use chroot = no\nuid = root\ngid = root\n")
        script.write_text(text)
    script.chmod(0o755)


def _documented() -> list[str]:
    """The options of the configuration that docs/scale.md shows; the addresses are set later."""
    text = (ROOT / "docs" / "scale.md").read_text(encoding="utf-8")
    [block] = re.findall(r"^```ini\n\[galera\]\n(.+?)^```", text, re.MULTILINE | re.DOTALL)
    return [
        f"--{name}={value}" for name, value in re.findall(r"^(\w+) = (.+)$", block, re.MULTILINE)
    ]


def _nodes(folder: Path, method: str, cache: str) -> list[Node]:
    provider = next(filter(os.path.exists, _PROVIDERS), None)
    assert provider, "no libgalera_smm.so here: `make test` installs galera-4"
    here = (
        f"--wsrep-provider={provider}",
        f"--wsrep-sst-method={method}",
        "--wsrep-sst-auth=root:",
    )
    options = (*_documented(), *QUICK, *here)
    ports = free_ports(4 * NODES)
    of_clients, groups, transfers, copies = (ports[first::4] for first in range(4))
    nodes = []
    for number, port in enumerate(of_clients):
        own = folder / f"node{number}"
        own.mkdir()
        node = Node(port, own, options, members=groups, cache=cache)
        node.group, node.transfer, node.copy = groups[number], transfers[number], copies[number]
        nodes.append(node)
    return nodes
