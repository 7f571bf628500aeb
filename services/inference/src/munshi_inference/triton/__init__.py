"""Triton before the engines: what its models run, how it is started, the client behind the same ports."""
