"""Every command that a page shows exists, with the options that it shows."""

import re
from pathlib import Path

import pytest
from tests.support.pages import ROOT, commands, pages, table, text_of
from tests.support.programs import options_of, subcommands, wrong_call

BOTH_LANGUAGES = re.compile(r".*[\u4e00-\u9fff].* / .*[a-z]", re.DOTALL)
OURS = re.compile(r"(\S*/)?(cityhall-(bms|sim)|make) ")


def shown_on(page: Path) -> list[str]:
    return commands(page.read_text(encoding="utf-8"))


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_on_a_page_exists_with_its_options(page: Path) -> None:
    assert {command: wrong_call(command) for command in shown_on(page) if wrong_call(command)} == {}


@pytest.mark.parametrize(
    ("shown", "mistake"),
    [
        ("cityhall-bms chekc SITE", "there is no chekc"),
        (".venv/bin/cityhall-bms serve SITE --prot 1", "serve has no --prot"),
        ("cityhall-sim fault chiller_trip on --site small", "fault has no --site"),
        ("cityhall-bms rules list --site SITE", None),
        ("cityhall-bms rules list --sitte SITE", "rules list has no --sitte"),
        ("make demmo", "make has no demmo"),
        ("make torture CYCLE=5", "make has no CYCLE=5"),
        ("make torture CYCLES=5", None),
        ('make demo ARGS="--form 60"', "demo has no --form"),
        ('make demo ARGS="--for 60"', None),
        ("BMS=1 cityhall-bms check SITE", None),
        ("journalctl -u cityhall-bms -f", None),
    ],
)
def test_the_check_finds_what_it_looks_for(shown: str, mistake: str | None) -> None:
    assert wrong_call(shown) == mistake


def test_pages_show_enough_commands_to_be_worth_checking() -> None:
    assert len([command for page in pages() for command in shown_on(page) if OURS.match(command)]) > 40


def test_the_simulators_page_names_every_option_of_run_and_every_command() -> None:
    page = text_of("reference/simulator.md")

    assert [row[0] for row in table(page, "Option of run")] == options_of("cityhall-sim", "run")
    for command in subcommands("cityhall-sim"):
        assert f"cityhall-sim {command}" in page


def test_every_help_text_of_the_simulator_is_chinese_first_and_english_second() -> None:
    texts = {
        f"{name} {part.name}": part.help or ""
        for name, command in subcommands("cityhall-sim").items()
        for part in (command, *command.params)
    }
    assert len(texts) > 30
    assert [name for name, text in texts.items() if not BOTH_LANGUAGES.match(text)] == []
