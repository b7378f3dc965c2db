"""Comparison of a live API with its document. It only reads, and never shows a value."""
