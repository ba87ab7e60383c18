"""Pages of messages: HTML from autoescaped templates, and mails isolated in frames."""
