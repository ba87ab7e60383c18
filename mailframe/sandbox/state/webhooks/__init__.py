"""The webhooks, and what waits to be posted to them."""
