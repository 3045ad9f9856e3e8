"""The keys that provider tokens are signed with: one that is thrown away, and those of a directory."""

from pathlib import Path
from typing import Final, Self

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from pushgate.model.errors import CannotStart
from pushgate.protocols.apns_http2.token_check import ProviderKey, public_key
from pushgate.simulator.certificates import write_private

KEY_ID: Final = "SIMKEY0001"
TEAM_ID: Final = "SIMTEAM001"


class ThrowAwayKey:
    """A key as Apple gives it to a developer, in a file as Apple names it.

    :ivar file: the private key; what a client signs with.
    :ivar public: what the service verifies with.
    """

    key_id = KEY_ID
    team_id = TEAM_ID

    def __init__(self, file: Path) -> None:
        self.file = file
        self.public = public_key(file.read_bytes())

    @classmethod
    def in_directory(cls, directory: Path) -> Self:
        """The key in `directory`; made anew when it is missing or unreadable.

        :raises CannotStart: when the directory cannot be written.
        """
        file = directory.absolute() / f"AuthKey_{KEY_ID}.p8"
        try:
            if file.exists():
                return cls(file)
        except (OSError, ValueError):
            pass
        key = generate_private_key(SECP256R1())
        try:
            write_private(file, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
            return cls(file)
        except OSError as error:
            raise CannotStart(
                [f"simulator.state_dir: {file}: {error.strerror}; must be a writable directory"]
            ) from None


def read_keys(directory: Path) -> dict[str, ProviderKey]:
    """The keys of the files ``KEYID.pem`` in a directory, of no team in particular.

    :raises CannotStart: the directory or a file cannot be read.
    """
    keys, faults = {}, []
    try:
        files = sorted(path for path in directory.iterdir() if path.suffix == ".pem")
    except OSError as error:
        raise CannotStart([f"simulator.provider_keys: {directory}: {error.strerror}"]) from None
    for file in files:
        try:
            keys[file.stem] = ProviderKey(public_key(file.read_bytes()))
        except OSError as error:
            faults.append(f"simulator.provider_keys: {file}: {error.strerror}")
        except ValueError as error:
            faults.append(f"simulator.provider_keys: {file}: {error}")
    if faults:
        raise CannotStart(faults)
    return keys
