"""What a log line says: its format, time and level, the container it is from, the template it belongs to."""
