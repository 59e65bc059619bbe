"""A TCP proxy before a MySQL server that fails at a given moment of the conversation."""

from __future__ import annotations

import select
import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import Enum

MOST_CONNECTIONS = 32
MOST_SECONDS = 120.0  # that a connection is kept; whatever is tested ends long before
DRIP_SECONDS = 1.0
_COM_QUERY = 3


class Moment(Enum):
    """When it fails: always before what came is passed on."""

    CONNECTED = "connected"
    GREETED = "greeted"  # the server's first words
    INSERT = "insert"
    COMMIT = "commit"  # the server has not seen it
    COMMITTED = "committed"  # the server has, and the client does not know
    INCIDENTS = "incidents"  # a query about them
    LEAVING = "leaving"  # the client knows, and says whatever it still has to say


class Action(Enum):
    """How it fails."""

    PASS = "nothing"
    HOLD = "nothing more is passed on"
    RESET = "connection reset"
    CLOSE = "connection closed"
    CUT = "connection closed halfway"
    DRIP = "a byte a second"


@dataclass(frozen=True)
class Fault:
    """`after`: so many such moments go well first, over all connections."""

    moment: Moment
    action: Action
    after: int = 0

    def __str__(self) -> str:
        return f"{self.action.value} at {self.moment.value}"


NO_FAULT = Fault(Moment.CONNECTED, Action.PASS)


class _BrokenError(Exception):
    """The connection is to end, `reset` or closed in order."""

    def __init__(self, *, reset: bool) -> None:
        self.reset = reset


class Proxy:
    """Listens on a free port of 127.0.0.1 and passes all on to `port` until armed."""

    def __init__(self, port: int) -> None:
        self._server = ("127.0.0.1", port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._places = threading.BoundedSemaphore(MOST_CONNECTIONS)
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self.reached = threading.Event()
        self.arm(NO_FAULT)
        self._acceptor = threading.Thread(target=self._accept, daemon=True)
        self._acceptor.start()

    def arm(self, fault: Fault) -> None:
        """Fail so from now on; what is held is let go, and `reached` says when it happened."""
        with self._lock:
            self._armed, self._left = fault, fault.after
            self.reached.clear()

    def disarm(self) -> None:
        self.arm(NO_FAULT)

    def stop(self) -> None:
        self._stopped.set()
        self._acceptor.join(10)
        self._listener.close()

    def _accept(self) -> None:
        while not self._stopped.is_set():
            if select.select([self._listener], [], [], 0.1)[0] and self._places.acquire(timeout=1):
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        reset = True  # as a host does where nothing listens
        try:
            with client:
                try:
                    self._pass_on(client)
                except _BrokenError as end:
                    reset = end.reset
                except OSError:
                    pass
                if reset:  # l_onoff, l_linger: what is on its way is thrown away, and RST sent
                    with suppress(OSError):
                        linger = struct.pack("ii", 1, 0)
                        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        finally:
            self._places.release()

    def _pass_on(self, client: socket.socket) -> None:
        self._at(Moment.CONNECTED, client)
        dripping = self._armed.action is Action.DRIP
        with socket.create_connection(self._server, timeout=5) as server:
            last: Moment | None = Moment.GREETED
            end = time.monotonic() + MOST_SECONDS
            while time.monotonic() < end and not self._stopped.is_set():
                for source in select.select([client, server], [], [], 0.1)[0]:
                    chunk = source.recv(65536)
                    if not chunk:
                        raise _BrokenError(reset=False)
                    if source is client:
                        last = self._before_command(chunk, client, last)
                        server.sendall(chunk)
                        continue
                    if last and self._at(last, client) is Action.CUT:
                        client.sendall(chunk[: len(chunk) // 2])
                        raise _BrokenError(reset=False)
                    last = Moment.LEAVING if last is Moment.COMMITTED else None
                    self._answer(client, chunk, dripping=dripping)

    def _before_command(
        self, chunk: bytes, client: socket.socket, last: Moment | None
    ) -> Moment | None:
        """What the answer to it will be."""
        command = _command_of(chunk)
        if last is Moment.LEAVING:
            self._at(Moment.LEAVING, client)
        if command == b"INSERT":
            self._at(Moment.INSERT, client)
        if command == b"SELECT" and b"netsky_incident" in chunk:
            self._at(Moment.INCIDENTS, client)
        if command == b"COMMIT":
            self._at(Moment.COMMIT, client)
            return Moment.COMMITTED
        return None

    def _answer(self, client: socket.socket, chunk: bytes, *, dripping: bool) -> None:
        step = 1 if dripping else len(chunk)
        for start in range(0, len(chunk), step):
            if dripping and self._stopped.wait(DRIP_SECONDS):
                raise _BrokenError(reset=False)
            client.sendall(chunk[start : start + step])

    def _at(self, moment: Moment, client: socket.socket) -> Action:
        """Fail, if it is for now; else what is to be done from now on."""
        with self._lock:
            fault = self._armed
            if fault.moment is not moment or fault is NO_FAULT:
                return Action.PASS
            if self._left:
                self._left -= 1
                return Action.PASS
            self.reached.set()
        if fault.action is Action.HOLD:
            self._hold(client, fault)
        if fault.action in (Action.RESET, Action.CLOSE):
            raise _BrokenError(reset=fault.action is Action.RESET)
        return fault.action

    def _hold(self, client: socket.socket, fault: Fault) -> None:
        """Until it is disarmed or the client has gone."""
        end = time.monotonic() + MOST_SECONDS
        while time.monotonic() < end and self._armed is fault and not self._stopped.is_set():
            if select.select([client], [], [], 0.02)[0] and not client.recv(1, socket.MSG_PEEK):
                raise _BrokenError(reset=False)


def _command_of(chunk: bytes) -> bytes:
    """The first word of a query; PyMySQL sends one at a time and waits for its answer.

    A packet is the length (3 bytes), a serial number (1), the kind of command (1), its text.
    """
    if len(chunk) > 5 and chunk[3] == 0 and chunk[4] == _COM_QUERY:
        return chunk[5:].split(None, 1)[0].upper()
    return b""


@contextmanager
def run_proxy(port: int) -> Iterator[Proxy]:
    proxy = Proxy(port)
    try:
        yield proxy
    finally:
        proxy.stop()
