"""What the tests need from the system, installed when that is allowed: `python -m tests.system`.

Nothing is ever skipped silently: what is missing and may not be installed ends with one sentence.
"""

from __future__ import annotations

import os
import subprocess
import sys

from tests import chromium, mariadb

# Only the programs: the package mariadb-server would also start a service on this machine.
MARIADB_PACKAGES = ["mariadb-server-core", "mariadb-client-core"]
CHROMIUM_PACKAGES = ["chromium", "fonts-liberation"]


def missing_packages() -> list[str]:
    missing = []
    # mariadb-install-db calls my_print_defaults, which Debian keeps among the client's programs.
    if not all(map(mariadb.find, ("mariadbd", "mariadb-install-db", "my_print_defaults"))):
        missing += MARIADB_PACKAGES
    if chromium.find() is None:
        missing += CHROMIUM_PACKAGES
    return missing


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
    for step in steps:
        done = subprocess.run([*prefix, *environment, "apt-get", *step], check=False)
        if done.returncode:
            return False
    return True


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
