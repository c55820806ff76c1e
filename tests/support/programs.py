"""Our commands as the command line knows them, and what is wrong with a call that somebody writes down."""

import re
import shlex
from functools import cache
from pathlib import Path
from typing import Any

import typer.main
from tests.support.pages import ROOT
from typer.core import TyperGroup

import cityhall_bms.cli
import cityhall_simulators.cli

MODULES = {"cityhall-bms": cityhall_bms.cli, "cityhall-sim": cityhall_simulators.cli}
TARGET = re.compile(r"^([a-z-]+):.*## ", re.MULTILINE)
VARIABLE = re.compile(r"\$\(([A-Z]+)\)")
HELP = "--help"


@cache
def subcommands(program: str) -> dict[str, Any]:
    """Commands of a program by name; what ``--help`` prints is made from them."""
    group = typer.main.get_command(MODULES[program].app)
    assert isinstance(group, TyperGroup)
    return dict(group.commands)


@cache
def nested(program: str) -> dict[str, Any]:
    """Commands of a program, and those within a command as ``rules list``."""
    found = subcommands(program)
    within = {
        f"{name} {inner}": command
        for name, group in found.items()
        if isinstance(group, TyperGroup)
        for inner, command in group.commands.items()
    }
    return found | within


def options_of(program: str, command: str) -> list[str]:
    """Options of a command, in the order of its help."""
    parameters = nested(program)[command].params
    return [name for parameter in parameters if parameter.param_type_name == "option" for name in parameter.opts]


def wrong_call(shown: str) -> str | None:
    """Say what is wrong with a shell command; none when it is right, or is none of ours."""
    try:
        words = shlex.split(shown)
    except ValueError:
        return None
    while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
        words.pop(0)
    if not words:
        return None
    if words[0] == "make":
        return _wrong_target(words[1:])
    program = Path(words[0]).name
    return _wrong_arguments(program, words[1:]) if program in MODULES else None


def _wrong_target(words: list[str]) -> str | None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    known = {*TARGET.findall(makefile), *VARIABLE.findall(makefile)}
    for word in words:
        if word.split("=", 1)[0] not in known:
            return f"make has no {word}"
        if word.startswith("ARGS=") and words[0] == "demo":
            return _wrong_arguments("cityhall-bms", ["demo", *shlex.split(word.removeprefix("ARGS="))])
    return None


def _wrong_arguments(program: str, words: list[str]) -> str | None:
    if not words or words == [HELP]:
        return None
    if words[0] not in subcommands(program):
        return f"there is no {words[0]}"
    inner = " ".join(words[:2])
    command = inner if inner in nested(program) else words[0]
    given = {word.partition("=")[0] for word in words[1:] if word.startswith("-")}
    unknown = sorted(given - {*options_of(program, command), HELP})
    return f"{command} has no {', '.join(unknown)}" if unknown else None
