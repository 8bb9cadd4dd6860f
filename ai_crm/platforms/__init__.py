"""The platforms: each folder knows its vendor, none knows another, and nobody else knows a vendor at all."""
