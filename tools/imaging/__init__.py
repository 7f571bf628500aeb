"""What `tools/images.py` builds container images by."""
