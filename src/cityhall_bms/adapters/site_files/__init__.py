"""The site folder, read and checked."""
