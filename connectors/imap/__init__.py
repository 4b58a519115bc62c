"""IMAP mailboxes of any provider."""

from connectors.imap.account import AccessToken, FetchLimits, ImapAccount, Password, Security
from connectors.imap.connector import ImapConnector

__all__ = ["AccessToken", "FetchLimits", "ImapAccount", "ImapConnector", "Password", "Security"]
