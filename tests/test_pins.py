"""What is installed is what was looked at: every package by its exact version and its hashes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.faults import fault

ROOT = Path(__file__).resolve().parent.parent
PIN = re.compile(r"[A-Za-z0-9_.-]+(\[[a-z,]+\])?==[0-9][^ ]*( ; [^\\]+)? \\")


@fault("S18")
@pytest.mark.parametrize("file", ["requirements.txt", "requirements-dev.txt"])
def test_every_package_is_pinned_with_its_hashes(file):
    pins = re.split(r"\n(?=[^\s#])", (ROOT / file).read_text().strip())
    for pin in pins:
        first = pin.splitlines()[0]
        if first.startswith("#"):
            continue
        assert PIN.fullmatch(first), first
        assert "--hash=sha256:" in pin, first
    assert len(pins) > 5


@fault("S18")
def test_installing_refuses_what_is_not_pinned():
    makefile = (ROOT / "Makefile").read_text()
    assert re.search(r"^PIP := .*--require-hashes", makefile, re.MULTILINE)
    installs = re.findall(r"^\t@?(.*-r requirements.*)$", makefile, re.MULTILINE)
    assert installs
    assert all(line.startswith("$(PIP)") for line in installs)
