"""The landlord's side, « la gestion »: who looks for a contract and sees where its tenant stands."""
