"""The guard that keeps all tests on this machine."""

import socket

import pytest


@pytest.mark.parametrize("method", ["connect", "connect_ex"])
@pytest.mark.parametrize(
    ("family", "address"), [(socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1")]
)
def test_a_connection_to_another_machine_fails_the_test(method, family, address):
    # UDP: even without the guard, connecting sends nothing.
    with (
        socket.socket(family, socket.SOCK_DGRAM) as sock,
        pytest.raises(pytest.fail.Exception, match="only loopback is allowed"),
    ):
        getattr(sock, method)((address, 9))


def test_a_connection_to_loopback_is_made():
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        socket.create_connection(listener.getsockname()) as connection,
    ):
        assert connection.getpeername() == listener.getsockname()


def test_a_connection_to_a_unix_socket_is_made(tmp_path):
    with socket.socket(socket.AF_UNIX) as listener, socket.socket(socket.AF_UNIX) as connection:
        listener.bind(str(tmp_path / "s"))
        listener.listen()
        connection.connect(str(tmp_path / "s"))
