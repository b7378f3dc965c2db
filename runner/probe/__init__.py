"""Compare a live API with its document: reads only, and nothing of a value is shown."""
