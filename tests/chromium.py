"""Where Chromium is, and how the browser tests start it.

with sync_playwright() as playwright:
    browser = playwright.chromium.launch(**launch_options())
"""

from __future__ import annotations

import shutil
from typing import TypedDict

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MISSING = "No Chromium found. Install the package chromium, or run `make test`."

ARGUMENTS = [
    # Without these two it does not start as root or in a container with a small /dev/shm.
    "--no-sandbox",
    "--disable-dev-shm-usage",
    # A test machine need not reach the network, and a browser that asks for updates is not quiet.
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-domain-reliability",
    "--disable-sync",
    "--metrics-recording-only",
    "--no-default-browser-check",
    "--no-first-run",
    "--no-pings",
    "--disable-features=Translate,OptimizationHints,MediaRouter,AutofillServerCommunication",
]


class LaunchOptions(TypedDict):
    executable_path: str
    headless: bool
    args: list[str]


class ChromiumMissing(Exception):
    """There is no browser on this machine; the message says what to install."""


def find() -> str | None:
    for name in NAMES:
        found = shutil.which(name)
        if found:
            return found
    return None


def launch_options() -> LaunchOptions:
    program = find()
    if program is None:
        raise ChromiumMissing(MISSING)
    return {"executable_path": program, "headless": True, "args": list(ARGUMENTS)}
