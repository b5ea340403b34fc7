"""The embedded engine: FastSpeech2 and Multi-band MelGAN in 24 MB, one Mandarin voice, on any CPU."""
