# ruff: noqa: INP001, S603 - a program, and its only argument comes from the Makefile
"""Keep ``requirements.lock`` in step with ``pyproject.toml``: ``lock.py UV`` writes it, ``lock.py --check`` looks.

The lock's first line is a fingerprint of what pyproject.toml asks for, so that the check needs no network.
"""

import hashlib
import json
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
LOCK = ROOT / "requirements.lock"
COMPILE = (
    "pip", "compile", "pyproject.toml", "--all-extras", "--group", "dev", "--python-version", "3.11", "--universal",
    "--generate-hashes", "--no-emit-index-url", "--no-emit-find-links", "--no-header", "--quiet",
)  # fmt: skip


def fingerprint_line() -> str:
    """Return the lock's first line for the present pyproject.toml."""
    document = tomllib.loads((ROOT / "pyproject.toml").read_text())
    project = document["project"]
    asked = [
        project["requires-python"],
        sorted(project["dependencies"]),
        project["optional-dependencies"],
        document["dependency-groups"],
    ]
    digest = hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()
    return f"# made by make lock from pyproject.toml, whose dependencies are sha256:{digest}\n"


def is_in_step() -> bool:
    """Say whether the lock was made from the present pyproject.toml."""
    with LOCK.open() as lock:
        return lock.readline() == fingerprint_line()


def write(uv: str) -> None:
    """Write the lock; versions already in it stay where they still fit."""
    subprocess.run([uv, *COMPILE, "--output-file", str(LOCK)], cwd=ROOT, check=True)
    LOCK.write_text(fingerprint_line() + "".join(_body()))


def _body() -> list[str]:
    return [line for line in LOCK.read_text().splitlines(keepends=True) if not line.startswith("# made by make lock")]


def main() -> int:
    """Write or check; 1 = out of step."""
    if sys.argv[1:] != ["--check"]:
        write(sys.argv[1])
        return 0
    if is_in_step():
        return 0
    sys.stderr.write("requirements.lock is older than the dependencies in pyproject.toml: run make lock\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
