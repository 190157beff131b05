"""Parameter sets that people bring along: our own as a file, those of 3Commas and of OKX."""
