"""A ledger in a PostgreSQL database, which several machines share; by psycopg 3."""
