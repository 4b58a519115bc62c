"""Keys, sealing and the vault: with the signer beside it, all of the cryptography there is."""

from privacy.vault.keys import Key, KeyRefused, MasterKeys, Shredded
from privacy.vault.seal import Index, Place, SealBroken, seal, unseal
from privacy.vault.store import Vault, WorkspaceKeys

__all__ = [
    "Index",
    "Key",
    "KeyRefused",
    "MasterKeys",
    "Place",
    "SealBroken",
    "Shredded",
    "Vault",
    "WorkspaceKeys",
    "seal",
    "unseal",
]
