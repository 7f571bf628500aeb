"""Reading receipts and invoices: pages to pieces of text (`engines`), pieces to rows, rows to fields.

Everything but `engines`, `pdf`, `pool` and `engine` is pure.
"""
