"""Bytes to text: every charset that mails declare, forget to declare, or lie about."""

from __future__ import annotations

import encodings.aliases
import re

import cchardet

SAMPLE = 65_536
"""Bytes that the guess is allowed to look at."""

# Labels as mails write them -> the codec that browsers use for them (WHATWG Encoding).
_ALIASES = {
    "ascii": "cp1252",
    "us_ascii": "cp1252",
    "ansi_x3_4_1968": "cp1252",
    "iso_8859_1": "cp1252",
    "iso8859_1": "cp1252",
    "iso_8859_1_1987": "cp1252",
    "latin1": "cp1252",
    "latin_1": "cp1252",
    "l1": "cp1252",
    "x_cp1252": "cp1252",
    "ansi": "cp1252",
    "iso_8859_8_i": "iso8859_8",
    "iso_8859_8_e": "iso8859_8",
    "iso_8859_9": "cp1254",
    "iso8859_9": "cp1254",
    "latin5": "cp1254",
    "shift_jis": "cp932",
    "x_sjis": "cp932",
    "sjis": "cp932",
    "windows_31j": "cp932",
    "ms_kanji": "cp932",
    "cp932": "cp932",
    "iso_2022_jp": "iso2022_jp_ext",
    "iso2022_jp": "iso2022_jp_ext",
    "csiso2022jp": "iso2022_jp_ext",
    "cp50220": "iso2022_jp_ext",
    "cp50221": "iso2022_jp_ext",
    "x_euc_jp": "euc_jp",
    "ks_c_5601_1987": "cp949",
    "ks_c_5601": "cp949",
    "ksc5601": "cp949",
    "euc_kr": "cp949",
    "gb2312": "gb18030",
    "x_gbk": "gb18030",
    "gbk": "gb18030",
    "hz_gb_2312": "hz",
    "cn_gb": "gb18030",
    "big5": "cp950",
    "x_x_big5": "cp950",
    "unicode_1_1_utf_7": "utf_7",
    "utf_8_sig": "utf_8_sig",
    "utf8mb4": "utf_8",
    "unicode": "utf_16",
    "cp_1250": "cp1250",
    "cp_1251": "cp1251",
    "cp_1252": "cp1252",
    "win_1251": "cp1251",
    "windows1252": "cp1252",
    "windows_874": "cp874",
    "tis_620": "cp874",
    "macintosh": "mac_roman",
    "x_mac_roman": "mac_roman",
    "x_mac_cyrillic": "mac_cyrillic",
}
_CODECS = (
    set(encodings.aliases.aliases) | set(encodings.aliases.aliases.values()) | {"cp874", "koi8_u"}
)
# These take quadratic time, aren't text, or aren't charsets of mail.
_REFUSED = {
    "idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined", "mbcs", "oem",
    "base64_codec", "bz2_codec", "hex_codec", "quopri_codec", "rot_13", "uu_codec", "zlib_codec",
}  # fmt: skip
_UNDECLARED = {"", "unknown_8bit", "x_unknown", "unknown", "default", "binary", "8bit", "7bit"}
# In these, bytes below 128 needn't be ASCII.
_NOT_ASCII_BASED = {
    "utf_7", "hz", "utf_16", "utf_16_be", "utf_16_le", "utf_32", "utf_32_be", "utf_32_le",
    "cp037", "cp273", "cp424", "cp500", "cp875", "cp1026", "cp1140",
}  # fmt: skip
_LABEL_JUNK = re.compile(r"[^a-z0-9]+")
_SURROGATES = re.compile("[\ud800-\udfff]")


def codec(label: str) -> str:
    """Return the name of the codec that a charset label stands for, or '' for none.

    Only names out of a fixed list reach the interpreter's registry: it would import by name
    and remember every unknown label for ever.
    """
    key = _LABEL_JUNK.sub("_", label.lower()[:60]).strip("_")
    if key in _UNDECLARED:
        return ""
    name = _ALIASES.get(key, key)
    if name not in _CODECS and name not in _ALIASES.values():
        name = name.removeprefix("x_").removeprefix("cs")
    if name not in _CODECS and name not in _ALIASES.values():
        return ""
    name = encodings.aliases.aliases.get(name, name)
    return "" if name in _REFUSED else name


def decode(content: bytes, label: str = "") -> str:
    """Return the text that the bytes hold; never raises.

    The declared charset wins where it fits. Undeclared or ill-fitting bytes are UTF-8 when
    they are valid UTF-8, then whatever `cchardet` guesses. UTF-7 is taken only when declared.
    """
    name = codec(label)
    if content.isascii() and b"\x1b" not in content and name not in _NOT_ASCII_BASED:
        return content.decode("ascii").replace("\x00", "")
    text = _decoded(content, name).replace("\x00", "").removeprefix("\ufeff")
    return _SURROGATES.sub("", text) if name == "utf_7" else text


def _decoded(content: bytes, name: str) -> str:
    declared_ascii = name == "cp1252"
    for candidate in (name, "utf_8_sig"):
        if not candidate or (candidate == "cp1252" and declared_ascii and _is_utf8(content)):
            continue
        try:
            return content.decode(candidate)
        except (UnicodeError, ValueError):
            continue
    if name in ("", "utf_8", "utf_8_sig"):
        guessed = codec(_guess(content))
        if guessed and guessed != name:
            return content.decode(guessed, "replace")
        name = name or "cp1252"
    return content.decode(name, "replace")


def _is_utf8(content: bytes) -> bool:
    try:
        content.decode("utf_8")
    except UnicodeDecodeError:
        return False
    return True


def _guess(content: bytes) -> str:
    found = cchardet.detect(content[:SAMPLE])
    encoding, confidence = found["encoding"], found["confidence"]
    return encoding if encoding and (confidence or 0) > 0.4 else ""
