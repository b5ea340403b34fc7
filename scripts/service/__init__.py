"""Start the service under test, know when it can work, and leave nothing of it behind."""
