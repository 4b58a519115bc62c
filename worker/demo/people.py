"""Who is in the demo: a salesperson, her leads, and people who are nobody's business."""

from __future__ import annotations

from dataclasses import dataclass

from worker.demo.texts import (
    DUTCH,
    ENGLISH,
    FRENCH,
    GERMAN,
    ITALIAN,
    JAPANESE,
    POLISH,
    SPANISH,
    Language,
)


@dataclass(frozen=True, slots=True)
class Person:
    """A name and an address under a domain reserved for examples (RFC 2606)."""

    name: str
    address: str


@dataclass(frozen=True, slots=True)
class Colleague(Person):
    """Somebody of the company, and the domains of their private mails; none is a lead's."""

    user: str
    """The CRM's own id."""
    private: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DemoLead:
    """A lead as the CRM knows it, and the language it writes in."""

    id: str
    company: str
    language: Language
    people: tuple[Person, ...]
    domains: tuple[str, ...] = ()


USER = Person("Ada Berg", "ada.berg@nordlicht-solar.example")
JONAS = Colleague(
    "Jonas Feld",
    "jonas.feld@nordlicht-solar.example",
    "jonas",
    ("family.example", "friends.example"),
)
MIRA = Colleague(
    "Mira Sand",
    "mira.sand@nordlicht-solar.example",
    "mira",
    ("garden.example", "running.example"),
)
COLLEAGUES = (JONAS, MIRA)
COMPANY = "Nordlicht Solar"

LEADS = (
    DemoLead(
        "lead-1001",
        "Spedition Möller",
        GERMAN,
        (
            Person("Klaus Möller", "klaus.moeller@spedition-moeller.example"),
            Person("Buchhaltung Möller", "rechnung@spedition-moeller.example"),
        ),
    ),
    DemoLead(
        "lead-1002", "Hill Street Bakery", ENGLISH, (Person("Rosa Hill", "rosa@hill.example"),)
    ),
    DemoLead(
        "lead-1003",
        "École des Tilleuls",
        FRENCH,
        (Person("Hélène Garnier", "h.garnier@ecole-tilleuls.example"),),
    ),
    DemoLead(
        "lead-1004",
        "Almacenes Núñez",
        SPANISH,
        (Person("José Núñez", "jose@almacenes-nunez.example"),),
    ),
    DemoLead(
        "lead-1005",
        "Agriturismo Le Querce",
        ITALIAN,
        (Person("Giulia Conti", "giulia.conti@lequerce.example"),),
    ),
    DemoLead(
        "lead-1006",
        "Van Dijk Logistiek",
        DUTCH,
        (Person("Pieter van Dijk", "pieter@vandijk.example"),),
        ("vandijk.example",),
    ),
    DemoLead(
        "lead-1007",
        "Drukarnia Wiśniewski",
        POLISH,
        (Person("Małgorzata Wiśniewska", "m.wisniewska@drukarnia.example"),),
    ),
    DemoLead("lead-1008", "山田製作所", JAPANESE, (Person("山田 花子", "hanako@yamada.example"),)),
    DemoLead(
        "lead-1009",
        "Weingut Sonnental",
        GERMAN,
        (Person("Dr. Ute Sonnenthal-Groß", "kontakt@sonnental.example"),),
    ),
    DemoLead(
        "lead-1010",
        "O'Neill & Sons",
        ENGLISH,
        (Person("Siobhán O'Neill", "siobhan@oneill-sons.example"),),
    ),
)

PRIVATE = (
    Person("Mum", "renate.berg@family.example"),
    Person("Louise", "louise@friends.example"),
    Person("Zahnarztpraxis am Markt", "termine@zahnarzt.example"),
    Person("Parcel Service", "no-reply@parcels.example"),
    Person("Garden Club", "newsletter@garden.example"),
    Person("Ihre Bank", "service@bank.example"),
    Person("Tom", "tom@running.example"),
)
