"""What programs write when something goes wrong, as they really word it, and what that means."""
