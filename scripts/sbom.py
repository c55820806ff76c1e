# ruff: noqa: INP001 - a program
"""Write the list of components (CycloneDX 1.6 JSON) from the lock files to the output: ``sbom.py >sbom.json``.

Every library with its version, its package URL and the hashes that the set-up holds it to; it needs no network, and the
same locks give the same list. Licences are those of what is installed here, so they are told where it is.
"""

import importlib.metadata
import json
import re
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
PIN = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^ ;\\]+)")
HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")
NAMESPACE = uuid.UUID("5f0c1f2a-52a1-4c1b-8a0e-7d3f7b1c9e02")
"""For serial numbers that follow from the content."""


def python_components(lock: str) -> Iterator[dict[str, Any]]:
    """Components of ``requirements.lock``; hashes are of all files of a version, of which a machine takes one."""
    for block in re.split(r"\n(?=[A-Za-z0-9])", lock):
        if pin := PIN.match(block):
            name, version = pin["name"].lower(), pin["version"]
            yield component(name, version, f"pkg:pypi/{name}@{version}") | {
                "properties": [{"name": "sha256", "value": digest} for digest in HASH.findall(block)],
                "licenses": licence_of(name),
            }


def npm_components(lock: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Components of ``package-lock.json``; what only builds and tests use is marked as excluded."""
    for path, entry in sorted(lock["packages"].items()):
        name = path.rpartition("node_modules/")[2]
        if name:
            package = f"pkg:npm/{name.replace('@', '%40')}@{entry['version']}"
            yield component(name, entry["version"], package) | {
                "scope": "excluded" if entry.get("dev") else "required",
                "properties": [{"name": "integrity", "value": entry["integrity"]}] if "integrity" in entry else [],
                "licenses": [{"license": {"name": entry["license"]}}] if "license" in entry else [],
            }


def component(name: str, version: str, package: str) -> dict[str, Any]:
    """What every component says."""
    return {"type": "library", "bom-ref": package, "name": name, "version": version, "purl": package}


def licence_of(name: str) -> list[dict[str, Any]]:
    """Licence by the metadata of what is installed; none when it is not."""
    try:
        about = importlib.metadata.metadata(name)
    except importlib.metadata.PackageNotFoundError:
        return []
    classes = [each.rpartition(" :: ")[2] for each in about.get_all("Classifier", []) if each.startswith("License ::")]
    told = about.get("License-Expression") or " AND ".join(classes) or about.get("License", "").partition("\n")[0]
    return [{"license": {"name": told[:100]}}] if told else []


def document() -> dict[str, Any]:
    """The whole list."""
    python = python_components((ROOT / "requirements.lock").read_text(encoding="utf-8"))
    npm = npm_components(json.loads((ROOT / "web" / "package-lock.json").read_text(encoding="utf-8")))
    components = [*python, *npm]
    serial = uuid.uuid5(NAMESPACE, "\n".join(each["purl"] for each in components))
    version = importlib.metadata.version("cityhall-bms")
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{serial}",
        "version": 1,
        "metadata": {"component": {"type": "application", "name": "cityhall-bms", "version": version}},
        "components": components,
    }


if __name__ == "__main__":
    json.dump(document(), sys.stdout, ensure_ascii=False, indent=1)
