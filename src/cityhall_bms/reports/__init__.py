"""Reports: figures with the samples and events they were made from, put into sentences, tables and charts."""
