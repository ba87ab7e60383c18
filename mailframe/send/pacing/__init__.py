"""When the next batch of a send may go, and how large it is: rates, windows of time, stop rules."""
