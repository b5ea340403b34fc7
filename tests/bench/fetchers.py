"""Who can fetch a file from a server here: Shardline, and what people use else."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Callable, Dict, List, NamedTuple

from scripts.errors import PipelineError

from .measuring import shardline
from .server import COMMIT
from .weights import Weights, manifest

BASE = "curl + openssl"
# A proxy must not stand between us and the server; huggingface_hub shall take the file from it, not in chunks.
VARIABLES = {"NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1", "HF_HUB_DISABLE_XET": "1"}

HUB = """\
import sys, huggingface_hub
url, folder, name, commit = sys.argv[1:]
huggingface_hub.hf_hub_download("org/repo", name, revision=commit, endpoint=url, cache_dir=folder)
"""
BOTO3 = """\
import sys, boto3, botocore
url, folder, name = sys.argv[1:]
unsigned = botocore.config.Config(signature_version=botocore.UNSIGNED)
s3 = boto3.client("s3", endpoint_url=url, region_name="us-east-1", config=unsigned)
s3.download_file("bucket", name, f"{folder}/{name}")
"""
POOCH = """\
import sys, pooch
url, folder, name, digest = sys.argv[1:]
pooch.retrieve(f"{url}/{name}", digest, name, folder)
"""
FSYNC = "import os, sys; os.fsync(os.open(sys.argv[1], os.O_RDONLY))"

Words = Callable[[Path, str, Weights], List[str]]  # into which folder, from which server, which file


class Fetcher(NamedTuple):
    """Whether it proves what it fetched, and its command."""

    proves: bool
    words: Words


def available(python: str) -> Dict[str, Fetcher]:
    """Those that are installed; modules and aria2c also where the interpreter `python` lies.

    Raises:
        PipelineError: those that everybody is compared with are not.
    """
    for program in ("curl", "openssl"):
        if shutil.which(program) is None:
            raise PipelineError(f"fetching is compared with curl and openssl, and there is no {program}", "Install it.")
    found = {
        "shardline": Fetcher(True, lambda to, url, file: shardline("models", manifest(to, [file], url))),
        BASE: Fetcher(True, _curl_and_openssl),
        f"{BASE} + fsync": Fetcher(True, _curl_openssl_and_fsync),
        "the server alone": Fetcher(False, lambda to, url, file: _curl(url, file, os.devnull)),
    }
    aria2c = shutil.which("aria2c") or shutil.which("aria2c", path=str(Path(python).parent))
    if aria2c:
        found["aria2c, 4 connections"] = Fetcher(True, partial(_aria2c, aria2c))
    modules = {
        "huggingface_hub": Fetcher(False, lambda to, url, file: _python(python, HUB, url, to, file, COMMIT)),
        "boto3": Fetcher(False, lambda to, url, file: _python(python, BOTO3, url, to, file)),
        "pooch": Fetcher(True, lambda to, url, file: _python(python, POOCH, url, to, file, f"sha256:{file.sha256}")),
    }
    return {**found, **{name: each for name, each in modules.items() if _has(python, name)}}


def _has(python: str, module: str) -> bool:
    return subprocess.call([python, "-c", f"import {module}"], stderr=subprocess.DEVNULL) == 0


def _curl(url: str, file: Weights, to: str) -> List[str]:
    return ["curl", "-sSf", "-o", to, f"{url}/{file.file.name}"]


def _curl_and_openssl(to: Path, url: str, file: Weights) -> List[str]:
    target = str(to / file.file.name)
    return _one_after_another(_curl(url, file, target), ["openssl", "dgst", "-sha256", target])


def _curl_openssl_and_fsync(to: Path, url: str, file: Weights) -> List[str]:
    fsync = [sys.executable, "-I", "-S", "-c", FSYNC, str(to / file.file.name)]
    return _one_after_another(_curl_and_openssl(to, url, file), fsync)


def _one_after_another(*commands: List[str]) -> List[str]:
    return ["sh", "-ec", "\n".join(map(shlex.join, commands))]


def _aria2c(program: str, to: Path, url: str, file: Weights) -> List[str]:
    options = ["-q", "-x4", "-s4", "--file-allocation=none", f"--checksum=sha-256={file.sha256}", "-d", str(to)]
    return [program, *options, f"{url}/{file.file.name}"]


def _python(python: str, code: str, url: str, to: Path, file: Weights, *more: str) -> List[str]:
    return [python, "-c", code, url, str(to), file.file.name, *more]
