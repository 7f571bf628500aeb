"""The control API: everything that on the real thing is a person, a phone, a dashboard or bad luck."""
