#!/usr/bin/env python3
"""A stand-in for kubectl: keeps in the folder CLUSTER what the recipe hands over, and knows no other command."""

import os
import pathlib
import sys

import yaml

CLUSTER = pathlib.Path(os.environ["CLUSTER"])


def option(words, name):
    """The file that an option names."""
    [value] = [word.partition("=")[2] for word in words if word.startswith(f"{name}=")]
    return pathlib.Path(value).read_text()


match sys.argv[1:]:
    case ["create", "secret", "generic", name, *rest]:
        (CLUSTER / f"Secret-{name}").write_text(option(rest, "--from-env-file"))
    case ["create", "configmap", name, *rest]:
        (CLUSTER / f"ConfigMap-{name}").write_text(option(rest, "--from-file"))
    case ["apply", "-f", path]:
        text = pathlib.Path(path).read_text()
        document = yaml.safe_load(text)
        (CLUSTER / f"{document['kind']}-{document['metadata']['name']}").write_text(text)
    case other:
        sys.exit(f"kubectl knows no {other}")
