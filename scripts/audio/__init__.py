"""Measure synthesised speech: read the file, measure the sound, compare two recordings."""
