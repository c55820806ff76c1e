"""Taking a building into service: devices found, lists imported, points examined one by one."""
