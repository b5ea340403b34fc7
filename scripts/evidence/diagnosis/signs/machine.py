"""Signs of the machine: disk, memory, files, rights, ports, programs, arguments, Python itself."""

from __future__ import annotations

from .. import kinds as k
from .sign import sign

SIGNS = (
    # Full disks come from anywhere, also in the words of what cannot write for them.
    sign(
        k.DISK_FULL,
        r"(No space left on device|os error 28\b|\[Errno 28\](?! No space)|ENOSPC)(:? ?'(?P<file>[^']+)')?",
        "the disk is full⟦ ({file})⟧",
        "磁盘已满⟦（{file}）⟧",
        "Free some space (df -h), or let caches and TMPDIR lie on another disk.",
    ),
    sign(
        k.DISK_FULL,
        r"Disk quota exceeded|os error 122\b|EDQUOT|quota exceeded.*disk",
        "the disk quota is used up",
        "磁盘配额已用完",
        "Free some space of this user (quota -s), or use another disk.",
    ),
    sign(
        k.DISK_FULL,
        r"the disk of (?P<file>\S+) is (full|over its quota)",
        "the disk of {file} is full",
        "{file} 所在磁盘已满",
        "Free some space there (df -h).",
    ),
    sign(
        k.DISK_FULL,
        r"weights need (?P<need>[\d.]+ \w+) free, and \S+ has (?P<free>[\d.]+ \w+)",
        "the disk has too little room for the weights: {need} needed, {free} free",
        "磁盘放不下模型权重：需要 {need}，剩余 {free}",
        "Free some space, or name a folder on another disk in pipeline.yml, models: directory.",
    ),
    sign(
        k.DISK_FULL,
        r"insufficient shared memory|DataLoader worker .* killed by signal: Bus error|Bus error.*shm|/dev/shm.*full",
        "/dev/shm is full",  # noqa: S108 - a sentence
        "共享内存 /dev/shm 已满",
        "Give the container more of it: --shm-size=2g.",
    ),
    sign(
        k.DISK_FULL,
        r"not enough free disk space to download|enforce fail at inline_container.*file write failed",
        "the disk is full",
        "磁盘已满",
        "Free some space (df -h).",
    ),
    sign(
        k.MEMORY,
        r"can't allocate memory: you tried to allocate (?P<bytes>\d+) bytes",
        "out of memory: {bytes} bytes could not be had",
        "内存不足：申请 {bytes} 字节失败",
        "Give it more memory, or run fewer shards at once.",
    ),
    sign(
        k.MEMORY,
        r"(?P<what>Unable to allocate [\d.]+ \w+)|^(\w+\.)*(Array)?MemoryError\b|std::bad_alloc|Cannot allocate memory"
        r"|\[Errno 12\]|OutOfMemoryError: Java heap|DefaultCPUAllocator: not enough memory|paging file is too small",
        "out of memory⟦: {what}⟧",
        "内存不足⟦：{what}⟧",
        "Give it more memory (also: service.limits.memory, ulimit -v), or run fewer shards at once.",
    ),
    sign(
        k.OPEN_FILES,
        r"Too many open files|\[Errno 24\]|EMFILE",
        "too many open files",
        "打开的文件过多",
        "Let it close what it opens, or raise the limit: ulimit -n, service.limits.open_files.",
    ),
    sign(
        k.OPEN_FILES,
        r"can't start new thread|Resource temporarily unavailable.*(fork|thread)|pthread_create failed",
        "no further thread or process can be started (ulimit -u)",
        "无法再创建线程或进程（ulimit -u）",
        "Raise ulimit -u, or let it start fewer (OMP_NUM_THREADS).",
    ),
    # Ports.
    sign(
        k.PORT,
        r"port (?P<port>\d+) is in use by (?P<holder>pid \d+ \([^)]*\)?)",
        "port {port} is in use by {holder}",
        "端口 {port} 已被 {holder} 占用",
        "Stop what has the port, or let it take the one that is chosen: {host} and {port} in service.command.",
    ),
    sign(
        k.PORT,
        r"Cannot find empty port in range: (?P<port>\d+)|port (?P<port2>\d+) is (already )?(in use|allocated|taken)"
        r"|bind on (address )?\('[^']*', (?P<port3>\d+)\).*already in use",
        "its port⟦ {port}⟧⟦ {port2}⟧⟦ {port3}⟧ is taken",
        "端口⟦ {port}⟧⟦ {port2}⟧⟦ {port3}⟧ 已被占用",
        "Stop what has the port, or let it take the one that is chosen: {host} and {port} in service.command.",
    ),
    sign(
        k.PORT,
        r"address (is )?already in use|EADDRINUSE|\[Errno 98\]|only one usage of each socket|port is already allocated",
        "its port is taken",
        "端口已被占用",
        "Stop what has the port, or let it take the one that is chosen: {host} and {port} in service.command.",
    ),
    # Rights, programs, arguments.
    sign(
        k.PERMISSION,
        r"PermissionError: \[Errno (13|1)\] [^:]*: '(?P<file>[^']+)'|(?P<file2>/\S+): Permission denied",
        "no permission for ⟦{file}⟧⟦{file2}⟧",
        "没有权限访问 ⟦{file}⟧⟦{file2}⟧",
        "Give this user the right (ls -l), or another folder.",
    ),
    sign(
        k.PERMISSION,
        r"Permission denied|\[Errno 13\]|Operation not permitted|EACCES",
        "permission denied",
        "没有权限",
        "Give this user the right (ls -l), or another folder.",
    ),
    sign(
        k.PERMISSION,
        r"Read-only file system(: '(?P<file>[^']+)')?|\[Errno 30\](?! Read-only)",
        "the file system is read-only⟦ ({file})⟧",
        "文件系统只读⟦（{file}）⟧",
        "Make it writable, or let it write elsewhere.",
    ),
    sign(
        k.NO_COMMAND,
        r"No such file or directory: '(?P<program>ffmpeg|ffprobe|sox|nvcc|ninja|gcc|g\+\+|cc|git|git-lfs|cmake"
        r"|espeak(-ng)?)'"
        r"|(?P<program2>ffmpeg|ffprobe|sox|nvcc|ninja|espeak(-ng)?)( was|:)? not found",
        "the program ⟦{program}⟧⟦{program2}⟧ is not installed",
        "未安装程序 ⟦{program}⟧⟦{program2}⟧",
        "Install it, in CI's image, too: apt-get install NAME.",
        alarming=False,
    ),
    sign(
        k.NO_COMMAND,
        r"Ninja is required to load C\+\+ extensions",
        "the program ninja is not installed (it builds C++ extensions)",
        "未安装编译扩展所需的 ninja",
        "Install it: pip install ninja, or apt-get install ninja-build.",
        alarming=False,
    ),
    sign(
        k.NO_COMMAND,
        r"Failed to find C compiler|command '(?P<program>\S*(gcc|g\+\+|cc|c\+\+|clang|nvcc))' failed: No such file",
        "there is no compiler⟦ {program}⟧, and something is to be compiled",
        "需要编译，但没有编译器⟦ {program}⟧",
        "Install it, in CI's image, too: apt-get install build-essential; nvcc comes with the CUDA toolkit.",
        alarming=False,
    ),
    sign(
        k.NO_COMMAND,
        r"no program '(?P<program>[^']+)'|(sh: (\d+: )?|exec: )\"?(?P<program2>[\w./-]+)\"?: (command )?not found"
        r"|(?P<program3>[\w./-]+): command not found",
        "there is no program ⟦{program}⟧⟦{program2}⟧⟦{program3}⟧",
        "找不到程序 ⟦{program}⟧⟦{program2}⟧⟦{program3}⟧",
        "Name its package in service.requirements, or correct service.command.",
    ),
    sign(
        k.NO_COMMAND,
        r"can't open file '?(?P<file>[^':]+)'?: \[Errno 2\]",
        "there is no file {file} to run",
        "找不到要运行的文件 {file}",
        "Correct service.command, or service.directory, from which it counts.",
    ),
    sign(
        k.ARGUMENT,
        r"(?<!\w)error: unrecognized arguments: (?P<words>.+)",
        "it does not know the argument {words}",
        "不认识参数 {words}",
        "Correct the words of the command in pipeline.yml, or of the call.",
    ),
    sign(
        k.ARGUMENT,
        r"(?<!\w)error: (the following arguments are required: (?P<words>.+)|argument (?P<words2>.+)|No such option:? "
        r"(?P<words3>.+))"
        r"|No such option: (?P<words4>\S+)|unknown option:? '?(?P<words5>--?[\w-]+)",
        "its arguments are wrong: ⟦{words} is missing⟧⟦{words2}⟧⟦{words3} is not known⟧⟦{words4} is not "
        "known⟧⟦{words5} is not known⟧",
        "启动参数有误：⟦缺少 {words}⟧⟦{words2}⟧⟦不认识 {words3}⟧⟦不认识 {words4}⟧⟦不认识 {words5}⟧",
        "Correct the words of the command in pipeline.yml.",
    ),
    # Python itself.
    sign(
        k.WRONG_PYTHON,
        r"requires (a different )?Python[^\n]*?(?P<wanted>[<>=!~]=?\s?3[.\d]+[^\s;]*)"
        r"|current Python version \((?P<got>[\d.]+)\) does not\s+satisfy",
        "it needs another Python⟦ ({wanted})⟧⟦ than {got}⟧",
        "需要其他版本的 Python⟦（{wanted}）⟧⟦，当前为 {got}⟧",
        "Name the right one, or a package version for this one.",
    ),
    sign(
        k.WRONG_PYTHON,
        r"(Python|python) (version )?(?P<wanted>>?=? ?3\.\d+[+\w. ]*?) (or (newer|higher|later|above) )?(is "
        r")?(required|needed)"
        r"|(?:requires|needs|need) (at least )?python ?(version )?(?P<wanted2>>?=? ?3\.\d+(\.\d+)?)"
        r"|No interpreter found for Python (?P<wanted3>\S+)|Python (?P<got>3\.\d+(\.\d+)?) is not supported",
        "it needs another Python⟦ ({wanted})⟧⟦ ({wanted2})⟧⟦ ({wanted3})⟧⟦ than {got}⟧",
        "需要其他版本的 Python⟦（{wanted}）⟧⟦（{wanted2}）⟧⟦（{wanted3}）⟧⟦，当前为 {got}⟧",
        "Name the right Python in pipeline.yml, or in the image of CI.",
    ),
    sign(
        k.WRONG_PYTHON,
        r"TypeError: unsupported operand type\(s\) for \|: '(type|_?\w*(GenericAlias|Meta|UnionType)\w*)'"
        r"|TypeError: '(type|ABCMeta)' object is not subscriptable"
        r"|cannot import name '(TypeAlias|ParamSpec|Self|override|StrEnum|UTC)' from '(typing|enum|datetime)'"
        r"|No module named '(tomllib|distutils|imp|asyncore|pkgutil_resolve|importlib\.resources\.abc|graphlib"
        r"|zoneinfo)'",
        "its code is for another Python than it runs on",
        "代码与当前 Python 版本不匹配",
        "Run it on the Python that it is written for.",
    ),
)
