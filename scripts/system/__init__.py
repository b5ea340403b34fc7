"""What every room needs of the operating system: files, locks, processes, signals, the machine, memory."""
