# ruff: noqa: INP001, S603 - a program, and its only argument comes from the Makefile
"""Keep the locks in step with ``pyproject.toml``: ``lock.py UV`` writes them, ``lock.py --check`` looks.

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
LOCK_APART = ROOT / "requirements-mv.lock"
"""Of the extra ``mv`` alone, for an environment of its own: it is larger than all the others together."""
COMPILE = (
    "pip", "compile", "--python-version", "3.11", "--universal",
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
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    together = [f"--extra={extra}" for extra in extras if extra != "mv"]
    machine = [uv, *COMPILE, "pyproject.toml", *together, "--group", "dev", "--output-file", str(LOCK)]
    subprocess.run(machine, cwd=ROOT, check=True)
    LOCK.write_text(fingerprint_line() + "".join(_body()))
    apart = [uv, *COMPILE, "-", "--output-file", str(LOCK_APART)]
    subprocess.run(apart, cwd=ROOT, check=True, input="\n".join(extras["mv"]), text=True)


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
