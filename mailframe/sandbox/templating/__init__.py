"""Mustachio, the template language of Postmark: tokens, rendering, suggested models. Pure."""
