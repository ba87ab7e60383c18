"""Jinja as a letter needs it: sandboxed, bounded, strict about gaps. No pandas beyond what ``cells`` hands in."""
