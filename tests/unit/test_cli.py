"""The command line ends well: a clear sentence and an exit status, never a traceback."""

from pathlib import Path

import pytest
from tests.support.sites import write_site
from typer.testing import CliRunner

from cityhall_bms.cli import app


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, arguments)
    return result.exit_code, result.output


def test_a_good_folder_is_counted(tmp_path: Path) -> None:
    write_site(tmp_path)
    profile = tmp_path / "profiles" / "chiller.toml"
    profile.write_text(profile.read_text().replace("input:{equipment}", "input:110"))

    status, output = run("check", str(tmp_path))

    assert status == 0, output
    assert "沒有錯誤 no mistakes: 2 devices, 3 equipment, 4 points" in output


def test_every_mistake_of_folder_and_rules_is_told(tmp_path: Path) -> None:
    write_site(tmp_path)
    (tmp_path / "site.toml").write_text((tmp_path / "site.toml").read_text().replace("time_zone", "time_zome"))

    status, output = run("check", str(tmp_path))

    assert status == 1
    assert "site.toml:5: [site] time_zome" in output
    assert "points.csv:3: address" in output


def test_a_mistake_in_a_rule_of_the_site_names_file_and_line(tmp_path: Path) -> None:
    write_site(tmp_path)
    profile = tmp_path / "profiles" / "chiller.toml"
    profile.write_text(profile.read_text().replace("input:{equipment}", "input:110"))
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "own.toml").write_text(
        '[[rule]]\nid = "X"\nequipment_class = "any"\ncondition = "kW > 1 kW"\nconditon = "x"\n'
    )

    status, output = run("check", str(tmp_path))

    assert status == 1
    assert "rules/own.toml:5:" in output
    assert "did you mean 'condition'?" in output


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["check", "/nowhere/at/all"], "name the folder that holds site.toml"),
        (["serve", "/nowhere/at/all", "--roles", "nobody"], "there is no role 'nobody'"),
        (["serve", "/nowhere/at/all", "--config", "/nowhere.toml"], "there is no such file"),
        (["demo", "--site", "nowhere"], "site.toml"),
        (
            ["redecode", "/nowhere", "--device", "em-1", "--from", "2026-07-01", "--until", "2026-07-02"],
            "name the folder that holds site.toml",
        ),
        (["demo", "--fault", "soon"], "chiller_trip@20+30"),
    ],
)
def test_a_wrong_call_says_what_to_do(arguments: list[str], words: str) -> None:
    status, output = run(*arguments)

    assert status == 1
    assert words in output
    assert "Traceback" not in output
