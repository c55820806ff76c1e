"""Problems of a site folder, as text for people."""

from collections.abc import Sequence

from cityhall_bms.domain.errors import Problem


def render_problems(problems: Sequence[Problem]) -> str:
    """One line per problem, by file and line, and their number at the end; empty when there is none."""
    if not problems:
        return ""
    lines = [str(problem) for problem in sorted(problems)]
    noun = "problem" if len(lines) == 1 else "problems"
    return "\n".join([*lines, f"共 {len(lines)} 個問題 / {len(lines)} {noun}"])
