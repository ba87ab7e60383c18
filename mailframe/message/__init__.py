"""One row becomes one checked message: bound, rendered, checked, encoded, and put in a batch."""
