"""Everything that prints or writes for people: reporters of the engine's events, and the journal as text."""
