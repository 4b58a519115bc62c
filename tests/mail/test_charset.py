"""Every charset that mails declare, forget to declare, or lie about."""

# ruff: noqa: RUF001 (typographic and foreign letters are meant)
from __future__ import annotations

import encodings

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mail.charset import codec, decode
from mail.encoded_word import decode_words

JAPANESE = "かきくけこ、お世話になっております。"
RUSSIAN = "Добрый день, коммерческое предложение во вложении."


@pytest.mark.parametrize(
    ("text", "codec_used", "label"),
    [
        ("Grüße", "utf-8", "utf-8"),
        ("Grüße", "utf-8", "UTF8"),
        ("Grüße", "latin-1", "iso-8859-1"),
        ("“Grüße” – 5 €", "cp1252", "iso-8859-1"),
        ("“Grüße” – 5 €", "cp1252", "us-ascii"),
        ("Grüße", "latin-1", ""),
        ("Grüße", "utf-8", ""),
        ("Grüße", "utf-8", "us-ascii"),
        ("Grüße", "utf-8", "unknown-8bit"),
        ("Grüße", "utf-8", "no-such-charset"),
        ("5 €", "iso-8859-15", "ISO-8859-15"),
        (JAPANESE, "cp932", "cp932"),
        (JAPANESE + "①", "cp932", "Shift_JIS"),
        (JAPANESE, "iso2022_jp", "ISO-2022-JP"),
        (JAPANESE, "euc_jp", "euc-jp"),
        (RUSSIAN, "koi8-r", "koi8-r"),
        (RUSSIAN, "cp1251", "windows-1251"),
        (RUSSIAN * 3, "cp1251", ""),
        ("안녕하세요", "cp949", "ks_c_5601-1987"),
        ("你好，世界", "gb18030", "gb2312"),
        ("你好，世界", "big5", "big5"),
        ("żółć", "iso-8859-2", "iso-8859-2"),
        ("žluťoučký", "cp1250", "windows-1250"),
        ("Grüße", "utf-16", "utf-16"),
        ("Grüße", "utf-7", "utf-7"),
        ("Grüße", "utf-8-sig", "utf-8"),
        ("ışık", "cp1254", "iso-8859-9"),
        ("שלום", "iso-8859-8", "iso-8859-8-i"),
    ],
)
def test_text_is_read_in_its_charset(text, codec_used, label):
    assert text == decode(text.encode(codec_used), label)


@pytest.mark.parametrize(
    "label",
    ["idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined", "rot13", "zlib",
     "hex", "mbcs", "os.path", "..", "x" * 10_000],
)  # fmt: skip
def test_what_is_no_charset_of_mail_is_never_looked_up(label):
    before = len(encodings._cache)

    assert "" == codec(label)
    assert before == len(encodings._cache)


def test_utf_7_is_never_guessed():
    assert "+ADw-script+AD4-" == decode(b"+ADw-script+AD4-")


LABELS = "utf-8 utf-7 utf-16 utf-32 iso-2022-jp hz cp932 gb2312 x cp437 big5 euc-kr".split()


@given(st.binary(max_size=200), st.sampled_from(["", *LABELS]) | st.text(max_size=10))
def test_any_bytes_in_any_charset_become_storable_text(content, label):
    text = decode(content, label)

    assert "\x00" not in text
    assert text == text.encode().decode()


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("Grüße", "=?utf-8?Q?Gr=C3=BC=C3=9Fe?="),
        ("Grüße", "=?UTF-8*de?q?Gr=C3=BC=C3=9Fe?="),
        ("Grüße an alle", "=?utf-8?q?Gr=C3=BC=C3=9Fe_an?= alle"),
        ("Grüße", "=?utf-8?q?Gr=C3=BC?=\r\n =?utf-8?q?=C3=9Fe?="),
        ("Grüße", "=?utf-8?q?Gr=C3?= =?utf-8?q?=BC=C3=9Fe?="),
        ("a b", "=?utf-8?q?a?= b"),
        ("ab", "=?utf-8?q?a?= =?latin-1?q?b?="),
        ("Grüße", "=?iso-8859-1?b?R3L832U=?="),
        ("Grüße", "=?iso-8859-1?b?R3L832U?="),
        ("Grüße", "=?iso-8859-1?b?R3L832U====?="),
        ("=?utf-8?x?a?=", "=?utf-8?x?a?="),
        ("=?utf-8?q?a", "=?utf-8?q?a"),
        ("plain", "plain"),
    ],
)
def test_encoded_words_are_read_as_mails_write_them(text, written):
    assert text == decode_words(written)
