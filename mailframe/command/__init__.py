"""The commands of the command line, each from its arguments to its exit code."""
