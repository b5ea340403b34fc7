"""Stands in for torchaudio whose compiled part is of another build of torch."""

from . import _extension

IS_WHOLE = _extension._IS_TORCHAUDIO_EXT_AVAILABLE
