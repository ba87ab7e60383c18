"""What becomes of messages after they were accepted: opens, clicks, bounces, complaints."""
