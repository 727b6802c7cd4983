"""« La gestion »: staff find a contract and see how far its tenant is."""
