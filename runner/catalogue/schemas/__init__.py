"""JSON Schemas of API documents in one dialect, and the errors of values against them."""
