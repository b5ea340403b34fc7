"""Signs of GPUs: out of memory, not there, not the one that was built for, broken by an earlier fault."""

from __future__ import annotations

from .. import kinds as k
from .sign import sign

LESS = "Run fewer shards on it (--at-once 1), let no other program use it (nvidia-smi), use --fp16 or shorter texts."

SIGNS = (
    sign(
        k.GPU_MEMORY,
        r"Tried to allocate (?P<want>[\d.]+ [KMG]iB)(.*?total capac?ity of (?P<total>[\d.]+ [KMG]iB))?"
        r"(.*?(of which )?(?P<free>[\d.]+ [KMG]iB) (is )?free)?",
        "GPU out of memory: {want} wanted⟦, {free} of {total} free⟧",
        "显存不足：申请 {want}⟦，共 {total}，剩余 {free}⟧",
        LESS,
    ),
    sign(
        k.GPU_MEMORY,
        r"CUDA out of memory|CUDA error: out of memory|cuda(ErrorMemoryAllocation| runtime error \(2\))"
        r"|CUDA_ERROR_OUT_OF_MEMORY"
        r"|OutOfMemoryError: CUDA|CUBLAS_STATUS_ALLOC_FAILED|CUDNN_STATUS_ALLOC_FAILED|Failed to allocate memory "
        r"for requested buffer"
        r"|BFCArena|MPS backend out of memory|HIP out of memory|Workspace can't be allocated, no enough memory"
        r"|cudaMalloc failed: out of memory|No available memory for the cache blocks|RESOURCE_EXHAUSTED: (OOM|Out "
        r"of memory)"
        r"|Free memory on device .* is less than desired GPU memory|larger than the available KV cache memory"
        r"|torch\.OutOfMemoryError",
        "GPU out of memory",
        "显存不足",
        LESS,
    ),
    sign(
        k.GPU_MISSING,
        r"Torch not compiled with CUDA enabled",
        "CUDA is not there: this torch is built for the processor only",
        "CUDA 不可用：安装的是 CPU 版 torch",
        "Install torch of a CUDA index (--index-url https://download.pytorch.org/whl/cuXXX), or start the service "
        "without its GPU words: "
        "service.gpu.",
    ),
    sign(
        k.GPU_MISSING,
        r"Found no NVIDIA driver|no CUDA-capable device is detected|No CUDA GPUs are available|cudaErrorNoDevice"
        r"|torch\.cuda\.is_available\(\) is False|CUDA is not available|cuda(?: is)? (?:not available|unavailable)"
        r"|No GPU (was )?(found|detected)|CUDA_ERROR_NO_DEVICE|nvidia-smi: (command )?not found|(?<!Error: "
        r")libcuda\.so[.\d]*: "
        r"cannot open"
        r"|could not select device driver .*gpu|Failed to (initialize|infer) (NVML|device type)",
        "CUDA is not there: no GPU, or no driver for it",
        "CUDA 不可用：没有 GPU 或驱动",
        "Run it where there is a GPU (a GPU resource class in CI, `--gpus all` for docker), or let service.gpu "
        "choose its words: "
        "gpu: [--gpu] adds them only where there is one.",
    ),
    sign(
        k.GPU_MISSING,
        r"(The )?NVIDIA driver on your system is too old(?: \(found version (?P<version>\d+)\))?|CUDA driver "
        r"version is insufficient"
        r"|forward compatibility was attempted on non supported HW",
        "CUDA is not there: the NVIDIA driver is too old for this torch⟦ ({version})⟧",
        "CUDA 不可用：NVIDIA 驱动过旧⟦（{version}）⟧",
        "Update the driver, or install torch for the CUDA that it knows.",
    ),
    sign(
        k.GPU_MISSING,
        r"invalid device ordinal|CUDA_HOME (does not exist|environment variable is not set)"
        r"|Attempting to deserialize object on a CUDA device but torch\.cuda\.is_available\(\) is False",
        "CUDA is not there as it is asked for⟦⟧: no such GPU, or no toolkit (CUDA_HOME)",
        "CUDA 不符合要求：没有该 GPU，或缺少 CUDA 工具包（CUDA_HOME）",
        "Name a GPU that is there (CUDA_VISIBLE_DEVICES), and install the toolkit where something is to be compiled.",
        alarming=False,
    ),
    sign(
        k.GPU_BROKEN,
        r"no kernel image is available|CUDA capability (?P<arch>sm_\d+) is not compatible",
        "this torch has no code for this GPU⟦ ({arch})⟧",
        "当前 torch 不支持此 GPU⟦（{arch}）⟧",
        "Install torch for a CUDA that knows the GPU (RTX 50: cu128 or newer).",
    ),
    sign(
        k.GPU_BROKEN,
        r"device-side assert triggered|Assertion `?(?P<what>[^`]*?)`? failed\.?.*Indexing\.cu"
        r"|Indexing\.cu.*Assertion [`'](?P<what2>[^`']+)",
        "CUDA error: a device-side assert, after which no request can be served",
        "CUDA 错误：设备端断言失败，此后所有请求都会失败",
        "Mostly an index beyond a table: too long a text, or an unknown token. CUDA_LAUNCH_BLOCKING=1 in "
        "service.environment names the line.",
    ),
    sign(
        k.GPU_BROKEN,
        r"CUDA error: (?P<what>[^\n]+)|an illegal memory access was encountered|CUDNN_STATUS_\w+|CUBLAS_STATUS_\w+"
        r"|cuDNN error"
        r"|NCCL error|CUDA driver error|AcceleratorError",
        "CUDA error⟦: {what}⟧",
        "CUDA 错误⟦：{what}⟧",
        "Set CUDA_LAUNCH_BLOCKING=1 in service.environment: the traceback then names the line.",
    ),
    sign(
        k.BUILD,
        r"Error building extension '(?P<name>\w+)'|ninja: build stopped|Unable to JIT load the (?P<name2>\w+) op"
        r"|detected CUDA version .* mismatches|Installed CUDA version \S+ does not match the version torch was compiled"
        r"|Command '\['ninja', '-v'\]' returned non-zero",
        "its CUDA kernel⟦ {name}⟧⟦ {name2}⟧ cannot be compiled here",
        "CUDA 内核⟦ {name}⟧⟦ {name2}⟧ 无法编译",
        "Install nvcc of torch's CUDA version and a C++ compiler, or start it without: no --cuda_kernel, no "
        "--deepspeed.",
        alarming=False,
    ),
)
