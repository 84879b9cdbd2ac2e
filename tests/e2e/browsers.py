"""Browsers with profiles that outlive them, to be killed and started again."""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext

from tests.e2e.conftest import FLAGS


class Browsers:
    """Each profile lies in a folder of its own below `folder`."""

    def __init__(self, browser: Browser, folder: Path) -> None:
        self._type = browser.browser_type
        self._folder = folder
        self._open: list[BrowserContext] = []

    def launch(self, profile: str = "profile") -> BrowserContext:
        path = os.environ.get("CHROMIUM") or shutil.which("chromium")
        context = self._type.launch_persistent_context(
            self._folder / profile, executable_path=path, args=list(FLAGS)
        )
        self._open.append(context)
        return context

    def kill(self, context: BrowserContext, profile: str = "profile") -> None:
        """End the browser's processes at once, as a power cut does."""
        mark = f"--user-data-dir={self._folder / profile}"
        for entry in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                own = mark.encode() in entry.read_bytes().split(b"\0")
            except OSError:  # it has ended by itself
                continue
            if own:
                os.kill(int(entry.parent.name), signal.SIGKILL)
        self._open.remove(context)
        for name in ("SingletonLock", "SingletonCookie", "SingletonSocket"):
            (self._folder / profile / name).unlink(missing_ok=True)

    def close(self) -> None:
        for context in self._open:
            context.close()
