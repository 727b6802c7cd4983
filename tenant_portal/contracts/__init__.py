"""Contracts: what a reference and a module are, how a contract is found."""
