"""State in PostgreSQL. Hot paths call functions of the schema by asyncpg, one round trip each."""
