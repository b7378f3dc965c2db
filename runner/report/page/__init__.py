"""The page of a run: HTML, and the data that it shows."""
