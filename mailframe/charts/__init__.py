"""Charts: pictures of numbers, drawn by matplotlib without pyplot and without its settings."""
