"""One spelling per address."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mail.address import canonical, canonical_domain, domain_of


@pytest.mark.parametrize(
    ("address", "written"),
    [
        ("jan@example.com", "Jan@Example.COM"),
        ("jan@example.com", " <jan@example.com> "),
        ("jan@example.com", "Jan Muster <jan@example.com>"),
        ("jan@example.com", "mailto:jan@example.com"),
        ("jan@example.com", "'jan@example.com'"),
        ("jan@example.com", "jan@example.com."),
        ("jan@example.com", "jan@example.com;"),
        ("jan@example.com", "\u200bjan@example.com\u00a0"),
        ("jan@example.com", '"jan"@example.com'),
        ("jan@example.com", "jan@example\uff0ecom"),
        ("o'neill@example.com", "O'Neill@example.com"),
        ('"jan muster"@example.com', '"Jan Muster"@example.com'),
        ('"a\\"b"@example.com', '"a\\"b"@example.com'),
        ("jan@xn--mller-kva.de", "jan@müller.de"),
        ("jan@xn--mller-kva.de", "jan@MÜLLER.DE"),
        ("jan@xn--mller-kva.de", "jan@mu\u0308ller.de"),
        ("jan@xn--mller-kva.de", "JAN@XN--MLLER-KVA.DE"),
        ("jan@xn--strae-oqa.de", "jan@straße.de"),
        ("jürgen@example.com", "JU\u0308RGEN@example.com"),
        ("jan@xn--i-7iq.ws", "jan@i❤.ws"),
        ("jan@[192.0.2.1]", "jan@[192.0.2.1]"),
        ("root@localhost", "root@localhost"),
        ("..jan.@docomo.example", "..jan.@docomo.example"),
        ("jan_m@mail_host.example", "jan_m@mail_host.example"),
    ],
)
def test_written_forms_of_one_address_compare_equal(address, written):
    assert address == canonical(written)


@pytest.mark.parametrize(
    "written",
    [
        "", "jan", "jan@", "@example.com", "jan muster@example.com", "jan@exa mple.com",
        "jan@-example.com", "jan@example..com", "a\x00b@example.com", "a\nb@example.com",
        '"a\nb"@example.com', "jan\u202egro.live@example.com", "jan@example.com\x00",
        "x" * 65 + "@example.com", "jan@" + "x" * 64 + ".com", "jan@" + "x.a" * 99 + ".com",
        "jan@[not an address]",
    ],
)  # fmt: skip
def test_what_is_no_address_has_no_spelling(written):
    assert None is canonical(written)


def test_plus_tags_and_dots_are_different_addresses():
    assert canonical("jan+crm@gmail.com") != canonical("jan@gmail.com")
    assert canonical("j.an@gmail.com") != canonical("jan@gmail.com")


def test_the_domain_of_an_address_is_a_canonical_domain():
    address = canonical('"a@b"@Müller.de')

    assert address is not None
    assert canonical_domain("MÜLLER.de") == domain_of(address)


@given(st.text(max_size=80) | st.from_regex(r"\A[\w.\"'<>+-]{1,20}@[\w.ßüéÅ-]{1,30}\Z"))
@example("İ@example.com")
@example("ß@ẞ.de")
@example("a@xn--.de")
@example("a@xn--a.xn--zzzzzzzzzzz.de")
def test_a_canonical_address_is_its_own_spelling(written):
    address = canonical(written)

    assert address is None or address == canonical(address)


@given(st.text(max_size=80))
def test_no_text_breaks_the_spelling_of_domains(written):
    domain = canonical_domain(written)

    assert domain is None or (domain.isascii() and domain == canonical_domain(domain))
