"""The type checker of templates and expressions."""
