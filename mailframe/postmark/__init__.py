"""Requests out, answers read: the client, what its connection proves, what answers mean, and the search."""
