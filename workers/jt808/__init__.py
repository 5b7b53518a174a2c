"""JT/T 808 codec (editions 2011, 2013 and 2019): bytes ↔ values, no input or output."""
