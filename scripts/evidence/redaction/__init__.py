"""Take secrets out of what is stored or printed: known values in every escaping, tokens by shape, values by name."""
