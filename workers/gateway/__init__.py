"""The JT/T 808 gateway: terminals talk to us over TCP; a report is acknowledged once it is committed."""
