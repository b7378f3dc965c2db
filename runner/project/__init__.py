"""Work on a project: its recipes, targets and journal. The commands do what they do through this room."""
