"""Fails as the compiled part does beside a torch for CPUs."""

raise OSError("libcudart.so.13: cannot open shared object file")
