"""Let `python -m scripts` find this repository also where PYTHONSAFEPATH keeps the current folder off sys.path.

Run by scripts/bootstrap.sh and noxfile.py, by its path and with the interpreter of the environment that it is to
change: standard library only.
"""

from __future__ import annotations

import sysconfig
from pathlib import Path

FILE_NAME = "shardline_safe_path.pth"  # noxfile.py looks for it


def line(root: str) -> str:
    """Return the line of the .pth file: the repository goes on sys.path for `-m scripts`, and for nothing else.

    So `import scripts` in a suite, a service or a plugin never means our package. orig_argv and PYTHONSAFEPATH came
    with the same Python (3.11; orig_argv a little earlier).
    """
    module = "(sys.orig_argv[sys.orig_argv.index('-m') + 1:] or [''])[0].partition('.')[0]"
    ours = f"getattr(sys.flags, 'safe_path', False) and sys.argv[:1] == ['-m'] and {module} == 'scripts'"
    return f"import sys; {ours} and sys.path.append({root!a})\n"


def main() -> None:
    """Write the file into the environment that runs this."""
    file = Path(sysconfig.get_paths()["purelib"]) / FILE_NAME
    text = line(str(Path(__file__).resolve().parents[2]))
    if not file.is_file() or file.read_text(encoding="ascii") != text:
        file.write_text(text, encoding="ascii")


if __name__ == "__main__":
    main()
