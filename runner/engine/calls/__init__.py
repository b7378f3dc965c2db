"""One call of a row: as a plan shows it, and as a run carries it out."""
