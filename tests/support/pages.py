"""The documentation, as tests read it: pages, fenced blocks, tables, commands."""

import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"

FENCE = re.compile(r"^```(?P<info>[^\n]*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
INLINE_CODE = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\[[^\]\n]*\]\((?P<target>[^)\s]+)\)")
HEADING = re.compile(r"^#{1,6} +(?P<text>.+?) *$", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """A fenced block: what its first line says, and its text."""

    info: str
    text: str


@cache
def pages() -> list[Path]:
    """Every Markdown page of the project, in the repository or about to be."""
    command = ["git", "-c", "safe.directory=*", "ls-files", "--cached", "--others", "--exclude-standard", "-z", "*.md"]
    names = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout.decode().split("\0")
    return sorted(path for name in names if name and (path := ROOT / name).is_file())


def text_of(name: str) -> str:
    """Text of a page below docs/."""
    return (DOCS / name).read_text(encoding="utf-8")


def blocks(page: str, info: str) -> list[str]:
    """Texts of the fenced blocks of a page whose first line begins like that."""
    return [found["text"] for found in FENCE.finditer(page) if found["info"].startswith(info)]


def links(page: str) -> list[str]:
    """Targets of all links outside of code."""
    return [found["target"] for found in LINK.finditer(INLINE_CODE.sub("", FENCE.sub("", page)))]


def anchors(page: str) -> set[str]:
    """Names that headings of a page can be linked by."""
    texts = (found["text"].lower() for found in HEADING.finditer(FENCE.sub("", page)))
    return {re.sub(r"[^\w\- ]", "", text).replace(" ", "-") for text in texts}


def table(page: str, first_heading: str) -> list[list[str]]:
    """Rows of the table whose first column has that heading, cells without backquotes."""
    lines = iter(page.splitlines())
    for line in lines:
        if _cells(line)[:1] == [first_heading]:
            next(lines)
            return [_cells(row) for row in _while_table(lines)]
    msg = f"there is no table that begins with {first_heading}"
    raise AssertionError(msg)


def _while_table(lines: Iterator[str]) -> Iterator[str]:
    for line in lines:
        if not line.startswith("|"):
            return
        yield line


def _cells(line: str) -> list[str]:
    return [cell.strip().replace("`", "") for cell in line.strip().strip("|").split("|")]


def commands(page: str) -> list[str]:
    """Shell commands that a page shows, in fenced ``sh`` blocks and in running text; one line each."""
    shown = [line for block in blocks(page, "sh") for line in block.splitlines()]
    shown += INLINE_CODE.findall(FENCE.sub("", page))
    return [part.strip() for line in shown for part in re.split(r"&&|;", line.partition(" #")[0]) if part.strip()]
