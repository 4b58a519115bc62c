"""What the stand-ins for mail providers share: a server, its control, faults, keys, mails."""
