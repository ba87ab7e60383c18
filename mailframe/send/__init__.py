"""A send from its first check to its results: the run, the dispatcher, the ledger, test emails."""
