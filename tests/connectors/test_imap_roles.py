"""What a folder is for, by the server's word or by the name people's servers give it."""

from __future__ import annotations

import pytest

from connectors.base import FolderRole
from connectors.imap.roles import role_by_attributes, role_by_name


@pytest.mark.parametrize(
    ("attribute", "role"),
    [
        (b"\\Sent", FolderRole.SENT),
        (b"\\archive", FolderRole.ARCHIVE),
        (b"\\JUNK", FolderRole.JUNK),
        (b"\\All", FolderRole.ALL),
        (b"\\AllMail", FolderRole.ALL),
        (b"\\Flagged", None),
        (b"\\HasNoChildren", None),
    ],
)
def test_special_use_gives_the_role_in_any_case(attribute, role):
    assert role is role_by_attributes(frozenset({attribute, b"\\HasNoChildren"}))


@pytest.mark.parametrize(
    ("path", "role"),
    [
        (("Sent",), FolderRole.SENT),
        (("INBOX", "Sent"), FolderRole.SENT),
        (("Gesendete Elemente",), FolderRole.SENT),
        (("Éléments envoyés",), FolderRole.SENT),
        (("Elementos enviados",), FolderRole.SENT),
        (("Posta inviata",), FolderRole.SENT),
        (("Verzonden items",), FolderRole.SENT),
        (("Elementy wysłane",), FolderRole.SENT),
        (("Skickade objekt",), FolderRole.SENT),
        (("Απεσταλμένα",), FolderRole.SENT),
        (("Entwürfe",), FolderRole.DRAFTS),
        (("Brouillons",), FolderRole.DRAFTS),
        (("Papierkorb",), FolderRole.TRASH),
        (("Corbeille",), FolderRole.TRASH),
        (("Deleted Messages",), FolderRole.TRASH),
        (("Courrier indésirable",), FolderRole.JUNK),
        (("Spam",), FolderRole.JUNK),
        (("Archiv",), FolderRole.ARCHIVE),
        (("[Gmail]", "Alle Nachrichten"), FolderRole.ALL),
        (("[Google Mail]", "All Mail"), FolderRole.ALL),
        (("[Gmail]", "Gesendet"), FolderRole.SENT),
        (("All Mail",), None),
        (("Kunden", "Sent"), None),
        (("Archiv", "2024"), None),
        (("Kunden",), None),
        ((), None),
    ],
)
def test_a_name_gives_the_role_where_the_server_gives_none(path, role):
    assert role is role_by_name(path)
