"""The posts to webhooks: which events, as what JSON, and the thread that posts them."""
