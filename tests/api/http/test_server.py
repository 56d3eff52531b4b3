"""A server process: its shutdown, its log, and a port in use."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta

import pytest
from pydantic import SecretStr

from api.auth.tokens import TokenIssuer
from engine.tickets.actor import Actor

SECRET = "0123456789abcdef" * 2
TOKEN = TokenIssuer(SecretStr(SECRET)).issue(Actor("u_b1", "Anna K."), timedelta(hours=1))


@pytest.fixture
def drain_seconds() -> str:
    return "0"


@pytest.fixture
def server(drain_seconds: str) -> Iterator[subprocess.Popen[str]]:
    env = {"INTERLOCK_JWT_SECRET": SECRET, "INTERLOCK_PORT": "0", "INTERLOCK_LOG_FORMAT": "json"}
    env["INTERLOCK_DRAIN_SECONDS"] = drain_seconds
    command = [sys.executable, "-m", "tests.support.server_process"]
    with subprocess.Popen(  # noqa: S603 - our own process
        command,
        env=os.environ | env,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        yield process
        process.kill()


def connect(process: subprocess.Popen[str]) -> socket.socket:
    assert process.stdout
    port = int(process.stdout.readline().rpartition(":")[2])
    return socket.create_connection(("127.0.0.1", port), timeout=30)


@pytest.mark.parametrize(
    ("number", "drain_seconds"),
    [(signal.SIGTERM, "0"), (signal.SIGINT, "3600")],  # only SIGTERM begins a drain
    ids=["SIGTERM", "SIGINT"],
)
def test_a_stopping_server_accepts_no_requests_and_finishes_those_in_progress(
    number: signal.Signals, server: subprocess.Popen[str]
) -> None:
    with connect(server) as connection:
        head = f"GET /hold HTTP/1.1\r\nHost: interlock\r\nAuthorization: Bearer {TOKEN}\r\n\r\n"
        connection.sendall(head.encode())
        assert server.stdout
        assert server.stdout.readline() == "holding\n"
        server.send_signal(number)
        connect_until_refused(connection.getpeername())
        rest, _ = server.communicate("continue\n", timeout=30)
        response = connection.recv(10_000)
    assert response.startswith(b"HTTP/1.1 200 OK")
    assert response.endswith(b"continue\n")
    assert (rest, server.returncode) == ("closed\n", 0)


def connect_until_refused(address: tuple[str, int]) -> None:
    with suppress(ConnectionError):
        while True:
            socket.create_connection(address).close()


def test_malformed_http_is_logged_without_its_text(server: subprocess.Popen[str]) -> None:
    with connect(server) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nAuthorization: Bearer hunter2\0\r\n\r\n")
        assert b" 400 " in connection.recv(10_000)
        address = connection.getpeername()
    with socket.create_connection(address, timeout=30) as connection:
        chunks = "Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n"
        connection.sendall(f"POST / HTTP/1.1\r\nHost: interlock\r\n{chunks}".encode())
        assert b" 404 " in connection.recv(10_000)
        connection.sendall(b"hunter2" * 10)  # not a chunk; the response was sent already
        assert connection.recv(10_000) == b""
    server.terminate()
    _, log = server.communicate(timeout=30)
    assert "malformed request" in log
    assert "hunter2" not in log
    assert all(json.loads(line)["level"] == "info" for line in log.splitlines())


def test_a_port_in_use_gets_a_clear_error(server: subprocess.Popen[str]) -> None:
    with connect(server) as connection:
        port = str(connection.getpeername()[1])
        env = os.environ | {"INTERLOCK_JWT_SECRET": SECRET, "INTERLOCK_PORT": port}
        second = subprocess.run(
            [sys.executable, "-m", "tests.support.server_process"],
            env=env,
            capture_output=True,
            text=True,
            check=False,
        )
    assert f"Cannot listen on http://127.0.0.1:{port}: address already in use." in second.stderr
