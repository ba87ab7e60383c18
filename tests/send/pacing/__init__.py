"""Tests of the pace of a send."""
