"""Requests out, replies read: the client, the transport trace, responses and the search."""
