"""The whole platform on one machine: real PostgreSQL, real NATS and the services, as supervised processes."""
