"""Answers on the caller's rows: the results frame, its summary line, CSV and Excel."""
