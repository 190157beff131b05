"""What the command line reads and prints, apart from the files themselves (`core/__main__.py`)."""
