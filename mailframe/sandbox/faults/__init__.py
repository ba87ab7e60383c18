"""What goes wrong with requests: every fault, and which request it hits."""
