"""A bar on stderr for work that goes day by day; nothing where no person looks."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn


@contextmanager
def day_bar() -> Iterator[Callable[[int, int], None]]:
    """Give what draws the bar: to be called with the days that are done and the days of all."""
    console = Console(stderr=True)
    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("天 days"), TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=None)
        yield lambda done, days: bar.update(task, completed=done, total=days)


@contextmanager
def share_bar() -> Iterator[Callable[[float, int, int], None]]:
    """Give what draws a bar: to be called with the share that is done, and with rows and bytes so far."""
    console = Console(stderr=True)
    columns = (BarColumn(), TextColumn("{task.percentage:.0f} % {task.fields[size]}"), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=1.0, size="")
        yield lambda share, rows, size: bar.update(task, completed=share, size=f"{rows:,} 列 rows, {size:,} bytes")


@contextmanager
def part_bar() -> Iterator[Callable[[float], None]]:
    """Give what draws a bar: to be called with the share that is done."""
    console = Console(stderr=True)
    columns = (BarColumn(), TextColumn("{task.percentage:.0f} %"), TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=1.0)
        yield lambda share: bar.update(task, completed=share)
