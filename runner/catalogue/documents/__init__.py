"""API documents: read, checked, with overlays applied, and cached."""
