"""What the sandbox has under ``/_sandbox/``, a path that Postmark does not use."""
