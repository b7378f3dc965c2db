"""Files of a run: results, created objects, retries and exports."""
