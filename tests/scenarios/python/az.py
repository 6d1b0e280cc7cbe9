"""Plays the Azure CLI of a machine where somebody is signed in: `az account get-access-token`, by a real sign-in.

The program itself would be 600 MB. What its caller sees is as documented:
https://learn.microsoft.com/cli/azure/account#az-account-get-access-token
"""

import argparse
import datetime
import json
import sys
import time

import msal
from outcome import fill_in

# The Azure CLI's own application.
CLIENT = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"

parser = argparse.ArgumentParser()
parser.add_argument("command", nargs=2)
parser.add_argument("--output", "-o")
parser.add_argument("--resource")
parser.add_argument("--scope", nargs="*")
parser.add_argument("--tenant", default=fill_in("TENANT"))
asked = parser.parse_args()
if asked.command != ["account", "get-access-token"]:
    sys.exit(f"az: unknown command {asked.command}")

application = msal.PublicClientApplication(
    CLIENT, authority=f"https://login.microsoftonline.com/{asked.tenant}")
scopes = asked.scope or [f"{asked.resource}/.default"]
answer = application.acquire_token_by_username_password(fill_in("USER"), fill_in("PASSWORD"), scopes)
if "access_token" not in answer:
    sys.exit(f"ERROR: {answer['error_description']}")
expires = int(time.time()) + answer["expires_in"]
print(json.dumps({
    "accessToken": answer["access_token"],
    "expiresOn": datetime.datetime.fromtimestamp(expires).strftime("%Y-%m-%d %H:%M:%S.%f"),
    "expires_on": expires,
    "tenant": asked.tenant,
    "tokenType": "Bearer",
}))
