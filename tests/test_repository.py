"""What holds for the repository as a whole: sizes, words, the lock."""

import ast
import importlib.util
import re
import subprocess
from functools import cache
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[1]
CODE = ("src", "drivers", "simulators", "tests", "benchmarks", "scripts")
LINES_PER_FILE_MAX = 400
LINES_PER_FUNCTION_MAX = 60

# Put together here, so that this file does not contain them.
FORBIDDEN = (
    "/" + "work/",
    "/tmp/" + "brief",
    "/root/" + ".pyenv",
    "/opt/" + "pypi",
    "/opt/" + "wheels",
    "." + "library/",
    "registry." + "npmjs.org",
    "files." + "pythonhosted.org",
    "pypi." + "org/simple",
    "deb." + "debian.org",
    "extra-index" + "-url",
)


@cache
def listed_files() -> list[Path]:
    """Every file that is in the repository, or would be if everything were added."""
    command = ["git", "-c", "safe.directory=*", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    names = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout.decode().split("\0")
    return [path for name in names if name and (path := ROOT / name).is_file()]


def python_files() -> list[Path]:
    return [path for path in listed_files() if path.suffix == ".py" and path.relative_to(ROOT).parts[0] in CODE]


def long_functions(source: str) -> list[str]:
    """Name the functions above the bound, with their length; the docstring counts, decorators do not."""
    return [
        f"{node.name}: {length}"
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (length := (node.end_lineno or node.lineno) - node.lineno + 1) > LINES_PER_FUNCTION_MAX
    ]


def forbidden_words(text: str) -> list[str]:
    return [word for word in FORBIDDEN if word in text]


def test_the_checks_find_what_they_look_for() -> None:
    assert long_functions("def f():\n" + "    pass\n" * 60) == ["f: 61"]
    assert long_functions("def f():\n" + "    pass\n" * 59) == []
    assert forbidden_words("see /" + "work/main") == ["/" + "work/"]


def test_there_is_something_to_check() -> None:
    assert len(python_files()) > 50


def test_no_file_is_longer_than_a_reader_can_hold() -> None:
    lengths = {path.relative_to(ROOT): len(path.read_text().splitlines()) for path in python_files()}

    assert {path: length for path, length in lengths.items() if length > LINES_PER_FILE_MAX} == {}


def test_no_function_is_longer_than_a_screen() -> None:
    found = {path.relative_to(ROOT): long_functions(path.read_text()) for path in python_files()}

    assert {path: names for path, names in found.items() if names} == {}


def test_every_module_says_what_it_is() -> None:
    silent = [
        path.relative_to(ROOT)
        for path in python_files()
        if path.read_text().strip() and ast.get_docstring(ast.parse(path.read_text())) is None
    ]

    assert silent == []


def test_nothing_names_the_machine_it_was_written_on() -> None:
    found = {}
    for path in listed_files():
        try:
            words = forbidden_words(path.read_text())
        except UnicodeDecodeError:
            continue
        if words:
            found[path.relative_to(ROOT)] = words

    assert found == {}


def test_the_locks_name_no_host() -> None:
    for name in ("requirements.lock", "web/package-lock.json"):
        lock = ROOT / name
        # Funding links of the packages' authors are no source of packages.
        lines = [line for line in lock.read_text().splitlines() if re.search(r"(https?|file|git\+\w+):/", line)]
        assert [line for line in lines if "resolved" in line or lock.suffix == ".lock"] == []


def test_everything_that_is_installed_is_locked_with_its_hash() -> None:
    lock = (ROOT / "requirements.lock").read_text()
    packages = re.findall(r"^([a-z0-9][\w.-]*)(\[[^]]*\])?==(\S+)", lock, re.MULTILINE)
    unhashed = re.findall(r"^([a-z0-9][\w.-]*==\S+)(?! .*\\)$", lock, re.MULTILINE)

    assert len(packages) > 40
    assert unhashed == []


@pytest.fixture
def lock_script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("lock", ROOT / "scripts" / "lock.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_lock_is_in_step_with_what_the_project_asks_for(
    lock_script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert lock_script.is_in_step()

    changed = (ROOT / "pyproject.toml").read_text().replace('"asyncpg>=', '"asyncpg>=0.1,')
    (tmp_path / "pyproject.toml").write_text(changed)
    monkeypatch.setattr(lock_script, "ROOT", tmp_path)
    assert not lock_script.is_in_step()
