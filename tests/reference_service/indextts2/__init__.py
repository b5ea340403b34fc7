"""IndexTTS2 behind the reference service's HTTP face: the package indextts2-inference, or a checkout of index-tts."""
