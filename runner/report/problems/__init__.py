"""Problems of recipes and rows, in the formats that people and CI services read."""
