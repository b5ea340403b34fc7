"""What composes the rooms: one module per step, named as its nox session or invoke task."""
