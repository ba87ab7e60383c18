"""Checks of templates and rendered bodies: unsafe places for values, links, placeholders."""
