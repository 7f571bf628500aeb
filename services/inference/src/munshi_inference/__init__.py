"""Engines that understand, read, hear, speak and embed."""

import os

# Since 1.31 onnxruntime keeps a record of each session and sends it to its maker, on Linux too. It looks at
# this when it is first imported, by whichever library: so before all of ours.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
