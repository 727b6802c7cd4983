"""What the landlord publishes for each contract: rent notices, read from a folder or a ZIP and kept as files."""
