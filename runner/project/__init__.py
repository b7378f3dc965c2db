"""Work on a project: its recipes, targets and journal. The commands, and programs, do what they do through this room."""
