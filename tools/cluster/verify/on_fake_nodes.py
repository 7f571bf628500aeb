"""Read a Deployment, make its pods go to KWOK's nodes only, and write it."""

import json
import sys

deployment = json.load(sys.stdin)
pod = deployment["spec"]["template"]["spec"]
pod["nodeSelector"] = {"type": "fake"}
pod["tolerations"] = [{"key": "kwok.x-k8s.io/node", "operator": "Exists"}]
json.dump(deployment, sys.stdout)
