"""Microsoft 365 and Outlook.com by Graph: who is named is seen before a mail is asked for."""
