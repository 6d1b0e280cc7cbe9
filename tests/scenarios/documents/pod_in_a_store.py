"""What a pod does in a Data Lake Store with the token that is mounted: the job of the first two articles, by their own client."""

import time
from pathlib import Path

import jwt
from azure.datalake.store import core, lib
from outcome import fill_in, tell

DIRECTORY = "/mysampledirectory"
FILE = DIRECTORY + "/mysamplefile.txt"


def mounted():
    """The token of the file, in the words of each version of the client."""
    token = Path(fill_in("TOKEN_FILE")).read_text()
    left = int(jwt.decode(token, options={"verify_signature": False})["exp"] - time.time())
    return lib.DataLakeCredential({
        "access": token, "access_token": token, "token_type": "Bearer", "time": time.time(), "expiresIn": left,
        "expires_in": left,
    })


files = core.AzureDLFileSystem(mounted(), store_name=fill_in("ACCOUNT"))
access = files.get_acl_status(DIRECTORY)["entries"]
with files.open(FILE, "wb") as file:
    file.write(b"a line\n")
inherited = files.get_acl_status(FILE)["entries"]
listed = files.ls(DIRECTORY)
read = files.cat(FILE).decode()
files.rm(FILE)
empty = files.ls(DIRECTORY)
kept = files.cat("/config/greeting.txt").decode()

tell(access=access, inherited=inherited, listed=listed, read=read, empty=empty, kept=kept)
