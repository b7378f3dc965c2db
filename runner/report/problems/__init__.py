"""Problems of recipes and rows, in formats for people and for CI services."""
