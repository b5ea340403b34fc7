"""Import torchaudio also where its compiled part is of another build of torch.

PyPI has it for CUDA only; beside a torch for CPUs that part cannot be loaded, and the import fails. What the engine
uses of it (resampling, filter banks) is plain Python, and torchaudio itself does without that part where it is missing.
"""

from __future__ import annotations

import sys
import types
from typing import Any


def import_torchaudio() -> bool:
    """Import it; returns whether it is whole."""
    try:
        import torchaudio
    except OSError:
        for name in [name for name in sys.modules if name.partition(".")[0] == "torchaudio"]:
            del sys.modules[name]
        sys.modules["torchaudio._extension"] = _missing()
        import torchaudio  # noqa: F401

        return False
    return True


def _missing() -> types.ModuleType:
    """Make what torchaudio makes itself where the compiled part is not there."""
    module: Any = types.ModuleType("torchaudio._extension")
    module._IS_TORCHAUDIO_EXT_AVAILABLE = module._IS_ALIGN_AVAILABLE = module._IS_RIR_AVAILABLE = False
    module.fail_if_no_align = module.fail_if_no_rir = lambda function: function
    module._load_lib = lambda name: False
    module._check_cuda_version = lambda: None
    return module  # type: ignore[no-any-return]
