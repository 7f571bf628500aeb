"""Draws receipts and invoices, trains what reads them, and measures it."""
