"""Benchmarks of mailframe: speed, whole sends and memory; in one process or over child processes, no network."""
