"""One row becomes one checked message: bound, rendered, assembled, checked, encoded; messages become batches."""
