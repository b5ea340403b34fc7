"""Make weights for IndexTTS2 that are random and 20 MB small: the real engine starts and speaks (noise) on any CPU.

    python tests/reference_service/indextts2/tiny_weights.py FOLDER

Everything around the sound can be tested with them: loading, readiness, refusals, queues, memory, emotions that change
something. The engine's own classes build the networks from a config.yaml of small numbers; here are the numbers, and
what is saved. What the engine has fixed in its code stays: GPT width 1280, semantic width 1024, CAMPPlus 80/192, 17
layers of w2v-bert. Large matrices are overlapping views of a short random vector: same shapes, small files.

The files lie as index-tts keeps them (hf_cache/ beside the engine's own). Nothing is written where they are already.
"""

from __future__ import annotations

import json
import math
import os
import shutil
import sys
import tempfile
import wave
from pathlib import Path
from typing import Any, Dict

GPT_WIDTH, SEMANTIC_WIDTH = 1280, 1024  # of the engine: layers between the networks have these numbers in code
CODES = 64  # of the codebook; real: 8192
CODES_A_SEGMENT = 25  # after so many the GPT says stop: 0.5 s of sound
WIDTH = 16  # of what makes spectra of codes; real: 512
RATE_HZ, MELS, HOP = 22050, 80, 256
LAYERS_USED = 17  # of w2v-bert: the engine takes the output of that one
SEED = 2025
SMALL = 4096  # numbers; larger matrices share a vector
DONE = "config.yaml"  # written last


def main(folder: str) -> int:
    """Make them in a folder, all of them or none."""
    target = Path(folder).resolve()
    if not (target / DONE).is_file():
        target.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=str(target.parent)))
        try:
            make(scratch)
            shutil.rmtree(str(target), ignore_errors=True)
            scratch.replace(target)
        finally:
            shutil.rmtree(str(scratch), ignore_errors=True)
    print(f"tiny weights: {target}, {sum(path.stat().st_size for path in files_of(target)) / 1e6:.1f} MB")
    return 0


def files_of(folder: Path) -> list[Path]:
    """List all files below a folder."""
    return [path for path in folder.rglob("*") if path.is_file()]


def make(folder: Path) -> None:
    """Write every file that the engine asks for."""
    import torch

    sys.path[:] = [str(Path(__file__).resolve().parents[1]), *sys.path[1:]]  # this folder's modules have common names
    from indextts2.torchaudio_anyhow import import_torchaudio

    import_torchaudio()
    from omegaconf import OmegaConf

    torch.manual_seed(SEED)
    vocabulary = write_text_model(folder / "bpe.model")
    numbers = config(vocabulary)
    made = OmegaConf.create(numbers)
    write_gpt(folder / "gpt.pth", made)
    write_spectra(folder / "s2mel.pth", made)
    write_emotions(folder, numbers["emo_num"])
    write_emotion_reader(folder / numbers["qwen_emo_path"])
    write_hub_files(folder / "hf_cache", made)
    write_voice(folder / "speaker.wav")
    (folder / DONE).write_text(OmegaConf.to_yaml(made), encoding="utf-8")


def config(vocabulary: int) -> Dict[str, Any]:
    """Give the engine's config.yaml with numbers as small as its code allows."""
    condition = {
        "output_size": 32,
        "linear_units": 32,
        "attention_heads": 2,
        "num_blocks": 1,
        "input_layer": "conv2d2",
        "perceiver_mult": 1,
    }
    return {
        "version": 2.0,
        "dataset": {"bpe_model": "bpe.model", "sample_rate": 24000},
        "gpt": {
            "model_dim": GPT_WIDTH,
            "layers": 1,
            "heads": 4,
            "max_text_tokens": 600,
            "max_mel_tokens": 1815,
            "max_conditioning_inputs": 1,
            "use_mel_codes_as_input": True,
            "mel_length_compression": 1024,
            "number_text_tokens": vocabulary,
            "number_mel_codes": CODES + 2,
            "start_mel_token": CODES,
            "stop_mel_token": CODES + 1,
            "start_text_token": 0,
            "stop_text_token": 1,
            "train_solo_embeddings": False,
            "condition_type": "conformer_perceiver",
            "condition_num_latent": 4,
            "condition_module": dict(condition),
            "emo_condition_module": dict(condition),
        },
        "semantic_codec": {
            "codebook_size": CODES,
            "hidden_size": SEMANTIC_WIDTH,
            "codebook_dim": 8,
            "vocos_dim": 8,
            "vocos_intermediate_dim": 16,
            "vocos_num_layers": 1,
        },
        "s2mel": spectra_config(),
        "gpt_checkpoint": "gpt.pth",
        "s2mel_checkpoint": "s2mel.pth",
        "w2v_stat": "wav2vec2bert_stats.pt",
        "spk_matrix": "feat1.pt",
        "emo_matrix": "feat2.pt",
        "emo_num": [2] * 8,
        "qwen_emo_path": "qwen0.6bemo4-merge/",
        "vocoder": {"type": "bigvgan", "name": "nvidia/bigvgan_v2_22khz_80band_256x"},
    }


def spectra_config() -> Dict[str, Any]:
    """Give the part that makes spectra of codes."""
    return {
        "preprocess_params": {
            "sr": RATE_HZ,
            "spect_params": {
                "n_fft": 1024,
                "win_length": 1024,
                "hop_length": HOP,
                "n_mels": MELS,
                "fmin": 0,
                "fmax": "None",
            },
        },
        "dit_type": "DiT",
        "reg_loss_type": "l1",
        "style_encoder": {"dim": 192},
        "length_regulator": {
            "channels": WIDTH,
            "in_channels": SEMANTIC_WIDTH,
            "is_discrete": False,
            "content_codebook_size": 8,
            "sampling_ratios": [1, 1],
            "vector_quantize": False,
            "n_codebooks": 1,
            "quantizer_dropout": 0.0,
            "f0_condition": False,
            "n_f0_bins": 8,
        },
        "DiT": {
            "hidden_dim": WIDTH,
            "num_heads": 2,
            "depth": 1,
            "class_dropout_prob": 0.1,
            "block_size": 8192,
            "in_channels": MELS,
            "style_condition": True,
            "final_layer_type": "wavenet",
            "target": "mel",
            "content_dim": WIDTH,
            "content_codebook_size": 8,
            "content_type": "discrete",
            "f0_condition": False,
            "n_f0_bins": 8,
            "content_codebooks": 1,
            "is_causal": False,
            "long_skip_connection": True,
            "zero_prompt_speech_token": False,
            "time_as_token": False,
            "style_as_token": False,
            "uvit_skip_connection": False,
            "add_resblock_in_transformer": False,
        },
        "wavenet": {
            "hidden_dim": WIDTH,
            "num_layers": 1,
            "kernel_size": 3,
            "dilation_rate": 1,
            "p_dropout": 0.2,
            "style_condition": True,
        },
    }


def write_text_model(file: Path) -> int:
    """Train a text model that knows the 3,755 common hanzi of GB 2312, and English; returns how many pieces it has."""
    import io

    import sentencepiece

    hanzi = [chr_of(row, column) for row in range(16, 56) for column in range(1, 95) if chr_of(row, column)]
    lines = [" ".join(hanzi[start : start + 40]) for start in range(0, len(hanzi), 40)]
    lines += ["THE QUICK BROWN FOX JUMPS OVER THE LAZY DOG, AND WHO KNOWS WHY? 0 1 2 3 4 5 6 7 8 9"] * 20
    lines += ["- ' … ! ? . , : ; %"] * 5
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines),
        model_writer=model,
        model_type="bpe",
        vocab_size=4000,
        character_coverage=1.0,
        hard_vocab_limit=False,
        bos_id=0,
        eos_id=1,
        unk_id=2,
        pad_id=-1,
        minloglevel=2,
    )
    file.write_bytes(model.getvalue())
    return int(sentencepiece.SentencePieceProcessor(model_proto=model.getvalue()).GetPieceSize())


def chr_of(row: int, column: int) -> str:
    """Give the character at a place of GB 2312, "" where there is none."""
    return bytes([0xA0 + row, 0xA0 + column]).decode("gb2312", "ignore")


def thinned(state: Dict[str, Any]) -> Dict[str, Any]:
    """Replace large matrices by overlapping views of a short random vector, of the same spread."""
    import torch

    thin = {}
    for name, tensor in state.items():
        if not tensor.is_floating_point() or tensor.numel() <= SMALL or tensor.dim() < 2:
            thin[name] = tensor.contiguous()
            continue
        step, row = 7, tensor[0].numel()
        vector = torch.randn((len(tensor) - 1) * step + row) * (float(tensor.float().std()) or 0.02)
        thin[name] = vector.as_strided(tensor.shape, [step, *tensor[0].contiguous().stride()])
    return thin


def write_gpt(file: Path, made: Any) -> None:
    """Write the GPT: it never says the start code, and after some codes a mark in their positions says stop."""
    import torch
    from indextts.gpt.model_v2 import UnifiedVoice

    state = thinned(UnifiedVoice(**made.gpt).state_dict())
    bias = state["mel_head.bias"].clone()
    bias[CODES], bias[CODES + 1] = -1e4, -20.0  # start is outside the codebook; stop waits for the mark
    mark = torch.sign(torch.randn(GPT_WIDTH))
    positions, head = (state[name].clone() for name in ("mel_pos_embedding.emb.weight", "mel_head.weight"))
    positions[CODES_A_SEGMENT + 1 :] += mark
    head[CODES + 1] = mark * (70.0 / GPT_WIDTH)
    state.update({"mel_head.bias": bias, "mel_pos_embedding.emb.weight": positions, "mel_head.weight": head})
    torch.save(state, str(file))


def write_spectra(file: Path, made: Any) -> None:
    """Write what makes spectra of codes, by the names of its parts."""
    import torch
    from indextts.s2mel.modules.commons import MyModel

    parts = MyModel(made.s2mel, use_gpt_latent=True).models
    torch.save({"net": {name: thinned(part.state_dict()) for name, part in parts.items()}}, str(file))


def write_emotions(folder: Path, counts: list[int]) -> None:
    """Write the known speakers, their emotions, and the statistics of the semantic features."""
    import torch

    torch.save(torch.randn(sum(counts), 192), str(folder / "feat1.pt"))
    torch.save(torch.randn(sum(counts), GPT_WIDTH), str(folder / "feat2.pt"))
    statistics = {"mean": torch.zeros(SEMANTIC_WIDTH), "var": torch.ones(SEMANTIC_WIDTH)}
    torch.save(statistics, str(folder / "wav2vec2bert_stats.pt"))


def write_emotion_reader(folder: Path) -> None:
    """Write the language model that reads emotions from a text: all zeros, so that it ends at once."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast, Qwen3Config, Qwen3ForCausalLM

    marks = ["<|im_end|>", "<|im_start|>"]
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE(vocab={piece: at for at, piece in enumerate([*marks, *letters])}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        eos_token=marks[0],
        pad_token=marks[0],
        additional_special_tokens=marks[1:],
        model_input_names=["input_ids", "attention_mask"],
    )
    fast.chat_template = (
        "{% for m in messages %}<|im_start|>{{m.role}}\n{{m.content}}<|im_end|>\n{% endfor %}"
        "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
    )
    fast.save_pretrained(str(folder))
    network = Qwen3ForCausalLM(
        Qwen3Config(
            vocab_size=len(fast),
            hidden_size=16,
            intermediate_size=16,
            num_hidden_layers=1,
            num_attention_heads=2,
            num_key_value_heads=1,
            head_dim=8,
            eos_token_id=0,
            bos_token_id=1,
            pad_token_id=0,
            tie_word_embeddings=True,
        )
    )
    for parameter in network.parameters():
        parameter.data.zero_()
    network.half().save_pretrained(str(folder))


def write_hub_files(folder: Path, made: Any) -> None:
    """Write what the engine has from other repositories."""
    import torch
    from indextts.s2mel.modules.campplus.DTDNN import CAMPPlus
    from indextts.utils.maskgct_utils import build_semantic_codec
    from safetensors.torch import save_file

    folder.mkdir()
    codec = build_semantic_codec(made.semantic_codec)
    save_file(dict(codec.state_dict()), str(folder / "semantic_codec_model.safetensors"))
    speakers = CAMPPlus(feat_dim=80, embedding_size=192)
    torch.save(thinned(speakers.state_dict()), str(folder / "campplus_cn_common.bin"))
    write_semantic_model(folder / "w2v-bert-2.0")
    write_vocoder(folder / "bigvgan")


def write_semantic_model(folder: Path) -> None:
    """Write w2v-bert, all layers of which are the first one."""
    import torch
    from transformers import SeamlessM4TFeatureExtractor, Wav2Vec2BertConfig, Wav2Vec2BertModel

    numbers = Wav2Vec2BertConfig(
        hidden_size=SEMANTIC_WIDTH,
        num_hidden_layers=LAYERS_USED,
        num_attention_heads=2,
        intermediate_size=8,
        feature_projection_input_dim=160,
        conv_depthwise_kernel_size=3,
        add_adapter=False,
        apply_spec_augment=False,
        mask_time_prob=0.0,
        layerdrop=0.0,
        left_max_position_embeddings=4,
        right_max_position_embeddings=4,
    )
    state = thinned(Wav2Vec2BertModel(numbers).state_dict())
    for name in state:
        if name.startswith("encoder.layers."):
            state[name] = state["encoder.layers.0." + name.split(".", 3)[3]]
    folder.mkdir()
    torch.save(state, str(folder / "pytorch_model.bin"))
    (folder / "config.json").write_text(numbers.to_json_string(), encoding="utf-8")
    features = SeamlessM4TFeatureExtractor(
        feature_size=80, num_mel_bins=80, sampling_rate=16000, stride=2, padding_value=1
    )
    (folder / "preprocessor_config.json").write_text(features.to_json_string(), encoding="utf-8")


def write_vocoder(folder: Path) -> None:
    """Write BigVGAN; its resblock "2" returns nothing in the engine's copy."""
    import torch
    from indextts.s2mel.modules.bigvgan import bigvgan
    from indextts.s2mel.modules.bigvgan.env import AttrDict

    numbers = {
        "num_mels": MELS,
        "upsample_initial_channel": 16,
        "upsample_rates": [16, 16],
        "upsample_kernel_sizes": [32, 32],
        "resblock": "1",
        "resblock_kernel_sizes": [3],
        "resblock_dilation_sizes": [[1, 3, 5]],
        "activation": "snakebeta",
        "snake_logscale": True,
        "use_bias_at_final": False,
        "use_tanh_at_final": False,
        "sampling_rate": RATE_HZ,
        "hop_size": HOP,
    }
    folder.mkdir()
    torch.save({"generator": bigvgan.BigVGAN(AttrDict(numbers)).state_dict()}, str(folder / "bigvgan_generator.pt"))
    (folder / "config.json").write_text(json.dumps(numbers), encoding="utf-8")


def write_voice(file: Path, seconds: float = 3.0) -> None:
    """Write who speaks: a buzz with the formant of an open vowel, three syllables a second."""
    import numpy as np

    times = np.arange(int(seconds * RATE_HZ)) / RATE_HZ
    phase = 2 * math.pi * np.cumsum(120 + 10 * np.sin(2 * math.pi * 4 * times)) / RATE_HZ
    buzz = sum(np.sin(k * phase) / k * (1 + 2 * math.exp(-(((k * 120 - 700) / 300) ** 2))) for k in range(1, 25))
    buzz = buzz * (0.5 + 0.5 * np.sin(2 * math.pi * 3 * times))
    with wave.open(str(file), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE_HZ)
        out.writeframes((buzz / np.abs(buzz).max() * 0.6 * 32767).astype("<i2").tobytes())


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(f"usage: python {os.path.relpath(__file__)} FOLDER")
    sys.exit(main(sys.argv[1]))
