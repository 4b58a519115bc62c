"""What a person is told when connecting ends otherwise than meant: what happened, what to do."""

from __future__ import annotations

from dataclasses import dataclass

from worker.outcomes import Outcome


@dataclass(frozen=True, slots=True)
class Told:
    """A page's title, what happened, and what to do."""

    title: str
    what: str
    remedy: str
    status: int = 400
    changes_nothing: bool = True


TOLD: dict[Outcome, Told] = {
    Outcome.DENIED: Told(
        "You said no",
        "Access was not allowed, so the mailbox is not connected.",
        "If you want to connect it after all, try again and allow access.",
        200,
    ),
    Outcome.NARROWED: Told(
        "Something is missing",
        "You allowed less than is needed to read mails to and from your leads.",
        "Try again, and leave every box ticked.",
    ),
    Outcome.REPEATED: Told(
        "This answer was used before",
        "Perhaps the page was loaded twice: the mailbox may be connected already.",
        "Look into your CRM; if the mailbox isn't there, begin again from it.",
    ),
    Outcome.FORGED: Told(
        "This answer belongs to nothing that was begun",
        "It is too old, or it doesn't come from where you were sent to.",
        "Begin again from your CRM. If you didn't begin anything, close this page.",
    ),
    Outcome.STALE: Told(
        "That took too long",
        "An answer is good for ten minutes.",
        "Try again, and finish within ten minutes.",
    ),
    Outcome.OTHER_BROWSER: Told(
        "This was begun in another browser",
        "An answer is only good in the browser, and for the user, that began it last.",
        "Begin again from your CRM, and stay in this browser.",
        403,
    ),
    Outcome.OTHER_ACCOUNT: Told(
        "That is another account",
        "You agreed with another account than the one that is to be connected.",
        "Try again, and choose the account of the mailbox that your CRM named.",
        409,
    ),
    Outcome.OTHER_WAY: Told(
        "The mailbox is connected in another way",
        "This address is connected already, by another provider.",
        "Disconnect that mailbox in your CRM first. Its mail is then erased.",
        409,
    ),
    Outcome.UNPROVEN: Told(
        "It isn't proven whose mailbox this is",
        "The provider's answer could not be verified.",
        "Try again. If it happens again, tell whoever runs this service.",
    ),
    Outcome.CODE_REFUSED: Told(
        "The provider took its answer back",
        "What came back was used already, or is too old.",
        "Try again, and finish within ten minutes.",
    ),
    Outcome.ADMIN_CONSENT: Told(
        "An administrator has to agree first",
        "Your organisation lets only an administrator allow this.",
        "Send the link to your administrator. Once they have agreed, begin again from your CRM.",
        200,
    ),
    Outcome.INTERACTION: Told(
        "Your organisation wants one more proof",
        "A second factor, say, or a device that it knows. You agreed, but that was missing.",
        "Try again, and give the provider whatever it asks for.",
    ),
    Outcome.NO_MAILBOX: Told(
        "This account has no mailbox here",
        "It is a guest of the organisation, or has no licence for a mailbox.",
        "Try again, and choose the account that the mailbox belongs to.",
        409,
    ),
    Outcome.UNREACHABLE: Told(
        "The provider doesn't answer",
        "You agreed, but the provider can't be reached just now.",
        "Wait a minute, then try again.",
        503,
    ),
    Outcome.REFUSED: Told(
        "The provider refuses",
        "It wasn't you: the provider doesn't accept what this service asks for.",
        "Tell whoever runs this service; its registration at the provider may be wrong.",
        502,
    ),
}
ADMIN_AGREED, ADMIN_REFUSED = "admin-agreed", "admin-refused"
ADMIN = {
    ADMIN_AGREED: Told(
        "The organisation has agreed",
        "People of your organisation may now connect their mailboxes, each by themselves.",
        "Tell whoever asked you to begin again from the CRM. You can close this page.",
        200,
        changes_nothing=False,
    ),
    ADMIN_REFUSED: Told(
        "The organisation has not agreed",
        "Nothing was allowed, so no mailbox can be connected.",
        "If that was not meant, open the link again as an administrator.",
        200,
    ),
}
"""What an administrator is told who comes back from the page where they agree for all."""
GONE = Told(
    "This link isn't good any more",
    "It was used, or is older than an hour.",
    "Begin again from your CRM.",
    404,
)
SCOPES = {
    "https://www.googleapis.com/auth/gmail.readonly": "reading mails (gmail.readonly)",
    "email": "your mail address (email)",
    "openid": "who you are (openid)",
    "Mail.Read": "reading mails (Mail.Read)",
    "User.Read": "whose mailbox it is (User.Read)",
    "offline_access": "reading while you are away (offline_access)",
    "https://outlook.office.com/IMAP.AccessAsUser.All": "reading mails (IMAP.AccessAsUser.All)",
}
"""What each scope lets us do, in the person's words."""
