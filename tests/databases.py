"""Databases for tests: files of SQLite, and a real PostgreSQL on this machine alone."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import psycopg

_FOLDERS = ("/usr/lib/postgresql", "/usr/local/pgsql", "/opt/homebrew/opt")


def find_postgres() -> Path | None:
    """The folder of PostgreSQL's programs; None if it is not installed."""
    found = [path.parent for place in _FOLDERS for path in Path(place).glob("*/bin/initdb")]
    named = shutil.which("initdb")
    return max(found) if found else Path(named).parent if named else None


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Postgres:
    """A server of PostgreSQL on 127.0.0.1 with a folder of its own."""

    def __init__(self, programs: Path) -> None:
        self._programs = programs
        self._folder = Path(tempfile.mkdtemp(prefix="labeler-postgres-"))
        self.port = free_port()
        self._number = 0
        self._process: subprocess.Popen[bytes] | None = None
        if os.geteuid() == 0:  # PostgreSQL refuses to run as root
            shutil.chown(self._folder, "postgres", "postgres")
        self._run("initdb", "-D", str(self._folder / "data"), "-A", "trust", "-U", "tester",
                  "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")  # fmt: skip
        self.start()

    def _command(self, program: str, *arguments: str) -> list[str]:
        as_other = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
        return [*as_other, str(self._programs / program), *arguments]

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run(
            self._command(program, *arguments),
            cwd="/",
            check=True,
            capture_output=True,
            timeout=120,
        )

    def start(self) -> None:
        """Start the server, and wait until it answers."""
        log = (self._folder / "log").open("ab")
        self._process = subprocess.Popen(
            self._command(
                "postgres", "-D", str(self._folder / "data"), "-p", str(self.port),
                "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=",
                "-c", "fsync=off", "-c", "max_connections=60",
            ),
            cwd="/", stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
        log.close()
        end = time.monotonic() + 60
        while True:
            try:
                psycopg.connect(self.dsn("postgres"), connect_timeout=5).close()
                return
            except psycopg.OperationalError:
                if time.monotonic() > end or self._process.poll() is not None:
                    raise
                time.sleep(0.05)

    def kill(self) -> None:
        """End the server as a crash does: at once, with no word to whoever is connected."""
        process, self._process = self._process, None
        if process is not None:
            self._run("pg_ctl", "stop", "-m", "immediate", "-D", str(self._folder / "data"))
            process.wait(timeout=60)

    def close(self) -> None:
        self.kill()
        shutil.rmtree(self._folder, ignore_errors=True)

    def dsn(self, database: str) -> str:
        return f"postgresql://tester@127.0.0.1:{self.port}/{quote(database)}"

    def new_database(self) -> str:
        """The URL of a new, empty database, as LABELER_INDEX names it."""
        self._number += 1
        name = f"labeler_{self._number}"
        with psycopg.connect(self.dsn("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return self.dsn(name).replace("postgresql://", "postgresql+psycopg://")


class SilentProxy:
    """A loopback proxy to a server; while `is_silent`, it swallows all that either side says."""

    def __init__(self, port: int) -> None:
        self.is_silent = False
        self._to = port
        self._sockets: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._threads: list[threading.Thread] = []
        self._start(self._accept)

    def close(self) -> None:
        for one in (self._listener, *self._sockets):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
        for thread in self._threads:
            thread.join()

    def _start(self, run: Callable[..., None], *arguments: socket.socket) -> None:
        thread = threading.Thread(target=run, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                far = socket.create_connection(("127.0.0.1", self._to))
                self._sockets += (near, far)
                self._start(self._pump, near, far)
                self._start(self._pump, far, near)

    def _pump(self, one: socket.socket, other: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := one.recv(65536):
                if not self.is_silent:
                    other.sendall(data)
            other.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def postgres_server() -> Iterator[Postgres | None]:
    """A running server; None where PostgreSQL is not installed."""
    programs = find_postgres()
    if programs is None:
        yield None
        return
    server = Postgres(programs)
    try:
        yield server
    finally:
        server.close()
