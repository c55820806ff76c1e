"""Become another program that dies with its parent: ``python -I -S exec_wrapper.py OPTIONS -- PROGRAM ARGUMENTS``.

What it does must happen between fork and exec. ``preexec_fn`` would do it in the child of a program with threads,
where any lock may be held for ever; ``setpriv`` cannot notice that the parent died before it asked to be told.
It runs by its path, without the package and without site-packages, so that it costs 20 ms and imports nothing of ours.

The kernel sends the death signal when the *thread* that forked ends: start children from the main thread.
"""

import argparse
import ctypes
import os
import sys

PR_SET_PDEATHSIG = 1
PR_CAPBSET_READ = 23
PR_SET_SECUREBITS = 28
SECBIT_NO_SETUID_FIXUP = 1 << 2
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_RAISE = 2
CAP_DAC_OVERRIDE = 1
CAP_DAC_READ_SEARCH = 2
LINUX_CAPABILITY_VERSION_3 = 0x20080522
EXIT_PARENT_GONE = 125
EXIT_CANNOT_START = 127


class _CapabilityHeader(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _CapabilityData(ctypes.Structure):
    _fields_ = (("effective", ctypes.c_uint32), ("permitted", ctypes.c_uint32), ("inheritable", ctypes.c_uint32))


_libc = ctypes.CDLL(None, use_errno=True)


def _prctl(option: int, second: int, third: int = 0) -> int:
    result = int(_libc.prctl(option, *(ctypes.c_ulong(value) for value in (second, third, 0, 0))))
    if result < 0:
        raise OSError(ctypes.get_errno(), f"prctl {option}: {os.strerror(ctypes.get_errno())}")
    return result


def _keep_capability(number: int) -> None:
    """Hold exactly one capability, also over the coming exec."""
    header = _CapabilityHeader(LINUX_CAPABILITY_VERSION_3, 0)
    data = (_CapabilityData * 2)()
    data[0] = _CapabilityData(1 << number, 1 << number, 1 << number)
    if _libc.capset(ctypes.byref(header), data) != 0:
        raise OSError(ctypes.get_errno(), f"capset: {os.strerror(ctypes.get_errno())}")
    _prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, number)


def _drop_to(uid: int, gid: int, *, pass_folders: bool) -> None:
    """Become ``uid``; with ``pass_folders`` still able to walk through folders that only root may enter."""
    if pass_folders:
        # Else the change of account takes the capability, and access(2), with which initdb looks for its own
        # program, would ignore it.
        _prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP)
    os.setgroups([])
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)
    if pass_folders:
        # Reading is enough; a container's root often has only the stronger one.
        weakest = CAP_DAC_READ_SEARCH if _prctl(PR_CAPBSET_READ, CAP_DAC_READ_SEARCH) else CAP_DAC_OVERRIDE
        _keep_capability(weakest)


def main() -> int:
    """Prepare this process and replace it by the program; returns only if that failed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--parent", type=int, required=True, help="pid of the process to die with")
    parser.add_argument("--death-signal", type=int, required=True)
    parser.add_argument("--uid", type=int)
    parser.add_argument("--gid", type=int)
    parser.add_argument("--pass-folders", action="store_true")
    parser.add_argument("program", nargs="+")
    options = parser.parse_args()
    try:
        os.setsid()
        os.umask(0o077)
        if options.uid is not None:
            _drop_to(options.uid, options.gid, pass_folders=options.pass_folders)
        # After the change of account: changing it clears the death signal.
        _prctl(PR_SET_PDEATHSIG, options.death_signal)
        # After asking: a parent that died before will never be reported.
        if os.getppid() != options.parent:
            return EXIT_PARENT_GONE
        os.execv(options.program[0], options.program)  # noqa: S606 - a shell is what we avoid
    except OSError as error:
        sys.stderr.write(f"cannot start {options.program[0]}: {error}\n")
    return EXIT_CANNOT_START


if __name__ == "__main__":
    sys.exit(main())
