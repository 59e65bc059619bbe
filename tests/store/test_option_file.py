"""my.cnf in the forms that it has on real hosts, and what is wrong with others."""

import os

import pytest

from netsky.errors import DatabaseError, InputError
from netsky.store.connection import Connector, fill_url
from netsky.store.option_file import OptionFileError, read_option_file

DEBIAN = "# The MariaDB configuration file\n!includedir /etc/mysql/conf.d/\n\n[client-server]\nport = 1\n"


@pytest.fixture
def read(tmp_path):
    def read_text(text, **options):
        file = tmp_path / "my.cnf"
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        return read_option_file(file, **options)

    return read_text


@pytest.mark.parametrize(
    "text",
    [
        "[client]\npassword = geheim\n",
        "\ufeff[client]\r\npassword='geheim'\r\n",
        f'{DEBIAN}[client]\npassword="geheim"\n!include /etc/x.cnf\n',
        "[client]\npassword=geheim",
        "[client]\nskip-ssl\nquick\npassword = old\npassword = geheim\n",
    ],
)
def test_the_password_is_found(read, text):
    assert read(text) == {"password": "geheim"}


def test_all_that_a_connection_needs_is_taken_and_nothing_else(read):
    text = "[mysqld]\nuser = mysql\n[client]\nuser = netsky\nsocket=/run/x\nport = 3307\nssl-ca = /ca\n"
    found = read(f"{text}default-character-set = utf8mb4\nprompt = x\n")
    assert found == {
        "user": "netsky",
        "unix_socket": "/run/x",
        "port": 3307,
        "ssl_ca": "/ca",
        "charset": "utf8mb4",
    }
    assert read(text, group="mysqld") == {"user": "mysql"}


def test_a_password_may_have_any_characters(read):
    assert read("[client]\npassword = a%b:c=d e#f;g\n") == {"password": "a%b:c=d e#f;g"}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("password = geheim\n", "needs a line [client] above"),
        ("[mysql]\npassword = geheim\n", "has no section [client]"),
        ("[client]\nport = geheim\n", "port is no number"),
        ("[client]\npassword = geheim\n".encode("utf-16"), "it is UTF-16"),
        (b"[client]\npassword = geheim\xff\n", "line 2 is not UTF-8"),
    ],
)
def test_what_cannot_be_understood_is_told_without_the_password(read, text, reason):
    with pytest.raises(OptionFileError) as refusal:
        read(text)
    assert reason in str(refusal.value)
    assert "geheim" not in str(refusal.value)


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, lambda file: file.symlink_to("/dev/zero")])
def test_what_is_no_file_is_told_at_once(tmp_path, make):
    file = tmp_path / "my.cnf"
    make(file)
    with pytest.raises(InputError, match=r"cannot read .*my.cnf .*: it is a "):
        fill_url(f"mysql://127.0.0.1/x?read_default_file={file}", "cu", "a")


def test_a_real_server_is_opened_with_a_file_as_debian_ships_it(mariadb, tmp_path):
    mariadb.execute("CREATE DATABASE IF NOT EXISTS option_file")
    mariadb.execute("CREATE OR REPLACE USER opener@'%' IDENTIFIED BY 'ge heim'")
    mariadb.execute("GRANT ALL ON option_file.* TO opener@'%'")
    file = tmp_path / "my.cnf"
    url = f"mysql://127.0.0.1:{mariadb.port}/option_file?read_default_file={file}"
    file.write_text(f"\ufeff{DEBIAN}[client]\nuser=opener\npassword='wrong'\n", encoding="utf-8")
    connector = Connector(fill_url(url, "cu", "a"), timeout=5)
    with pytest.raises(DatabaseError, match="Access denied"), connector.transaction():
        pass
    file.write_text(f"\ufeff{DEBIAN}[client]\nuser=opener\npassword='ge heim'\n", encoding="utf-8")
    with connector.transaction() as connection:
        assert connection.exec_driver_sql("SELECT 1").scalar() == 1
    file.unlink()
    with pytest.raises(DatabaseError, match=r"cannot read .*my\.cnf"), connector.transaction():
        pass


def test_a_line_may_be_indented(read):
    assert read("[client]\nuser = netsky\n  password = pw\n") == {
        "user": "netsky",
        "password": "pw",
    }
