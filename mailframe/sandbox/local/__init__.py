"""The sandbox as one object, ``LocalPostmark``, and the parts of it."""
