"""The web pages at ``/``: what arrived, every request, the faults."""
