"""The server, or another one that speaks like it, in a process of its own."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Child:
    """A running server: its address, and its two ends of the talk."""

    url: str
    _input: IO[str]
    _output: IO[str]

    def say(self, line: str) -> None:
        """Send it a line, which __main__ takes for the milliseconds of latency."""
        self._input.write(f"{line}\n")
        self._input.flush()

    def answer(self) -> str:
        """The next line that it prints."""
        return self._output.readline().strip()


@contextmanager
def running(command: Sequence[str]) -> Iterator[Child]:
    """The server that the command starts; its first line is its address, and it ends with us."""
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin
        assert process.stdout
        yield Child(process.stdout.readline().strip(), process.stdin, process.stdout)
        process.stdin.close()
