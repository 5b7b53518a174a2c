"""Ways by which news leaves the house."""
