"""versions.py PACKAGE..: the versions of Python and of these packages, as JSON."""

import importlib.metadata
import json
import platform
import sys

versions = {package: importlib.metadata.version(package) for package in sys.argv[1:]}
print(json.dumps({"python": platform.python_version(), **versions}))
