"""Which tests ran and what became of them."""
