"""`make service`: installs Stepladder as a systemd service, so that it survives logging out and restarts."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TEMPLATE = Path("docs") / "stepladder.service.template"
UNIT = Path("/etc/systemd/system/stepladder.service")


def unit_text(template: str, folder: Path, user: str) -> str:
    """The unit for this folder. systemd reads % as a placeholder, so one in a path is doubled."""
    values = {
        "@USER@": user,
        "@FOLDER@": str(folder).replace("%", "%%"),
        "@PYTHON@": str(folder / ".venv" / "bin" / "python").replace("%", "%%"),
    }
    for mark, value in values.items():
        template = template.replace(mark, value)
    return template


def systemd_runs() -> bool:
    return Path("/run/systemd/system").is_dir()


def main() -> int:
    if not systemd_runs():
        print(
            "This machine does not run systemd, so there is nothing to install the service into; "
            "use `make run`, or have your own service manager run it.",
            file=sys.stderr,
        )
        return 2
    as_root = [] if os.geteuid() == 0 else ["sudo"]
    if as_root and shutil.which("sudo") is None:
        print("Installing a service needs root; run this as root.", file=sys.stderr)
        return 2
    # Never root on a checkout that belongs to somebody: the data in var/ must stay theirs.
    owner = pwd.getpwuid(ROOT.stat().st_uid).pw_name
    text = unit_text((ROOT / TEMPLATE).read_text(encoding="utf-8"), ROOT, owner)
    steps = (
        ["tee", str(UNIT)],
        ["systemctl", "daemon-reload"],
        ["systemctl", "enable", "stepladder.service"],
        ["systemctl", "restart", "stepladder.service"],
    )
    for step in steps:
        given = text if step[0] == "tee" else None
        done = subprocess.run(
            [*as_root, *step], input=given, text=True, stdout=subprocess.DEVNULL, check=False
        )
        if done.returncode:
            print(f"`{' '.join(step)}` failed; the service is not installed.", file=sys.stderr)
            return 1
    print(
        "The service is installed and running. Its log, with the set-up code of a first start: "
        "journalctl -u stepladder -f    Stop it: systemctl stop stepladder    "
        "Remove it: systemctl disable --now stepladder"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
