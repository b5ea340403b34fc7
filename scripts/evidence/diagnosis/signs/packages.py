"""Signs of packages: missing modules and libraries, versions that do not fit each other, builds that fail."""

from __future__ import annotations

from .. import kinds as k
from .sign import sign

REQUIRE = (
    "Add its package to the requirements, lock them (nox -s lock), and run again; of a module of this project, "
    "name the folder: pytest's `pythonpath`, PYTHONPATH of a service."
)

SIGNS = (
    sign(
        k.MODULE,
        r"(ModuleNotFoundError|ImportError): No module named ['\"]?(?P<module>[\w.]+)",
        "no module named {module}",
        "缺少 Python 模块 {module}",
        REQUIRE,
        alarming=False,
    ),
    sign(
        k.MODULE,
        r"No module named ['\"]?(?P<module>[\w.]+)|the Python of the suite, \S+, has no (?P<module2>pytest)",
        "no module named ⟦{module}⟧⟦{module2}⟧",
        "缺少 Python 模块 ⟦{module}⟧⟦{module2}⟧",
        REQUIRE,
        alarming=False,
    ),
    sign(
        k.MODULE,
        r"ImportError: .*requires the (?P<module>[\w.-]+) (library|package) but it was not found|(?:please|try) "
        r"(?:install|running)?"
        r" ?[`'\"]?pip install (?P<module2>[\w.-]+)|(?P<module3>TorchCodec) is required for",
        "no module named ⟦{module}⟧⟦{module2}⟧⟦{module3}⟧",
        "缺少 Python 模块 ⟦{module}⟧⟦{module2}⟧⟦{module3}⟧",
        REQUIRE,
        alarming=False,
    ),
    sign(
        k.MODULE,
        r"the package (?P<module>[\w.-]+) seems to be not installed"
        r"|packages that were not found in your environment: (?P<module2>[\w.-]+)",
        "no module named ⟦{module}⟧⟦{module2}⟧",
        "缺少 Python 模块 ⟦{module}⟧⟦{module2}⟧",
        REQUIRE,
        alarming=False,
    ),
    sign(
        k.LIBRARY,
        r"Could not load libtorchcodec",
        "torchcodec cannot be loaded: the libraries of FFmpeg are missing, or it does not fit this torch",
        "无法加载 torchcodec：缺少 FFmpeg 的共享库，或与 torch 版本不匹配",
        "Install ffmpeg (4 to 7), in CI's image, too, and the torchcodec that its table names for this torch.",
    ),
    sign(
        k.LIBRARY,
        r"(?P<library>lib[\w.+-]+?\.(so|dylib)(\.\d+)*)[\w.]*:? cannot open shared object file"
        r"|Could not load (dynamic )?library '?(?P<library2>lib[\w.+-]*\w)|Library not loaded: (?P<library3>\S+)"
        r"|(cannot|Could not|Unable to) (find|load|open) (shared )?(library|object)? ?'?(?P<library4>lib[\w.+-]*\w)"
        r"|(?P<library5>sndfile|libsndfile|portaudio|espeak) library not found|Could not find/load shared object file",
        "the shared library⟦ {library}⟧⟦ {library2}⟧⟦ {library3}⟧⟦ {library4}⟧⟦ {library5}⟧ is missing",
        "缺少共享库⟦ {library}⟧⟦ {library2}⟧⟦ {library3}⟧⟦ {library4}⟧⟦ {library5}⟧",
        "Install the system package that has it, in CI's image, too (apt-file search NAME); of CUDA, the one of "
        "torch's version.",
    ),
    sign(
        k.LIBRARY,
        r"version [`'](?P<version>(GLIBC|GLIBCXX|CXXABI)_[\d.]+)' not found",
        "the system's C library is too old: {version} is wanted",
        "系统 C 库过旧：需要 {version}",
        "Use a newer image, or a package built for this one.",
    ),
    sign(
        k.LIBRARY,
        r"undefined symbol: (?P<symbol>\w+)|symbol lookup error",
        "a compiled package does not fit the others (undefined symbol⟦ {symbol}⟧)",
        "编译的包与其他包不匹配（未定义符号⟦ {symbol}⟧）",
        "Take it in the build for this torch, CUDA and Python.",
    ),
    sign(
        k.VERSIONS,
        r"cannot import name '(?P<name>\w+)' from '(?P<module>[\w.]+)'",
        "{module} has no {name} (another version of it than the code is for?)",
        "{module} 中没有 {name}（版本与代码不符？）",
        "Pin the version of that package that this code was written for, and lock anew: nox -s lock.",
        alarming=False,
    ),
    sign(
        k.VERSIONS,
        r"AttributeError: (partially initialized )?module '(?P<module>[\w.]+)'( \([^)]*\))? has no attribute "
        r"'(?P<name>\w+)'"
        r"|AttributeError: '(?P<module2>\w*(Model|Config|Cache|Tokenizer))' object has no attribute '(?P<name2>\w+)'",
        "⟦{module} has no {name}⟧⟦{module2} has no {name2}⟧ (another version of it than the code is for?)",
        "⟦{module} 中没有 {name}⟧⟦{module2} 中没有 {name2}⟧（版本与代码不符？）",
        "Pin the version of that package that this code was written for, and lock anew: nox -s lock.",
        alarming=False,
    ),
    sign(
        k.VERSIONS,
        r"TypeError: (?P<name>[\w.<>]+)\(\) got an unexpected keyword argument '(?P<word>\w+)'",
        "{name} takes no argument {word} (another version of it than the code is for?)",
        "{name} 没有参数 {word}（版本与代码不符？）",
        "Pin the version of that package that this code was written for, and lock anew: nox -s lock.",
        alarming=False,
    ),
    sign(
        k.VERSIONS,
        r"(?P<what>Numba needs NumPy [\d.]+ or (less|greater)[^\n]*)|compiled using NumPy 1\.x cannot be run in"
        r"|dtype size changed"
        r"|_ARRAY_API not found|numpy\.core\.multiarray failed to import|module compiled against (ABI|API) version",
        "package versions do not fit: NumPy⟦ ({what})⟧",
        "依赖包版本不兼容：NumPy⟦（{what}）⟧",
        "Pin NumPy to the version that the compiled packages are for (mostly numpy<2), and lock anew.",
        alarming=False,
    ),
    sign(
        k.VERSIONS,
        r"(VersionConflict|requires (?P<what>[\w.-]+[<>=!~]{1,2}[\w.,<>=]+),? but"
        r"|(?P<what2>[\w.-]+[<>=!~]{1,2}[\d.]+[\w.,<>=]*)"
        r" is required for a normal functioning)",
        "package versions do not fit⟦: {what} is wanted⟧⟦: {what2} is wanted⟧",
        "依赖包版本不兼容⟦：需要 {what}⟧⟦：需要 {what2}⟧",
        "Pin what it wants, and lock anew: nox -s lock.",
        alarming=False,
    ),
    sign(
        k.BUILD,
        r"Failed (to build|building wheel for) [`']?(?P<name>[\w.=-]+)|build backend returned an error"
        r"|metadata-generation-failed"
        r"|Failed to build [`']?(?P<name2>[\w.=-]+)",
        "the package⟦ {name}⟧⟦ {name2}⟧ cannot be built here",
        "软件包⟦ {name}⟧⟦ {name2}⟧ 无法在此编译",
        "Install what its lines miss (a compiler, headers, CUDA), or pin a version that has a wheel for this Python "
        "and machine.",
    ),
    sign(
        k.PACKAGES,
        r"(No matching distribution found for|there (is|are) no versions? of) "
        r"(?P<name>[\w.-]+==[\w.]+\+(?P<build>\w+))",
        "no index has {name}: builds for {build} are not on PyPI",
        "软件源中没有 {name}：{build} 的构建不在 PyPI 上",
        "Name their index in the requirements: --extra-index-url https://download.pytorch.org/whl/ and the name of the "
        "build (of torch: cu128, cpu ...).",
    ),
    sign(
        k.PACKAGES,
        r"No matching distribution found for (?P<name>[^\s(]+)|Because (?P<name2>[\w.-]+) was not found in the "
        r"package registry"
        r"|there (is|are) no versions? of (?P<name3>[\w.=<>+-]+)",
        "no index has the package ⟦{name}⟧⟦{name2}⟧⟦{name3}⟧",
        "软件源中没有 ⟦{name}⟧⟦{name2}⟧⟦{name3}⟧",
        "Correct the requirements; `pip config list` shows which index is asked.",
    ),
    sign(
        k.PACKAGES,
        r"No solution found|ResolutionImpossible|conflicting dependencies",
        "the requirements exclude each other",
        "依赖要求相互冲突",
        "Correct the requirements.",
    ),
)
