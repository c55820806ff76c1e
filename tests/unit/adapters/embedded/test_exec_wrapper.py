"""What happens between fork and exec."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from cityhall_bms.adapters.embedded import exec_wrapper
from cityhall_bms.adapters.embedded.child import EXEC_WRAPPER

SHOW_SELF = "import os; print(os.getsid(0) == os.getpid(), oct(os.umask(0)), os.getppid())"


def wrapped(*program: str, parent: int) -> subprocess.CompletedProcess[str]:
    options = (f"--parent={parent}", f"--death-signal={int(signal.SIGTERM)}", "--")
    command = (sys.executable, "-I", "-S", str(EXEC_WRAPPER), *options, *program)
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)


def test_a_child_whose_parent_has_already_died_does_not_start() -> None:
    result = wrapped(sys.executable, "-c", "print('started')", parent=1)

    assert (result.returncode, result.stdout) == (exec_wrapper.EXIT_PARENT_GONE, "")


def test_a_child_has_its_own_session_and_makes_private_files() -> None:
    result = wrapped(sys.executable, "-c", SHOW_SELF, parent=os.getpid())

    assert result.stdout.split() == ["True", "0o77", str(os.getpid())], result.stderr


def test_a_program_that_is_not_there_is_named(tmp_path: Path) -> None:
    result = wrapped(str(tmp_path / "missing"), parent=os.getpid())

    assert result.returncode == exec_wrapper.EXIT_CANNOT_START
    assert str(tmp_path / "missing") in result.stderr
