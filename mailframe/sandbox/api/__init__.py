"""What Postmark's API answers: one module for each part of its documentation."""
