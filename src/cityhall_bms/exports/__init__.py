"""Exports: the question, the certificate, the manifest, and the proof."""
