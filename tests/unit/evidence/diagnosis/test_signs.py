"""What programs really write when something fails, as their users report it, and the cause that it tells."""

from __future__ import annotations

import re

import pytest

from scripts.evidence.diagnosis import kinds as k
from scripts.evidence.diagnosis import passages
from scripts.evidence.diagnosis.signs.known import SIGNS
from scripts.evidence.diagnosis.signs.sign import Sign, first_in, sign


def traceback(error: str) -> str:
    return f'Traceback (most recent call last):\n  File "webui.py", line 50, in <module>\n    import x\n{error}\n'


DECOYS = """\
>> DeepSpeed加载失败，回退到标准推理: No module named 'deepspeed'
>> Failed to load custom CUDA kernel for BigVGAN. Falling back to torch.
UserWarning: CUDA is not available, using the processor
2025-09-08 12:54:53 WARNING  xFormers: No module named 'triton', skipping
"""
REAL = [
    (k.MODULE, "gradio", traceback("ModuleNotFoundError: No module named 'gradio'")),
    (k.MODULE, "indextts", traceback("ModuleNotFoundError: No module named 'indextts'")),
    (k.MODULE, "pynini", traceback("ModuleNotFoundError: No module named 'pynini'")),
    (k.MODULE, "tn.chinese", traceback("ModuleNotFoundError: No module named 'tn.chinese'")),
    (k.MODULE, "TorchCodec", traceback("ImportError: TorchCodec is required for save_with_torchcodec.")),
    (k.MODULE, "accelerate", traceback("ImportError: Using `low_cpu_mem_usage=True` requires the accelerate library "
                                       "but it "
                                      "was not found in your environment.")),
    (k.WEIGHTS_MISSING, "bpe.model", "Required file ./checkpoints/bpe.model does not exist. Please download it.\n"),
    (k.WEIGHTS_MISSING, "s2mel.pth", "缺少必要文件 checkpoints/s2mel.pth。请下载。\n"),
    (k.WEIGHTS_MISSING, "config.yaml", traceback("FileNotFoundError: Config file not found: "
                                                 "/app/checkpoints/config.yaml")),
    (k.WEIGHTS_MISSING, "config.yaml", traceback("FileNotFoundError: [Errno 2] No such file or directory: "
                                                "'/app/checkpoints/config.yaml'")),
    (k.WEIGHTS_MISSING, "bpe.model", traceback('OSError: Not found: "checkpoints/bpe.model": No such file or '
                                               'directory Error #2')),
    (k.WEIGHTS_MISSING, "model.safetensors", traceback("OSError: Error no file named pytorch_model.bin, "
                                                       "model.safetensors, "
                                                      "tf_model.h5 found in directory "
                                                      "checkpoints/qwen0.6bemo4-merge.")),
    (k.WEIGHTS_WRONG, "damaged", traceback("safetensors_rust.SafetensorError: Error while deserializing header: "
                                           "HeaderTooSmall")),
    (k.WEIGHTS_WRONG, "damaged", traceback("RuntimeError: PytorchStreamReader failed reading zip archive: failed "
                                           "finding "
                                          "central directory")),
    (k.WEIGHTS_WRONG, "begins with v", traceback("_pickle.UnpicklingError: invalid load key, 'v'.")),
    (k.WEIGHTS_WRONG, "Weights only load failed", traceback(
        "_pickle.UnpicklingError: Weights only load failed. This file can still be loaded, to do so you have two "
        "options, "
        "do those steps only if you trust the source of the checkpoint.")),
    (k.WEIGHTS_WRONG, "UnifiedVoice", traceback(
        "RuntimeError: Error(s) in loading state_dict for UnifiedVoice:\n\tUnexpected key(s) in state_dict: "
        "\"gpt.h.20.ln_1\"")),
    (k.GPU_MEMORY, "14.00 MiB", traceback(
        "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 14.00 MiB. GPU 0 has a total capacity of "
        "7.66 GiB of "
        "which 21.62 MiB is free. Including non-PyTorch memory, this process has 7.16 GiB memory in use.")),
    (k.GPU_MEMORY, "2.00 GiB", traceback(
        "torch.cuda.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB (GPU 0; 23.65 GiB total "
        "capacity; 21.9 "
        "GiB already allocated; 1.20 GiB free; 22.0 GiB reserved in total by PyTorch)")),
    (k.GPU_MEMORY, "GPU out of memory", "(EngineCore_DP0 pid=634) torch.AcceleratorError: CUDA error: out of memory\n"),
    (k.GPU_MEMORY, "GPU out of "
                   "memory", "(EngineCore_DP0 pid=9) ValueError: Free memory on device (3.22/4.0 GiB) on startup is "
     "less than desired GPU memory utilization (0.9, 3.6 GiB).\n" + traceback(
         "RuntimeError: Engine core initialization failed. See root cause above. Failed core proc(s): {}")),
    (k.GPU_MEMORY, "GPU out of memory", "RuntimeError: Workspace can't be allocated, no enough memory.\n"),
    (k.GPU_MEMORY, "GPU out of memory", "[E:onnxruntime:, sequential_executor.cc:514] Non-zero status code: "
     "BFCArena::AllocateRawInternal Failed to allocate memory for requested buffer of size 67108864\n"),
    (k.GPU_MISSING, "built for the processor", traceback("AssertionError: Torch not compiled with CUDA enabled")),
    (k.GPU_MISSING, "no GPU", traceback(
        "RuntimeError: Found no NVIDIA driver on your system. Please check that you have an NVIDIA GPU and "
        "installed a driver")),
    (k.GPU_MISSING, "too old", traceback("RuntimeError: The NVIDIA driver on your system is too old (found version "
                                         "11040).")),
    (k.GPU_MISSING, "CUDA_HOME", traceback("deepspeed.ops.op_builder.builder.MissingCUDAException: CUDA_HOME does "
                                           "not exist, "
                                          "unable to compile CUDA op(s)")),
    (k.GPU_BROKEN, "no code for this GPU", traceback(
        "RuntimeError: CUDA error: no kernel image is available for execution on the device")),
    (k.GPU_BROKEN, "device-side "
                   "assert", "../aten/src/ATen/native/cuda/Indexing.cu:1289: indexSelectLargeIndex: block: [0,0,0], "
     "thread: [0,0,0] Assertion `srcIndex < srcSelectDimSize` failed.\n" + traceback(
         "RuntimeError: CUDA error: device-side assert triggered")),
    (k.LIBRARY, "libcudnn.so.9", traceback("OSError: libcudnn.so.9: cannot open shared object file: No such file or "
                                           "directory")),
    (k.LIBRARY, "libcudnn_cnn_infer.so.8", "Could not load library libcudnn_cnn_infer.so.8. Error: libcuda.so: "
                                           "cannot open\n"),
    (k.LIBRARY, "sndfile", traceback("OSError: sndfile library not found")),
    (k.LIBRARY, "GLIBC_2.32", traceback("ImportError: /lib/x86_64-linux-gnu/libc.so.6: version `GLIBC_2.32' not "
                                        "found")),
    (k.VERSIONS, "QuantizedCacheConfig", traceback("ImportError: cannot import name 'QuantizedCacheConfig' from "
                                                  "'transformers.cache_utils' (/x/cache_utils.py)")),
    (k.VERSIONS, "generate", traceback("AttributeError: 'GPT2InferenceModel' object has no attribute 'generate'")),
    (k.VERSIONS, "Numba", traceback("ImportError: Numba needs NumPy 2.0 or less. Got NumPy 2.2.")),
    (k.VERSIONS, "NumPy", traceback("ValueError: numpy.dtype size changed, may indicate binary incompatibility. "
                                    "Expected 96")),
    (k.VERSIONS, "tokenizers", traceback("ImportError: tokenizers>=0.21,<0.22 is required for a normal functioning "
                                         "of this "
                                        "module, but found tokenizers==0.20.")),
    (k.BUILD, "transformer_inference", traceback("RuntimeError: Unable to JIT load the transformer_inference op due "
                                                 "to it not "
                                                "being compatible due to hardware/software issue.")),
    (k.BUILD, "anti_alias_activation_cuda", traceback("RuntimeError: Error building extension "
                                                      "'anti_alias_activation_cuda'")),
    (k.BUILD, "deepspeed==0.17.1", "  × Failed to build `deepspeed==0.17.1`\n  ├─▶ The build backend returned an "
                                   "error\n"
     "  ╰─▶ Call to `setuptools.build_meta.build_wheel` failed (exit status: 1)\n      ModuleNotFoundError: No "
     "module named "
     "'setuptools'\n"),
    (k.BUILD, "pynini", "ERROR: Failed building wheel for pynini\n"),
    (k.PORT, "7860", traceback("OSError: Cannot find empty port in range: 7860-7860. You can specify a different "
                               "port by setting "
                              "the GRADIO_SERVER_PORT environment variable.")),
    (k.PORT, "7860", "ERROR:    [Errno 98] error while attempting to bind on address ('0.0.0.0', 7860): address "
                     "already in use\n"),
    (k.PROXY, "localhost", traceback("ValueError: When localhost is not accessible, a shareable link must be "
                                     "created. Please "
                                    "set share=True or check your proxy settings to allow access to localhost.")),
    (k.NETWORK, "huggingface.co", traceback(
        "OSError: We couldn't connect to 'https://huggingface.co' to load the files, and couldn't find them in the "
        "cached "
        "files.\nCheck your internet connection.")),
    (k.NETWORK, "huggingface.co", "requests.exceptions.ConnectionError: "
                                  "(MaxRetryError(\"HTTPSConnectionPool(host='huggingface.co',"
     " port=443): Max retries exceeded with url: /facebook/w2v-bert-2.0/resolve/main/config.json (Caused by "
     "NewConnectionError('<urllib3.connection.HTTPSConnection object>: [Errno 101] Network is unreachable'))\"))\n"),
    (k.NETWORK, "model hub", traceback("huggingface_hub.errors.LocalEntryNotFoundError: An error happened while "
                                       "trying to locate "
                                      "the file on the Hub and we cannot find the requested files in the local "
                                      "cache.")),
    (k.NETWORK, "w2v-bert-2.0", traceback("OSError: Can't load feature extractor for 'facebook/w2v-bert-2.0'. If "
                                          "you were trying "
                                         "to load it from 'https://huggingface.co/models', make sure")),
    (k.NETWORK, "401", "401 Client Error: Unauthorized for url: "
                       "https://huggingface.co/facebook/w2v-bert-2.0/resolve/main/x\n"),
    (k.NO_COMMAND, "ffmpeg", traceback("FileNotFoundError: [Errno 2] No such file or directory: 'ffmpeg'")),
    (k.NO_COMMAND, "ninja", traceback("RuntimeError: Ninja is required to load C++ extensions")),
    (k.CANNOT_WORK, "audio", traceback("RuntimeError: Couldn't find appropriate backend to handle uri a.mp3 and "
                                       "format None.")),
    (k.CANNOT_WORK, "inf or nan", traceback("RuntimeError: probability tensor contains either `inf`, `nan` or "
                                            "element < 0")),
    (k.CANNOT_WORK, "too long", traceback("RuntimeError: The size of tensor a (1818) must match the size of tensor "
                                          "b (1602) at "
                                         "non-singleton dimension 1")),
    (k.MODEL_NOT_LOADED, "not loaded", traceback("AttributeError: 'NoneType' object has no attribute 'infer'")),
    (k.DISK_FULL, "disk is full", traceback("OSError: [Errno 28] No space left on device: "
                                            "'/root/.cache/huggingface/x'")),
    (k.DISK_FULL, "/dev/shm", "ERROR: Unexpected bus error encountered in worker. This might be caused by "
                              "insufficient shared "
     "memory (shm).\n"),
    (k.MEMORY, "8589934592", traceback("RuntimeError: [enforce fail at alloc_cpu.cpp:114] . DefaultCPUAllocator: "
                                       "can't allocate "
                                      "memory: you tried to allocate 8589934592 bytes. Error code 12 (Cannot "
                                      "allocate memory)")),
    (k.MEMORY, "3.18 GiB", traceback("numpy.core._exceptions._ArrayMemoryError: Unable to allocate 3.18 GiB for an "
                                     "array")),
    (k.WRONG_PYTHON, ">=3.10", "error: Package 'indextts' requires a different Python: 3.8.20 not in '>=3.10'\n"),
    (k.WRONG_PYTHON, "another Python", traceback("TypeError: unsupported operand type(s) for |: 'type' and "
                                                 "'NoneType'")),
    (k.ARGUMENT, "--is_fp16", "usage: webui.py [-h] [--fp16]\nwebui.py: error: unrecognized arguments: --is_fp16\n"),
    (k.PERMISSION, "/opt/cache", traceback("PermissionError: [Errno 13] Permission denied: '/opt/cache/nemo'")),
    (k.OPEN_FILES, "open files", traceback("OSError: [Errno 24] Too many open files: '/tmp/x'")),
    (k.WEIGHTS_MISSING, "folder of the model is missing: checkpoints", "Model directory checkpoints does not exist. "
                                                                      "Please download the model first.\n"),
    (k.WEIGHTS_MISSING, "./checkpoints/qwen0.6bemo4-merge/", traceback(
        "huggingface_hub.errors.HFValidationError: Repo id must be in the form 'repo_name' or 'namespace/repo_name': "
        "'./checkpoints/qwen0.6bemo4-merge/'. Use `repo_type` argument if needed.")),
    (k.WEIGHTS_WRONG, "old form", traceback("RuntimeError: Cannot use ``weights_only=True`` with files saved in the "
                                            "legacy .tar format. In PyTorch 2.6, we changed the default value")),
    (k.VERSIONS, "IndexTTS2.__init__ takes no argument use_fp16", traceback(
        "TypeError: IndexTTS2.__init__() got an unexpected keyword argument 'use_fp16'")),
    (k.MODULE, "flash_attn", traceback("ImportError: FlashAttention2 has been toggled on, but it cannot be used due to "
                                       "the following error: the package flash_attn seems to be not installed.")),
    (k.LIBRARY, "FFmpeg", traceback("RuntimeError: Could not load libtorchcodec. Likely causes:\n  1. FFmpeg is not "
                                    "properly installed")),
    (k.LIBRARY, "libcudnn_ops_infer.so.8 is missing", "Could not load library libcudnn_ops_infer.so.8. Error: "
     "libcudnn_ops_infer.so.8: cannot open shared object file: No such file or directory\n"),
    (k.NO_COMMAND, "no compiler", traceback("RuntimeError: Failed to find C compiler. Please specify via CC")),
    (k.BUILD, "cannot be compiled", traceback("Exception: >- DeepSpeed Op Builder: Installed CUDA version 12.9 does "
                                              "not match the version torch was compiled with 12.8, unable to compile")),
    (k.PACKAGES, "torch==2.8.0+cu128: builds for cu128", "Because there is no version of torch==2.8.0+cu128 and you "
                                                       "require torch==2.8.0+cu128\n"),
    (k.NETWORK, "too often", "  hf://ORG/REPO@1/gpt.pth: HTTP 429 Too Many Requests (6 attempts in a row)\n"),
    (k.WEIGHTS_MISSING, "punkt_tab", traceback("LookupError: \n****\n  Resource punkt_tab not found.\n  Please use the "
                                               "NLTK Downloader")),
    (k.WEIGHTS_WRONG, "damaged", traceback("RuntimeError: Internal: src/sentencepiece_processor.cc(1101) "
                                           "[model_proto->ParseFromArray(serialized.data(), serialized.size())]")),
    (k.CANNOT_WORK, "Half", traceback("RuntimeError: \"LayerNormKernelImpl\" not implemented for 'Half'")),
    (k.CANNOT_WORK, "MPS", traceback("NotImplementedError: The operator 'aten::_fft_r2c' is not currently implemented "
                                     "for the MPS device.")),
    (k.PERMISSION, "/models/cache", traceback("OSError: [Errno 30] Read-only file system: '/models/cache'")),
]  # fmt: skip


@pytest.mark.parametrize("kind, words, text", REAL, ids=[f"{kind}: {words}" for kind, words, _ in REAL])
def test_the_cause_is_read_behind_what_was_overcome(kind: str, words: str, text: str) -> None:
    found = passages.find([passages.passage("service.log", DECOYS + text)])

    assert found
    assert (kind, True) == (found.sign.kind, words in found.words), found.words


@pytest.mark.parametrize(
    "error",
    [
        "TypeError: argument of type 'bool' is not iterable",  # no argument of its command line
        "FileNotFoundError: [Errno 2] No such file or directory: 'examples/cases.jsonl'",  # no file.json of a model
    ],
)
def test_words_that_only_look_like_those_of_a_sign_are_none(error: str) -> None:
    assert passages.find([passages.passage("service.log", traceback(error))]) is None


def test_what_was_overcome_is_no_cause() -> None:
    handled = traceback("ModuleNotFoundError: No module named 'deepspeed'")
    log = f"{handled}Falling back to standard inference.\n{DECOYS}Running on local URL:  http://127.0.0.1:7860\n"

    assert passages.find([passages.passage("service.log", log)]) is None


def test_of_a_chain_of_tracebacks_the_last_that_tells_is_taken() -> None:
    log = (
        traceback("ModuleNotFoundError: No module named 'flash_attn'")
        + "\nDuring handling of the above exception, another exception occurred:\n\n"
        + traceback("torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 1.00 GiB")
        + traceback("RuntimeError: Worker failed")
    )

    found = passages.find([passages.passage("service.log", log)])

    assert found
    assert (k.GPU_MEMORY, "service.log", 11) == (found.sign.kind, found.place, found.number)


def test_a_progress_bar_is_never_the_line_that_tells() -> None:
    log = "loading\ndied of sorrow\nFetching 9 files: 100%|██████████| 9/9 [00:01<00:00, 8.9it/s]\n"

    assert "died of sorrow" == passages.last_telling([passages.passage("service.log", log)])


@pytest.mark.parametrize("each", SIGNS, ids=[f"{each.kind} {number}" for number, each in enumerate(SIGNS)])
def test_both_languages_of_a_sign_name_what_its_pattern_finds(each: Sign) -> None:
    groups = set(re.compile(each.pattern).groupindex)
    english, chinese = (set(re.findall(r"\{(\w+)\}", words)) for words in (each.words, each.chinese))

    assert each.kind in k.RANK
    assert english <= groups
    assert english == chinese
    assert re.search("[\u4e00-\u9fff]", each.chinese)


def test_a_part_in_brackets_is_left_out_where_its_name_was_not_found() -> None:
    made = sign(k.PORT, r"port( (?P<port>\d+))? taken", "taken⟦: {port}⟧", "被占用⟦：{port}⟧")

    told = [first_in([made], text) for text in ("port 80 taken", "port taken")]

    assert ["taken: 80", "taken"] == [found.words for found in told if found]
