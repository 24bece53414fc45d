"""Look up what a lock names among the faults that are known (PyPI's and OSV's advisories), by pip-audit.

    python deploy/known_faults.py requirements-node.lock

Exit code 1 when a fault is known of something in it. Without the network nothing can be said, and that is what is
said; it is no failure.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any


def told(report: dict[str, Any]) -> tuple[int, list[str]]:
    """The exit code and what to print, for a report of pip-audit in JSON."""
    packages = report["dependencies"]
    known = [
        f"{package['name']} {package['version']}: {fault['id']}, mended in {', '.join(fault['fix_versions']) or 'none'}"
        for package in packages
        for fault in package.get("vulns", ())
    ]
    if known:
        return 1, known
    asked = [package for package in packages if "skip_reason" not in package]
    if not asked:
        return 0, [f"No advisories can be reached from here: nothing was looked up of {len(packages)} packages."]
    left = f"; of {len(packages) - len(asked)} others there is no entry" if len(asked) < len(packages) else ""
    return 0, [f"No fault is known of {len(asked)} packages{left}."]


def main(lock: str) -> int:
    command = [sys.executable, "-m", "pip_audit", "--requirement", lock, "--require-hashes", "--disable-pip"]
    done = subprocess.run([*command, "--format", "json"], capture_output=True, text=True, check=False)  # noqa: S603 - our own arguments
    try:
        report = json.loads(done.stdout)
    except json.JSONDecodeError:
        last = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        print(f"No advisories can be reached from here: nothing was looked up ({last}).")
        return 0
    code, lines = told(report)
    print("\n".join(lines))
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
