"""What differs: two texts word by word, two rows, two campaigns after an edit of the letter. Sends nothing."""
