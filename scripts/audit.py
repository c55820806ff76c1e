# ruff: noqa: INP001, S603, T201 - a program for the terminal; what it starts is fixed
"""Ask the registries whether a library in our locks is known to be vulnerable; what could not be asked is said.

Ends with 1 when one is. Without the registries, or with a mirror that does not know of vulnerabilities, it says so and
ends with 0: nothing is known then, which is not that nothing is wrong.
"""

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
LIMIT_S = 180.0
REQUEST_LIMIT_S = 10
ASK_PYPI = (
    sys.executable, "-m", "pip_audit", "--disable-pip", "--require-hashes", "-r", str(ROOT / "requirements.lock"),
    "--vulnerability-service", "pypi", "--format", "json", "--progress-spinner", "off",
    "--timeout", str(REQUEST_LIMIT_S),
)  # fmt: skip
ASK_NPM = (sys.executable, str(ROOT / "hatch_build.py"), "audit", "--json")


@dataclass(frozen=True)
class Found:
    """What a registry said: of how many libraries it was asked, of how many it said nothing, and what is wrong."""

    registry: str
    asked: int
    untold: int
    wrong: Sequence[str] = ()
    reason: str = ""


def of_pypi(text: str) -> Found:
    """Read pip-audit's answer; ``ValueError`` or ``KeyError`` when it is none."""
    libraries = json.loads(text)["dependencies"]
    wrong = [
        f"{each['name']} {each['version']}: {one['id']} (fixed in {', '.join(one['fix_versions']) or 'no version yet'})"
        for each in libraries
        for one in each.get("vulns", ())
    ]
    return Found("PyPI", len(libraries), sum("skip_reason" in each for each in libraries), wrong)


def of_npm(text: str) -> Found:
    """Read npm audit's answer; ``ValueError`` or ``KeyError`` when it is none."""
    answer = json.loads(text)
    count = answer["metadata"]["dependencies"]["total"]
    wrong = [f"{name} ({each['severity']})" for name, each in answer["vulnerabilities"].items()]
    return Found("npm", count, 0, wrong)


def ask(registry: str) -> Found:
    """Ask one registry."""
    command, read = (ASK_PYPI, of_pypi) if registry == "PyPI" else (ASK_NPM, of_npm)
    try:
        answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=LIMIT_S, check=False)
    except subprocess.TimeoutExpired:
        return Found(registry, 0, 0, reason=f"no answer within {LIMIT_S:.0f} s")
    try:
        return read(answer.stdout)
    except (ValueError, KeyError):
        return Found(registry, 0, 0, reason=reason_in(answer.stdout) or reason_in(answer.stderr) or "no answer")


def reason_in(text: str) -> str:
    """Why there is no answer: npm's own message, or the last line."""
    try:
        return str(json.loads(text)["message"])
    except (ValueError, KeyError):
        return text.strip().rpartition("\n")[2][:200]


def told(found: Found) -> str:
    """One line about a registry, and one for each library that is known to be wrong."""
    if found.reason:
        first = f"audit: {found.registry} could NOT be asked, so nothing is known ({found.reason})"
    elif found.untold:
        silent = f"{found.untold} of {found.asked} libraries: of those nothing is known"
        first = f"audit: {found.registry} said nothing about {silent}"
    else:
        first = f"audit: {found.registry} knows of {len(found.wrong)} vulnerable among {found.asked} libraries"
    return "\n".join([first, *(f"audit:   {line}" for line in found.wrong)])


def main() -> int:
    """Ask both; 1 when a library is known to be vulnerable."""
    answers = [ask("PyPI"), ask("npm")]
    for found in answers:
        print(told(found))
    return int(any(found.wrong for found in answers))


if __name__ == "__main__":
    sys.exit(main())
