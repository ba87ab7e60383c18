"""The letter: its templates and settings, its attachments, and checks that need no rows."""
