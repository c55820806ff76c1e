"""Whatever is changed in a file or its manifest is found, and what is not proven is said."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cityhall_bms.adapters.export_files.counting import measured
from cityhall_bms.adapters.signing import Signer, key_id_of
from cityhall_bms.adapters.signing import verify as check_signature
from cityhall_bms.exports.certificate import PointCoverage
from cityhall_bms.exports.manifest import Findings, ManifestError, describe, parse, signed
from cityhall_bms.exports.verification import Check, Seals, Verdict, holds, verify
from cityhall_bms.ports.exports import (
    Export,
    ExportKind,
    ExportPoint,
    ExportQuery,
    FileFacts,
    LogRange,
    PointCounts,
    Restated,
)
from cityhall_bms.ports.history import Window

DATA = b"\xef\xbb\xbfLocal time,Value\r\n2026,1\r\n2027,2\r\n"
POINT = ExportPoint(1, "AHU01.SAT", "°C", "ahu01")
QUERY = ExportQuery("TCH", [POINT], Window(0, 60_000_000), 90_000_000, "Asia/Taipei")
EXPORT = Export("x-1", ExportKind.JOB, "王小明", 1, QUERY, {"rules": {"sat_high": 3}})
PROVEN = [Verdict.PROVEN] * 4


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("proof")


@pytest.fixture(scope="module")
def signer(folder: Path) -> Signer:
    return Signer.load_or_create(folder / "keys")


def manifest_text(signer: Signer, data: bytes = DATA, rows: int = 2) -> str:
    file = FileFacts("x.csv", rows, len(data), hashlib.sha256(data).hexdigest(), {})
    coverage = [PointCoverage.of(POINT, PointCounts(2, 0, 0), 0.5, [], QUERY)]
    restated = [Restated(4, 70_000_000, "SamplesRestated", {"points": ["AHU01.SAT"]})]
    found = Findings(file, {"cityhall-bms": "0.1.0"}, LogRange(1, 4, "ab"), coverage, restated, 1)
    return signed(describe(EXPORT, found), signer)


def proof(folder: Path, text: str, data: bytes = DATA, key: str | None = None) -> list[Check]:
    (folder / "x.csv").write_bytes(data)
    manifest = parse(text)
    return verify(manifest, measured(folder / "x.csv", manifest), Seals(check_signature, key_id_of), key)


def test_an_untouched_file_is_proven_and_says_so_in_both_languages(folder: Path, signer: Signer) -> None:
    checks = proof(folder, manifest_text(signer), key=signer.public_pem)
    assert [check.verdict for check in checks] == PROVEN
    assert holds(checks)
    assert "檔案內容與清單相符" in str(checks[0])
    assert "the file is the one of the manifest" in str(checks[0])


def test_a_key_that_nobody_vouches_for_is_open_and_another_key_is_false(
    folder: Path, signer: Signer, tmp_path: Path
) -> None:
    text = manifest_text(signer)
    unpinned = proof(folder, text)
    assert [check.verdict for check in unpinned] == [*PROVEN[:3], Verdict.OPEN]
    assert holds(unpinned)
    stranger = Signer.load_or_create(tmp_path / "keys")
    assert not holds(proof(folder, text, key=stranger.public_pem))
    forged = manifest_text(stranger)
    assert holds(proof(folder, forged))
    assert not holds(proof(folder, forged, key=signer.public_pem))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(place=st.integers(0, len(DATA) - 1), mask=st.integers(1, 255))
def test_any_changed_byte_of_the_file_is_found(folder: Path, signer: Signer, place: int, mask: int) -> None:
    data = bytearray(DATA)
    data[place] ^= mask
    assert not holds(proof(folder, manifest_text(signer), bytes(data)))


@given(cut=st.integers(0, len(DATA) - 1))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20)
def test_a_file_that_is_cut_off_is_found(folder: Path, signer: Signer, cut: int) -> None:
    assert not holds(proof(folder, manifest_text(signer), DATA[:cut]))


def leaves(tree: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    items = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    inner = [leaf for key, value in items for leaf in leaves(value, (*path, key))]
    return inner or [path]


def test_any_changed_value_of_the_manifest_is_found(folder: Path, signer: Signer) -> None:
    manifest = json.loads(manifest_text(signer))
    found = 0
    for path in leaves(manifest):
        if path[0] in {"kind", "version"} or path == ("signature", "public_key"):
            continue  # without these it is no manifest; and PEM does not care what stands after it
        changed = json.loads(json.dumps(manifest))
        inner = changed
        for key in path[:-1]:
            inner = inner[key]
        before = inner[path[-1]]
        inner[path[-1]] = before + 1 if isinstance(before, int | float) else f"{before or ''}x"
        checks = proof(folder, json.dumps(changed), key=signer.public_pem)
        assert not holds(checks), path
        found += 1
    assert found > 30


def test_another_number_of_rows_is_found_even_if_it_is_signed(folder: Path, signer: Signer) -> None:
    checks = proof(folder, manifest_text(signer, rows=3), key=signer.public_pem)
    assert [check.verdict for check in checks] == [Verdict.PROVEN, Verdict.FALSE, Verdict.PROVEN, Verdict.PROVEN]


@pytest.mark.parametrize(
    "text",
    ["", "{}", "[1]", '{"kind": "cityhall-bms-export", "version": 2}', '{"kind": "cityhall-bms-export", "version": 1}'],
)
def test_what_is_no_manifest_is_refused(text: str) -> None:
    with pytest.raises(ManifestError):
        parse(text)
