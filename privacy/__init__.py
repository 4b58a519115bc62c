"""The promises: sealing, purging, certificates, the ledger."""
