"""File formats of rows: delimited text, JSON Lines, JSON arrays and workbooks."""
