"""What is written: the letter, its attachments, its templates, and what can be said of them without a row."""
