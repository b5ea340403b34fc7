"""Say with what coverage measures a process that is started, and those that it starts: a program for that's Python.

It knows coverage (7.13 on) and the standard library, and nothing else of ours. It is run in the folder of the process;
its arguments are the file that gets the data, and the project's folder, whose settings of coverage count where the
process's own folder has none. It prints JSON: `config`, the value of COVERAGE_PROCESS_CONFIG, or `error`.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any, Dict, List


def main(data_file: str, project: str) -> Dict[str, str]:
    """Make the configuration, or say why there is none."""
    try:
        import coverage
        from coverage.config import CoverageConfig
    except ImportError:
        return {"error": f"{sys.executable} has no coverage"}
    if not hasattr(CoverageConfig, "serialize"):
        return {"error": f"{sys.executable} has coverage {coverage.__version__}"}
    if not starts_by_itself():
        return {"error": f"{sys.executable} has coverage {coverage.__version__}, which no .pth file starts"}
    config = found(coverage, project)
    config.data_file = data_file
    config.parallel = config.sigterm = True  # a file of each process; a service is ended by SIGTERM
    config.patch = sorted({*config.patch, "_exit", "fork"})  # workers
    return {"config": config.serialize()}


def found(coverage: Any, project: str) -> Any:
    """Read the settings of coverage, with paths that mean the same in whatever folder a process runs."""
    for folder in dict.fromkeys([str(Path.cwd()), project]):
        os.chdir(folder)
        config = coverage.Coverage().config
        if config.config_files_read and (config.source or config.branch or config.run_include):
            break
    else:
        config.source, config.branch = [project], True
    config.source = [absolute(each) if Path(each).is_dir() else each for each in config.source or []] or None
    config.run_include, config.run_omit = (patterns(each) for each in (config.run_include, config.run_omit))
    return config


def patterns(said: Any) -> List[str]:
    """Let patterns of files count from here, but for those that count anywhere."""
    return [each if each.startswith(("*", "?", "[")) else absolute(each) for each in said or []]


def absolute(path: str) -> str:
    """Name a path from the root."""
    return str(Path.cwd() / path)


def starts_by_itself() -> bool:
    """Tell whether a Python here starts coverage where a variable says so."""
    folders = [Path(folder) for folder in sys.path if folder]
    return any("process_startup" in text_of(file) for folder in folders for file in folder.glob("*.pth"))


def text_of(file: Path) -> str:
    """Read a text; empty where that is not possible."""
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


if __name__ == "__main__":
    print(json.dumps(main(*sys.argv[1:])))
