"""The differences of two rows, or of a campaign before and after an edit."""
