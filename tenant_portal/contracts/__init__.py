"""The landlord's contracts: what a reference and a module are, and how one is found."""
