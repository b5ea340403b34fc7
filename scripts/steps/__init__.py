"""What composes the rooms: one module per step, and per nox session of the same name."""
