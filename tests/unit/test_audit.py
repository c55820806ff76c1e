"""What is said of libraries that are known to be vulnerable, and of those about which nothing is known."""

import json
import subprocess
from typing import Any

import pytest
from scripts import audit, sbom

PYPI = {
    "dependencies": [
        {"name": "aiomqtt", "version": "2.5.1", "vulns": []},
        {"name": "old", "version": "1.0", "vulns": [{"id": "PYSEC-2026-7", "fix_versions": ["1.1"]}]},
        {"name": "strange", "skip_reason": "Dependency not found on PyPI and could not be audited: strange (1.0)"},
    ]
}
NPM = {"vulnerabilities": {"vite": {"severity": "high"}}, "metadata": {"dependencies": {"total": 134}}}
CLEAN = {"vulnerabilities": {}, "metadata": {"dependencies": {"total": 134}}}


def test_a_vulnerable_library_is_named_with_its_remedy() -> None:
    found = audit.of_pypi(json.dumps(PYPI))

    assert found.wrong == ["old 1.0: PYSEC-2026-7 (fixed in 1.1)"]
    assert "said nothing about 1 of 3 libraries: of those nothing is known" in audit.told(found)
    assert audit.of_npm(json.dumps(NPM)).wrong == ["vite (high)"]


@pytest.mark.parametrize(("pypi", "code"), [(PYPI, 1), ({"dependencies": PYPI["dependencies"][:1]}, 0)])
def test_it_ends_with_an_error_when_something_is_known(
    pypi: dict[str, Any], code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def answer(command: tuple[str, ...], **_: Any) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess(command, 0, json.dumps(pypi if command == audit.ASK_PYPI else CLEAN), "")

    monkeypatch.setattr(subprocess, "run", answer)

    assert audit.main() == code
    assert "npm knows of 0 vulnerable among 134 libraries" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("out", "error", "reason"),
    [
        ('{"message": "405 Method Not Allowed - POST advisories", "statusCode": 405}', "", "405 Method Not Allowed"),
        ("", "Traceback\nConnectionError: no route to host", "no route to host"),
        ("", "", "no answer"),
    ],
)
def test_a_registry_that_does_not_answer_is_never_taken_for_a_clean_one(
    out: str, error: str, reason: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(subprocess, "run", lambda command, **_: subprocess.CompletedProcess(command, 1, out, error))

    assert audit.main() == 0
    said = capsys.readouterr().out
    assert said.count("could NOT be asked, so nothing is known") == 2
    assert reason in said
    assert "vulnerable among" not in said


def test_the_list_of_components_names_every_locked_library_with_its_hashes() -> None:
    found = sbom.document()
    by_name = {each["name"]: each for each in found["components"]}

    assert (found["bomFormat"], found["specVersion"]) == ("CycloneDX", "1.6")
    assert by_name["fastapi"]["purl"].startswith("pkg:pypi/fastapi@")
    assert by_name["fastapi"]["licenses"] == [{"license": {"name": "MIT"}}]
    assert by_name["svelte"]["purl"].startswith("pkg:npm/svelte@")
    assert all(each["properties"] for each in found["components"])
    assert len({each["bom-ref"] for each in found["components"]}) == len(found["components"])
