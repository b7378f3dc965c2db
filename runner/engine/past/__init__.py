"""Earlier runs: which calls and rows on record belong to the rows of this one."""
