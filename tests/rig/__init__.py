"""What tests stand on: real servers once a session, a database and an account a test, services as processes.

Fixtures are in `rig.fixtures`. Everything started here dies with the test process, even when that is killed.
"""
