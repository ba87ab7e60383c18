"""HTTP without Postmark: requests and replies as values and as text, addresses, access."""
