"""``verify-export`` on the command line: off line, in both languages, with an exit status."""

import hashlib
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cityhall_bms.adapters.signing import Signer
from cityhall_bms.cli import app
from cityhall_bms.exports.manifest import Findings, describe, signed
from cityhall_bms.ports.exports import Export, ExportKind, ExportPoint, ExportQuery, FileFacts, LogRange
from cityhall_bms.ports.history import Window

DATA = b"\xef\xbb\xbfTime,Value\r\n1,2\r\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """An exported file with its manifest beside it."""
    query = ExportQuery("TCH", [ExportPoint(1, "A", "")], Window(0, 1), 1, "Asia/Taipei")
    facts = FileFacts("x.csv", 1, len(DATA), hashlib.sha256(DATA).hexdigest(), {})
    export = Export("x-1", ExportKind.COMMAND, "auditor", 1, query, {})
    manifest = describe(export, Findings(facts, {}, LogRange(0, 0, ""), [], [], 0))
    path = tmp_path / "x.csv"
    path.write_bytes(DATA)
    text = signed(manifest, Signer.load_or_create(tmp_path / "keys"))
    path.with_name("x.csv.manifest.json").write_text(text, encoding="utf-8")
    return path


def verify(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["verify-export", *map(str, arguments)])
    return result.exit_code, result.output


def test_a_file_with_a_trusted_key_is_proven(file: Path) -> None:
    [key] = (file.parent / "keys").glob("public-*.pem")

    status, output = verify(file, "--key", key)

    assert (status, output.count("✔")) == (0, 4)
    assert "由您信任的金鑰簽署" in output
    assert "the key that you trust signed it" in output


def test_without_a_key_it_says_what_is_not_proven(file: Path) -> None:
    status, output = verify(file)

    assert (status, output.count("✔"), output.count("?")) == (0, 3, 1)
    assert "name the key that you trust with --key" in output


def test_a_changed_file_ends_with_one(file: Path) -> None:
    file.write_bytes(DATA.replace(b"2", b"3"))

    status, output = verify(file)

    assert (status, output.count("✘")) == (1, 1)
    assert "檔案內容與清單不符" in output


def test_what_is_missing_is_named(file: Path, tmp_path: Path) -> None:
    for arguments in ([tmp_path / "none.csv"], [file, "--key", tmp_path / "none.pem"], [file, "--manifest", file]):
        status, output = verify(*arguments)
        assert status == 1
        assert "錯誤 error:" in output
