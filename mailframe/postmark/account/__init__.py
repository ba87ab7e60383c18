"""What a Postmark server has stored, as DataFrames, and the changes of its suppressions."""
