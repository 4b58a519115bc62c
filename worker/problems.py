"""What the person is told when a mailbox has a problem: what happened, and what to do."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Remedy:
    """What happened and what to do about it, in the person's words."""

    message: str
    action: str


REMEDIES: dict[str, Remedy] = {
    "authentication-failed": Remedy(
        "The mail server refuses the user name or the password.",
        "Enter the password again; where the provider asks for one, create an app password.",
    ),
    "grant-ended": Remedy(
        "The provider doesn't let us read the mailbox any more: access was withdrawn or ran out.",
        "Connect the mailbox again. Its mail and its place in the history are kept.",
    ),
    "interaction-required": Remedy(
        "The provider wants one more proof of the person: a second factor, say.",
        "Connect the mailbox again, and give the provider what it asks for. Nothing is lost.",
    ),
    "admin-consent": Remedy(
        "The organisation lets only an administrator allow this.",
        "Send your administrator the link that the page shows; then connect again.",
    ),
    "no-mailbox": Remedy(
        "The account has no mailbox at the provider.",
        "Choose the account that the mailbox belongs to, or have it licensed; one on servers of "
        "your own is connected by IMAP.",
    ),
    "client-refused": Remedy(
        "The provider refuses this installation, not the mailbox.",
        "Tell the operator: the registration at the provider or its settings are wrong.",
    ),
    "code-refused": Remedy(
        "The provider doesn't accept the answer that came back: it was used or is too old.",
        "Begin again, and finish within ten minutes.",
    ),
    "unproven": Remedy(
        "The provider's answer doesn't prove whose mailbox it is.",
        "Begin again. If it happens again, tell the operator.",
    ),
    "narrowed": Remedy(
        "Less was allowed than is needed.",
        "Begin again, and leave every box ticked.",
    ),
    "unreachable": Remedy(
        "The mail server can't be reached.",
        "Check host and port. If they are right, wait: it is tried again by itself.",
    ),
    "certificate-refused": Remedy(
        "The mail server's certificate can't be verified, so nothing was sent to it.",
        "Ask whoever runs the server for a valid certificate, or use the name it is made for.",
    ),
    "host-not-allowed": Remedy(
        "This host or port may not be reached from here.",
        "Use the mail server's public name and port 993, or ask the operator to allow the host.",
    ),
    "throttled": Remedy(
        "The mail server asks to be slower.",
        "Nothing to do: it goes on by itself after the time that the server asked for.",
    ),
    "misbehaved": Remedy(
        "The server doesn't speak IMAP as it should.",
        "Check host, port and security. If they are right, tell whoever runs the server.",
    ),
    "failing": Remedy(
        "The last attempts to read the mailbox failed.",
        "Nothing to do yet: it is tried again by itself. If it lasts, tell the operator.",
    ),
}
"""By the connectors' error codes, which are the mailboxes' problem codes."""


def remedy(code: str) -> Remedy:
    """Return what to say of a problem; one that isn't listed is a failure like others."""
    return REMEDIES.get(code, REMEDIES["failing"])
