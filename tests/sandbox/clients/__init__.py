"""Other clients of Postmark, unchanged, against a sandbox on a real socket."""
