"""mailframe beside the clients of Postmark that Python has, against one server on 127.0.0.1."""
