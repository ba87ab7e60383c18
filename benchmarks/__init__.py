"""Benchmarks of mailframe: speed, sends, the ledger, previews, tours and memory; no network."""
