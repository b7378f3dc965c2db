"""What reporters write, from events made by hand."""
