"""Pages of messages: escaped HTML from templates, and mails isolated in frames. It knows no frame, letter or Postmark."""
