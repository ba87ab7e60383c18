"""Markdown letters: one source becomes an HTML template and a text template."""
