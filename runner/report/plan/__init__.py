"""A dry run as text, JSON, Markdown and as a list of changes."""
