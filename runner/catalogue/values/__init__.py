"""Values of requests and answers: arguments, conditions, scalars and forms."""
