"""Tests are shared out while they run: where pieces are claimed, and which piece comes next."""
