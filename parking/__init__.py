"""The park's rules and memory: knows SQL, no HTTP, no queue."""
