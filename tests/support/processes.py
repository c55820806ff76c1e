"""What the kernel says about a process."""

import re
from pathlib import Path


def alive(pid: int) -> bool:
    """Say whether a process exists and is no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def listening_tcp_ports(pid: int) -> set[int]:
    """Return the TCP ports that a process listens on, over IPv4 and IPv6."""
    inodes = set()
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        found = re.fullmatch(r"socket:\[(\d+)\]", str(descriptor.readlink()))
        if found:
            inodes.add(found[1])
    rows = [
        line.split()
        for file in ("tcp", "tcp6")
        for line in Path(f"/proc/{pid}/net/{file}").read_text().splitlines()[1:]
    ]
    return {int(row[1].rpartition(":")[2], 16) for row in rows if row[3] == "0A" and row[9] in inodes}


def effective_capabilities(pid: int) -> int:
    """Return the bits of what a process may do beyond its account."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"^CapEff:\s*([0-9a-f]+)", status, re.MULTILINE)[1], 16)  # type: ignore[index]


def needs_no_right(program: Path) -> bool:
    """Say whether every account can reach a program (a checkout in root's home is closed to the others)."""
    return all(folder.stat().st_mode & 0o001 for folder in program.resolve().parents)


def account_of(pid: int) -> int:
    """Return the user id that a process runs under."""
    return Path(f"/proc/{pid}").stat().st_uid
