"""Commands of ``python -m parking``, one module each."""
