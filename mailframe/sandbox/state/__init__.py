"""What the sandbox keeps: servers, messages, events, suppressions."""
