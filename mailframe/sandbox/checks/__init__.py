"""What Postmark checks of a request and its messages, and the texts of its refusals."""
