"""Tests of datasets of rendered messages."""
