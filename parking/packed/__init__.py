"""Fixes as columns, and the blocks closed days are packed into. Knows numpy and bytes, no SQL."""
