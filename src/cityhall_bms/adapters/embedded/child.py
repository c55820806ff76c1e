"""A child process that dies with us, runs without rights, and is stopped within a deadline."""

import asyncio
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from cityhall_bms.adapters.embedded.accounts import Account, cannot_pass, may_enter
from cityhall_bms.adapters.embedded.errors import EmbeddedServiceError

EXEC_WRAPPER: Final = Path(__file__).with_name("exec_wrapper.py")
ENVIRONMENT: Final[Mapping[str, str]] = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}
"""All that a service gets: no secret of ours, no setting of the user's shell."""

AFTER_KILL_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class ChildPlan:
    """What to run, and how."""

    arguments: tuple[str, ...]
    cwd: Path
    log: Path | None
    """Where its output is appended; none = our own output."""
    death_signal: signal.Signals
    account: Account | None = None
    keep_open: tuple[int, ...] = ()
    """Descriptors that the child inherits; a lock among them is held for as long as the child lives."""
    environment: Mapping[str, str] = field(default_factory=lambda: ENVIRONMENT)

    @property
    def program(self) -> Path:
        """The program's file."""
        return Path(self.arguments[0])


@dataclass(frozen=True, slots=True)
class StopStep:
    """A signal, and how long to wait for its effect."""

    number: signal.Signals
    patience_s: float


class Child:
    """One running child; made by :func:`start_child`."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @property
    def pid(self) -> int:
        """Its process id, which is also its group's and its session's."""
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs; minus the signal's number if a signal ended it."""
        return self._process.returncode

    async def wait(self) -> int:
        """Wait for its end."""
        return await self._process.wait()

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal; harmless when it has ended."""
        with suppress(ProcessLookupError):
            self._process.send_signal(number)

    async def stop(self, steps: Sequence[StopStep]) -> None:
        """End it: one signal after the other, and finally its whole group by force. Harmless when it has ended."""
        for step in steps:
            if self.exit_code is not None:
                return
            self.signal(step.number)
            if await self.ended_within(step.patience_s):
                return
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        await self.ended_within(AFTER_KILL_S)

    async def ended_within(self, seconds: float) -> bool:
        """Wait for its end at most so long; False = it still runs."""
        try:
            async with asyncio.timeout(seconds):
                await self._process.wait()
        except TimeoutError:
            return False
        return True


async def start_child(plan: ChildPlan) -> Child:
    """Start it in a session of its own (Ctrl-C reaches us first), output appended to its log.

    Call from the main thread: the kernel ties the child's life to the thread that forks it.
    """
    with plan.log.open("ab") if plan.log is not None else nullcontext() as output:
        process = await asyncio.create_subprocess_exec(
            *_command(plan),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=plan.cwd,
            env=dict(plan.environment),
            pass_fds=plan.keep_open,
        )
    return Child(process)


def _command(plan: ChildPlan) -> list[str]:
    options = [f"--parent={os.getpid()}", f"--death-signal={int(plan.death_signal)}"]
    if plan.account is not None:
        options += [f"--uid={plan.account.uid}", f"--gid={plan.account.gid}"]
        if not may_enter(plan.program.stat(), plan.account):
            msg = f"{plan.program} may not be run by account {plan.account.uid}: chmod -R go+rX {sys.prefix}"
            raise EmbeddedServiceError(msg)
        if cannot_pass(plan.program, plan.account) or cannot_pass(plan.cwd, plan.account):
            options.append("--pass-folders")
    return [sys.executable, "-I", "-S", str(EXEC_WRAPPER), *options, "--", *plan.arguments]
