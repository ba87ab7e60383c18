"""Messages that several processes or machines render, and one process sends."""
