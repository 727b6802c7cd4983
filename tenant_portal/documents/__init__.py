"""Rent notices and receipts: published from files, found for their tenant."""
