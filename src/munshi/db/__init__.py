"""State in PostgreSQL. Hot paths call the functions of `munshi_migrations` by asyncpg, one round trip each."""
