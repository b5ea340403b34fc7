"""Write a matrix as Markdown, as the summary of a run is: for the page that GitHub shows of a job, a chat, an issue."""

from __future__ import annotations

from typing import List

from ..console import counted
from ..proof import matrix_text
from ..proof.matrix import Matrix
from ..proof.report_text import SHOWN
from . import summary

FILE_NAME = "matrix.md"


def markdown(matrix: Matrix) -> str:
    """Write the summary of a matrix: its legs, what was found, and the tests that are red or differ."""
    header, rows = matrix_text.legs(matrix)
    parts = [
        [f"## {summary.text(_sentence(matrix))}"],
        summary.table(header, [[summary.text(cell) for cell in row] for row in rows]),
        [f"- {summary.text(finding.text)}" for finding in matrix.findings],
        [f"- {summary.text(line)}" for line in matrix_text.unfit(matrix)],
        _differing(matrix),
        [summary.text(line) for line in matrix_text.same(matrix)],
    ]
    return "\n\n".join("\n".join(part) for part in parts if part) + "\n"


def _sentence(matrix: Matrix) -> str:
    legs = counted(len(matrix.legs), "Python")
    return f"{matrix.ended} on Python {', '.join(matrix.red)}, of {legs}" if matrix.red else f"{matrix.ended} on {legs}"


def _differing(matrix: Matrix) -> List[str]:
    header, rows = matrix_text.differing(matrix)
    cells = [[*row[:-1], summary.code(row[-1])] for row in rows[:SHOWN]]
    more = ["", f"... and {len(rows) - SHOWN} more"] if len(rows) > SHOWN else []
    return [*summary.table(header, cells), *more] if rows else []
