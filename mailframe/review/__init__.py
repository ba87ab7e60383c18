"""Look before sending: preview, tour, diff."""
