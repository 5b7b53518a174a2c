"""Commands of ``python -m workers``, one module each."""
