"""Page of a run: HTML, and its data."""
