"""Jinja for letters: sandboxed, limited, strict about missing values. It does not use pandas."""
