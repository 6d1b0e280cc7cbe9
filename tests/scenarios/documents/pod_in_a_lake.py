"""What a pod does in a lake with the token that is mounted: the job of the first two articles, by the client of today."""

from pathlib import Path

import jwt
from azure.core.credentials import AccessToken
from azure.storage.filedatalake import DataLakeServiceClient
from outcome import fill_in, tell


class Mounted:
    """The token of a file, read anew whenever one is asked for."""

    def get_token(self, *_scopes, **_more):
        token = Path(fill_in("TOKEN_FILE")).read_text()
        ends = jwt.decode(token, options={"verify_signature": False})["exp"]
        return AccessToken(token, int(ends))


account = f"https://{fill_in('ACCOUNT')}.dfs.core.windows.net"
with DataLakeServiceClient(account, credential=Mounted()) as service:
    filesystem = service.get_file_system_client("raw")
    directory = filesystem.get_directory_client("mysampledirectory")
    access = directory.get_access_control()["acl"]
    file = directory.create_file("mysamplefile.txt")
    file.upload_data(b"a line\n", overwrite=True)
    listed = [path.name for path in filesystem.get_paths("mysampledirectory")]
    read = file.download_file().readall().decode()
    file.delete_file()
    empty = [path.name for path in filesystem.get_paths("mysampledirectory")]

tell(access=access.split(","), listed=listed, read=read, empty=empty)
