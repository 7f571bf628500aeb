"""Fetches, checks, keeps and reads what customers send; uploads what is sent to them."""
