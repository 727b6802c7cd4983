"""Rent notices: published from files, found for their tenant."""
