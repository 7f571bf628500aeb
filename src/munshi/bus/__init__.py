"""The bus: one NATS account a cell, its streams, its connection and the fast durable publisher."""
