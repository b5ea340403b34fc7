"""Combine what all processes measured, and report it once: a line, an XML for SonarQube, a table of modules.

Run by its path, by the Python that has `coverage`.
"""

from __future__ import annotations

import sys
from pathlib import Path

import coverage


def main(configuration: str, sources: str) -> str:
    """Write the reports.

    Args:
        configuration: of coverage; the data lie beside it.
        sources: a folder; its modules count also where no process imported them.

    Returns:
        the total in a line.
    """
    measured = coverage.Coverage(config_file=configuration)
    files = [str(file) for file in Path(configuration).parent.glob("data.*") if is_usable(str(file))]
    measured.combine(files, strict=True)
    for module in Path(sources).rglob("*.py"):
        measured.get_data().touch_file(str(module))
    measured.save()
    xml = Path(measured.config.xml_output)
    table = xml.with_suffix(".txt")
    with table.open("w", encoding="utf-8") as text:
        total = measured.report(file=text, show_missing=True, sort="-miss")
    measured.xml_report()
    name = Path(sources).name
    return f"coverage: {total:.1f} % of {name}/ (lines and branches, {len(files)} processes): {xml}, {table.name}"


def is_usable(file: str) -> bool:
    """Tell whether a process wrote its data to the end: it may have been killed while it did."""
    try:
        coverage.CoverageData(basename=file).read()
    except coverage.CoverageException:
        return False
    return True


if __name__ == "__main__":
    print(main(*sys.argv[1:]), flush=True)
