"""The messages: packs of them, what is found in them, and what belongs to each."""
