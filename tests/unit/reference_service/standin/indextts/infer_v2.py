"""Stands in for indextts.infer_v2 of indextts2-inference 2.1.1: the same signatures, a tone in place of speech."""

import numpy as np
import torch


class IndexTTS2:
    answer = None  # what a test lets it raise, or give

    def __init__(
        self,
        model_dir=None,
        cfg_path=None,
        use_fp16=False,
        device=None,
        use_cuda_kernel=None,
        use_deepspeed=False,
        use_accel=False,
        use_torch_compile=False,
        language=None,
        attn_backend=None,
    ):
        self.made = {"model_dir": model_dir, "cfg_path": cfg_path, "device": device}
        self.asked = []
        type(self).latest = self

    def infer(
        self,
        spk_audio_prompt,
        text,
        output_path,
        emo_audio_prompt=None,
        emo_alpha=1.0,
        emo_vector=None,
        use_emo_text=False,
        emo_text=None,
        use_random=False,
        interval_silence=200,
        verbose=False,
        max_text_tokens_per_segment=120,
        stream_return=False,
        quick_streaming_tokens=0,
        **generation_kwargs,
    ):
        self.asked.append({"text": text, "emo_vector": emo_vector, "voice": spk_audio_prompt, **generation_kwargs})
        if isinstance(self.answer, BaseException):
            raise self.answer
        if callable(self.answer):
            return self.answer()
        hertz = 200 + torch.dice[-1] % 7 + sum(place * weight for place, weight in enumerate(emo_vector or [], 1))
        times = np.arange(len(text) * 2205) / 22050
        return 22050, (np.sin(2 * np.pi * hertz * times) * 9000).astype(np.int16)[:, None]
