"""Files of reports: HTML, PDF, XLSX and CSV; the same bytes for the same report."""
