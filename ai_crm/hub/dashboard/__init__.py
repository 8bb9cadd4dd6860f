"""What people see of the hub in a browser."""
