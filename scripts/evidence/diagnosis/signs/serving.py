"""Signs of a service that runs and cannot do its work, and of what it still does while it is waited for."""

from __future__ import annotations

from .. import kinds as k
from .sign import sign

SIGNS = (
    sign(
        k.MODEL_NOT_LOADED,
        r"model (is |was )?not (yet )?(loaded|ready|initiali[sz]ed)|no model (is )?loaded|model has not been loaded"
        r"|models? (are|is) still loading|'NoneType' object has no attribute '(?P<name>infer\w*|generate"
        r"|synthesi[sz]e|predict|tts)'",
        "its model is not loaded",
        "模型未加载",
        "See the beginning of its log: why the model was not loaded stands there.",
    ),
    sign(
        k.CANNOT_WORK,
        r"probability tensor contains either `?inf`?|contains NaN|nan(s)? (detected|encountered)|Loss is nan",
        "its numbers are no longer numbers (inf or nan), mostly of half precision",
        "计算结果出现 inf 或 nan（多为半精度所致）",
        "Try without --fp16, or with bf16.",
        alarming=False,
    ),
    sign(
        k.CANNOT_WORK,
        r"\"(?P<name>\w+)\" not implemented for '(?P<type>Half|BFloat16)'",
        "{name} cannot compute in {type} on this device",
        "{name} 在此设备上不支持 {type}",
        "On a processor start it without --fp16.",
        alarming=False,
    ),
    sign(
        k.CANNOT_WORK,
        r"The operator '(?P<name>[^']+)' is not currently implemented for the (?P<device>\w+) device",
        "{name} is not there for {device}",
        "{device} 不支持 {name}",
        "Set PYTORCH_ENABLE_MPS_FALLBACK=1 in service.environment, or let it use the processor.",
        alarming=False,
    ),
    sign(
        k.CANNOT_WORK,
        r"Couldn't find appropriate backend to handle uri|NoBackendError|LibsndfileError|Format not recognised"
        r"|Error opening '[^']*': |Could not load libtorchcodec|File contains data in an unknown format",
        "it cannot read or write audio: no backend for it, or no audio file",
        "无法读写音频：缺少后端，或不是音频文件",
        "Install ffmpeg, libsndfile1 and soundfile, in CI's image, too; look at the reference audio (an LFS pointer?).",
        alarming=False,
    ),
    sign(
        k.CANNOT_WORK,
        r"The size of tensor a \(\d+\) must match|index out of range in self|Sequence length .* (exceeds|longer)"
        r"|exceeds the maximum",
        "a text or input is too long for the model",
        "输入过长，超出模型限制",
        "Let the service cut long texts into segments, or answer 4xx.",
        alarming=False,
    ),
    sign(
        k.CANNOT_WORK,
        r"queue is full|Queue is full|Too many requests|HTTP(Error)? 429\b|429 Client Error",
        "its queue is full (429)",
        "服务队列已满（429）",
        "Ask it less at once, or let its queue be longer.",
        alarming=False,
    ),
)

# What it says while it is not ready, and works on: no failure, and the reason to wait longer.
COMPILES = sign(
    k.SLOW_START,
    r"Emitting ninja build file|Building extension module|nvcc|Detected CUDA files|Compiling|JIT (load|compil)"
    r"|Autotun"
    r"|ninja: |\[\d+/\d+\] .*(c\+\+|nvcc|gcc)",
    "it still compiles kernels",
    "仍在编译内核",
    "Let service.prepare compile once for all shards, and keep TORCH_EXTENSIONS_DIR in the cache; or raise "
    "service.ready.timeout.",
)
DOWNLOADS = sign(
    k.SLOW_START,
    r"Download(ing|ed)? |Fetching \d+ files|\d+%\|.*(B/s|it/s)|Resuming download",
    "it still downloads files",
    "仍在下载文件",
    "Fetch them before, as `models:` in pipeline.yml or in service.prepare; or raise service.ready.timeout.",
)
LOADS = sign(
    k.SLOW_START,
    r"Loading (checkpoint|model|weights|shard|pipeline)|weights restored|Loading\b.*\d+\s*(%|/\s*\d+)|building "
    r"fst|compil\w+ (grammar|fst)"
    r"|Load(ing)? .*\.(pth|pt|safetensors|onnx|bin|gguf)|step \d+ of \d+",
    "it still loads",
    "仍在加载",
    "If it only needs longer, raise service.ready.timeout in pipeline.yml.",
)
STILL_AT_IT = (COMPILES, DOWNLOADS, LOADS)
