"""What the tests need from the system, installed when that is allowed: `python -m tests.system`.

Nothing is ever skipped silently: what is missing and may not be installed ends with one sentence.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator

from tests import chromium, galera, mariadb

MARIADB_PACKAGES = ["mariadb-server-core", "mariadb-client-core"]
SERVICE = "mariadb.service"
CHROMIUM_PACKAGES = ["chromium", "fonts-liberation"]


def missing_packages() -> list[str]:
    missing = []
    # mariadb-install-db calls my_print_defaults, which Debian keeps among the client's programs.
    if not all(map(mariadb.find, ("mariadbd", "mariadb-install-db", "my_print_defaults"))):
        missing += MARIADB_PACKAGES
    if chromium.find() is None:
        missing += CHROMIUM_PACKAGES
    # Here the whole mariadb-server is needed: only it has the scripts that transfer data between nodes.
    return missing + galera.missing_packages()


def way_to_root() -> list[str] | None:
    """What a command is prefixed with to run as root; None when that is not allowed."""
    if os.geteuid() == 0:
        return []
    if mariadb.find("sudo"):
        asked = subprocess.run(["sudo", "-n", "true"], capture_output=True, check=False)
        if asked.returncode == 0:
            return ["sudo", "-n"]
    return None


def install(packages: list[str]) -> bool:
    prefix = way_to_root()
    if prefix is None or mariadb.find("apt-get") is None:
        return False
    print(f"Installing what the tests need: {' '.join(packages)}", flush=True)
    environment = ["env", "DEBIAN_FRONTEND=noninteractive"]
    steps = (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", *packages])
    with _without_a_service(prefix, packages):
        for step in steps:
            done = subprocess.run([*prefix, *environment, "apt-get", *step], check=False)
            if done.returncode:
                return False
    return True


@contextlib.contextmanager
def _without_a_service(prefix: list[str], packages: list[str]) -> Iterator[None]:
    """The package mariadb-server would start a server on this machine, now and at each boot."""
    concerned = "mariadb-server" in packages and mariadb.find("systemctl") is not None

    def systemctl(*words: str) -> None:
        command = [*prefix, "systemctl", *words, SERVICE]
        subprocess.run(command, capture_output=True, check=False)

    if concerned:
        systemctl("mask")
    try:
        yield
    finally:
        if concerned:
            systemctl("unmask")
            systemctl("disable")


def main() -> int:
    missing = missing_packages()
    if missing and install(missing):
        missing = missing_packages()
    if missing:
        print(
            "The tests need programs that are not here; install them with: "
            f"sudo apt-get install --no-install-recommends {' '.join(missing)}",
            file=sys.stderr,
        )
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
