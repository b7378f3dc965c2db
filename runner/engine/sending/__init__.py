"""Sending a request at most once: when it may leave, its outcome, and retries of what was not carried out."""
