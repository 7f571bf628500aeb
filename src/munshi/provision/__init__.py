"""What the operator and `munshi up` share: accounts, streams, roles and registry entries."""
