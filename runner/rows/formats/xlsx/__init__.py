"""Excel workbooks: archive, sheets, shared strings and typed cells."""
