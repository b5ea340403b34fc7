"""What a shard measured of coverage, and what the suite wants to be made of it: as journal and receipt have it."""

from __future__ import annotations

import re
from typing import Any, Dict, Mapping, NamedTuple, Optional, Sequence, Tuple

PYTEST_COV, COVERAGE_RUN = "pytest-cov", "coverage run"
MOST_TEXT = 4096  # characters of a path or name
_FILE = re.compile(r"coverage/(?!\.\.?$)[^/\0]+")


class Wishes(NamedTuple):
    """What the suite asks of coverage, by the options of pytest-cov or by `coverage run` in its command.

    Args:
        by: PYTEST_COV or COVERAGE_RUN, which makes no reports and judges nothing.
        config: the configuration file, from the folder pytest is started in; empty for what coverage finds by itself.
        source: what is measured; None for what the configuration says.
        reports: by kind (term, html, xml ...) where they go, or term's "skip-covered"; empty for the usual place.
        fail_under: in percent; 0 for none.
        precision: digits behind the point; None where pytest-cov knows none, and compares without rounding.
        data_file: where the data go, if the command says so.
        parallel: the command leaves a data file of each process, for `coverage combine`.
    """

    by: str = PYTEST_COV
    config: str = ""
    source: Optional[Tuple[str, ...]] = None
    branch: bool = False
    append: bool = False
    reports: Tuple[Tuple[str, str], ...] = ()
    fail_under: float = 0.0
    precision: Optional[int] = None
    no_report_on_failure: bool = False
    data_file: str = ""
    parallel: bool = False


class Measured(NamedTuple):
    """What a shard measured.

    Args:
        root: the folder of its repository there: sources lie below it, and may lie elsewhere where they are reported.
        files: the sha-256 of each file of data, by its name in the shard's folder.
        lost: the rounds that ran tests, and whose data were not saved or are not there.
    """

    wishes: Wishes
    root: str = ""
    files: Mapping[str, str] = {}
    lost: Tuple[int, ...] = ()


def to_json(measured: Measured) -> Dict[str, Any]:
    """Turn it into what is written."""
    wishes = measured.wishes
    source = None if wishes.source is None else list(wishes.source)
    facts = {**wishes._asdict(), "source": source, "reports": [list(report) for report in wishes.reports]}
    return {"wishes": facts, "root": measured.root, "files": dict(measured.files), "lost": list(measured.lost)}


def from_json(data: Any) -> Measured:
    """Turn what was written into it again.

    Raises:
        ValueError: it is something else; says so in a line.
    """
    files = _only(data.get("files") if isinstance(data, dict) else None, dict, "files")
    for name, digest in files.items():
        if not _FILE.fullmatch(name) or not re.fullmatch(r"[0-9a-f]{64}", _only(digest, str, "files")):
            raise ValueError(f'coverage: "files": expected names below coverage/ and digests, got {name!a:.80}')
    lost = _all(data.get("lost"), int, "lost")
    return Measured(wishes_from_json(data.get("wishes")), _text(data.get("root"), "root"), files, tuple(lost))


def wishes_from_json(data: Any) -> Wishes:
    """Turn what the plugin, or a receipt, says of wishes into them.

    Raises:
        ValueError: it is something else; says so in a line.
    """
    facts = dict(_only(data, dict, "wishes"))
    if set(facts) != set(Wishes._fields):
        raise ValueError(f'coverage: "wishes": expected {", ".join(Wishes._fields)}, got {sorted(facts)!a:.200}')
    for name in ("by", "config", "data_file"):
        _text(facts[name], name)
    for name in ("branch", "append", "no_report_on_failure", "parallel"):
        _only(facts[name], bool, name)
    if facts["by"] not in (PYTEST_COV, COVERAGE_RUN):
        raise ValueError(f'coverage: "by": expected {PYTEST_COV} or {COVERAGE_RUN}, got {facts["by"]!a:.40}')
    if facts["source"] is not None:
        facts["source"] = tuple(_text(each, "source") for each in _only(facts["source"], list, "source"))
    if type(facts["precision"]) not in (int, type(None)) or not 0 <= (facts["precision"] or 0) <= 100:
        raise ValueError(f'coverage: "precision": expected a few digits, got {facts["precision"]!a:.40}')
    if type(facts["fail_under"]) not in (int, float) or not abs(facts["fail_under"]) <= 1e6:
        raise ValueError(f'coverage: "fail_under": expected percent, got {facts["fail_under"]!a:.40}')
    facts["fail_under"] = float(facts["fail_under"])
    facts["reports"] = tuple(_report(pair) for pair in _only(facts["reports"], list, "reports"))
    return Wishes(**facts)


def _report(pair: Any) -> Tuple[str, str]:
    if len(_only(pair, list, "reports")) != 2:
        raise ValueError('coverage: "reports": expected pairs of a kind and a place')
    return _text(pair[0], "reports"), _text(pair[1], "reports")


def _text(value: Any, name: str) -> str:
    text: str = _only(value, str, name)
    if len(text) > MOST_TEXT or "\0" in text:
        raise ValueError(f'coverage: "{name}": expected a path or a name, got {text!a:.40}...')
    return text


def _all(values: Any, kind: type, name: str) -> Sequence[Any]:
    return [_only(value, kind, name) for value in _only(values, list, name)]


def _only(value: Any, kind: type, name: str) -> Any:
    if type(value) is not kind:  # a bool is an int, and none of ours
        raise ValueError(f'coverage: "{name}": expected {kind.__name__}, got {value!a:.40}')
    return value
