"""What a document leaves to be filled in, and what its program ended with."""

import json
import os


def fill_in(name):
    """The value that the test has for a FILL-IN-HERE."""
    return os.environ["SCENARIO_" + name]


def tell(**found):
    """One line of JSON for the test."""
    print(json.dumps(found), flush=True)
