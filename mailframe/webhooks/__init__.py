"""The receiver of Postmark's webhooks, and the file of its events. Without pandas."""
