"""Stands in for indextts.infer_v2_5 of index-tts at ee40fa7, where it takes other arguments."""

from .infer_v2 import IndexTTS2 as _Older


class IndexTTS2(_Older):
    def __init__(self, cfg_path="", model_dir="", use_bf16=False, device=None, use_qwen_emo=False):
        super().__init__(model_dir, cfg_path, device=device)
        self.made["use_qwen_emo"] = use_qwen_emo

    def infer(
        self, spk_audio_prompt, text, output_path, lang, emo_vector=None, duration_factor=1.0, **generation_kwargs
    ):
        found = super().infer(spk_audio_prompt, text, output_path, emo_vector=emo_vector, **generation_kwargs)
        self.asked[-1]["lang"] = lang
        return found
