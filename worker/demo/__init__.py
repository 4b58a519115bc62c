"""A mailbox to try Leadmail with: invented people, a few hundred mails, a real IMAP server."""
