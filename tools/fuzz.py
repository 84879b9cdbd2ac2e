"""Tries hostile inputs on each parser, and keeps how many were tried and what failed.

    python tools/fuzz.py                      # 100,000 inputs on each target
    python tools/fuzz.py --inputs 5000 --only imports
    python tools/fuzz.py --inputs 0 --write   # only the table, into SECURITY.md
    python tools/fuzz.py --losses --write     # the table of what the tests of loss told

A target is a test that is decorated with `fuzzed`. What was tried on it lies in .fuzz/, in a file
of its own, and counts for one version of the code: a second run goes on where the first one ended.
Several runs at once share the targets. Exits with 1 if any input failed.

The tests of loss (`make soak`) tell what they did in .fuzz/losses.jsonl (tests/loss_report.py).
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parents[1]
KEPT: Final = ROOT / ".fuzz"
STEP: Final = 10_000
"""Inputs of one process; what it has tried is kept when it ends."""
FILES: Final = ("tests/test_fuzz.py", "tests/test_fuzz_calls.py", "tests/test_fuzz_imports.py",
                "tests/test_image_location.py")  # fmt: skip
BEGIN, END = "<!-- tools/fuzz.py -->", "<!-- end -->"
LOSSES: Final = "losses.jsonl"
LOSSES_BEGIN: Final = "<!-- tools/fuzz.py --losses -->"


def version() -> str:
    """The last commit that changed code or tests, with a plus sign if they have changed since."""
    code = ("--", "labeler", "tests")

    def git(*words: str) -> str:
        done = subprocess.run(
            ["git", *words, *code], cwd=ROOT, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    changed = git("status", "--porcelain", "--untracked-files=no")
    return git("log", "-1", "--format=%h") + ("+" if changed else "")


def targets(pattern: str) -> list[str]:
    """The IDs of all tests in the files of the fuzzer that the pattern finds."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", "-n", "0", *FILES],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return [line for line in done.stdout.splitlines() if "::" in line and re.search(pattern, line)]


def fuzz(target: str, inputs: int, now: str) -> None:
    """Try what is missing to so many inputs. Returns at once if another run has the target."""
    KEPT.mkdir(exist_ok=True)
    with (KEPT / f"{re.sub(r'[^A-Za-z0-9]+', '_', target)}.json").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        file.seek(0)
        text = file.read()
        found: dict[str, Any] = json.loads(text) if text else {}
        if found.get("version") != now:
            found = {"target": target, "version": now, "inputs": 0, "failures": 0, "is_one": True}
        while found["is_one"] and not found["failures"] and found["inputs"] < inputs:
            tried, failed = run(target, min(STEP, inputs - found["inputs"]))
            found["inputs"] += tried
            found["failures"] += failed
            found["is_one"] = bool(tried)
            file.seek(0)
            file.truncate()
            json.dump(found, file)
            file.flush()


def run(target: str, inputs: int) -> tuple[int, bool]:
    """How many inputs were tried, and whether one failed."""
    report = KEPT / f"report_{os.getpid()}"
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-n", "0", "--timeout", "0", target],
        cwd=ROOT, check=False,
        env={**os.environ, "FUZZ": str(inputs), "FUZZ_REPORT": str(report)},
    )  # fmt: skip
    tried = int(report.read_text()) if report.exists() else 0
    report.unlink(missing_ok=True)
    return tried, done.returncode != 0


def results() -> list[dict[str, Any]]:
    """What was kept of each target, by name."""
    kept = [json.loads(path.read_text() or "{}") for path in sorted(KEPT.glob("*.json"))]
    return sorted((one for one in kept if one.get("inputs")), key=lambda one: str(one["target"]))


def table(kept: list[dict[str, Any]]) -> str:
    """The results, as Markdown."""
    rows = [
        f"| {title(one['target'])} | {one['inputs']:,} | {one['failures']} | `{one['version']}` |"
        for one in kept
    ]
    tried, failed = (sum(one[name] for one in kept) for name in ("inputs", "failures"))
    head = ["| target | inputs tried | failures | version |", "|---|---:|---:|---|"]
    return "\n".join([*head, *rows, f"| all | {tried:,} | {failed} | |", ""])


def losses() -> str:
    """What the tests of loss told, as Markdown: a row for each of them."""
    told: dict[str, Counter[str]] = {}
    for line in (KEPT / LOSSES).read_text(encoding="utf-8").splitlines():
        one = json.loads(line)
        counted = told.setdefault(one.pop("test"), Counter())
        counted.update({"runs": 1, **one})
    columns = ("runs", "faults", "boxes", "lost")
    told["all"] = sum(told.values(), Counter())
    return "\n".join(
        [
            "| test | runs | faults injected | boxes acknowledged | lost or doubled |",
            "|---|---:|---:|---:|---:|",
            *(
                f"| {name} | {' | '.join(f'{counts[column]:,}' for column in columns)} |"
                for name, counts in told.items()
            ),
            "",
        ]
    )


def title(target: str) -> str:
    """`tests/test_fuzz.py::test_image_inspector[a]` as words for people."""
    return target.partition("::")[2].removeprefix("test_").replace("_", " ").replace("|", "/")


def write(text: str, begin: str = BEGIN) -> None:
    """Put the table into SECURITY.md, between its marks."""
    path = ROOT / "SECURITY.md"
    pattern = re.compile(f"{re.escape(begin)}.*?{re.escape(END)}", re.DOTALL)
    whole = path.read_text(encoding="utf-8")
    path.write_text(pattern.sub(lambda _: f"{begin}\n{text}{END}", whole), encoding="utf-8")


def main() -> None:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--inputs", type=int, default=100_000, help="of each target")
    parser.add_argument("--only", default="", help="targets that this pattern finds")
    parser.add_argument("--write", action="store_true", help="write the table into SECURITY.md")
    parser.add_argument("--losses", action="store_true", help="the table of the tests of loss")
    given = parser.parse_args()
    if given.losses:
        text = f"Version `{version()}`:\n\n{losses()}"
        print(text)
        if given.write:
            write(text, LOSSES_BEGIN)
        return
    if given.inputs:
        now = version()
        for target in targets(given.only):
            fuzz(target, given.inputs, now)
    kept = results()
    print(table(kept))
    if given.write:
        write(table(kept))
    if any(one["failures"] for one in kept):
        sys.exit(1)


if __name__ == "__main__":
    main()
