"""Take secrets out of what is stored or printed: known values in every escaping, token shapes, what a name calls one."""
