"""What tenants write to the landlord."""
