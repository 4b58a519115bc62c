"""HTML that strangers wrote: made harmless for a page, or turned into text."""

from __future__ import annotations

import re

import nh3
from selectolax.lexbor import LexborHTMLParser

_TAGS = {
    "a", "abbr", "address", "b", "big", "blockquote", "br", "caption", "center", "cite", "code",
    "col", "colgroup", "dd", "del", "dfn", "div", "dl", "dt", "em", "font", "h1", "h2", "h3",
    "h4", "h5", "h6", "hr", "i", "img", "ins", "kbd", "li", "mark", "ol", "p", "pre", "q", "s",
    "samp", "small", "span", "strike", "strong", "sub", "sup", "table", "tbody", "td", "tfoot",
    "th", "thead", "tr", "tt", "u", "ul", "var", "wbr",
}  # fmt: skip
# Elements that vanish with all they hold; of any other unknown element the text stays.
_SWALLOWED = {
    "script", "style", "title", "template", "noscript", "noembed", "noframes", "iframe", "object",
    "embed", "applet", "svg", "math", "textarea", "select", "audio", "video", "canvas", "xmp",
}  # fmt: skip
_CELL = {"align", "valign", "bgcolor", "width", "height", "colspan", "rowspan", "nowrap"}
_ATTRIBUTES = {
    "*": {"style", "dir", "lang", "title"},
    "a": {"href"},
    "img": {"src", "alt", "width", "height", "align", "border"},
    "font": {"color", "face", "size"},
    "table": _CELL | {"border", "cellpadding", "cellspacing"},
    "tr": _CELL,
    "td": _CELL,
    "th": _CELL,
    "col": {"span", "width"},
    "colgroup": {"span", "width"},
    "ol": {"start", "type", "reversed"},
    "li": {"value"},
    "p": {"align"},
    "div": {"align"},
    "hr": {"align", "width", "size", "color"},
}
# None of them can name a file, none can lay a thing over the page around the mail.
_STYLES = {
    "background-color", "border", "border-bottom", "border-collapse", "border-color",
    "border-left", "border-radius", "border-right", "border-spacing", "border-style",
    "border-top", "border-width", "color", "direction", "font", "font-family", "font-size",
    "font-style", "font-variant", "font-weight", "height", "letter-spacing", "line-height",
    "margin-bottom", "margin-top", "max-width", "padding", "padding-bottom", "padding-left",
    "padding-right", "padding-top", "text-align", "text-decoration", "text-indent",
    "text-transform", "vertical-align", "white-space", "width", "word-break", "word-wrap",
}  # fmt: skip
_LINKED = re.compile(r"\s*(?:https?|mailto|tel):", re.IGNORECASE)
_SHOWN = re.compile(r"\s*(?:cid:|data:image/(?:png|gif|jpe?g|webp);base64,)", re.IGNORECASE)
_CALLED = re.compile(
    r"(?<!rgb)(?<!rgba)(?<!hsl)(?<!hsla)\(|[\\@<>\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|/\*",
    re.IGNORECASE,
)


def _attribute(tag: str, name: str, value: str) -> str | None:
    """Return the value that an allowed attribute may keep, or None for none of it."""
    del tag
    if name == "href":
        return value if _LINKED.match(value) else None
    if name == "src":
        return value if _SHOWN.match(value) else None
    if name == "style" and _CALLED.search(value):
        return ";".join(one for one in value.split(";") if not _CALLED.search(one)) or None
    return value


def _cleaner(*, images: bool, styles: bool = True) -> nh3.Cleaner:
    anywhere = _ATTRIBUTES["*"] if styles else _ATTRIBUTES["*"] - {"style"}
    image = _ATTRIBUTES["img"] if images else _ATTRIBUTES["img"] - {"src"}
    return nh3.Cleaner(
        tags=_TAGS,
        clean_content_tags=_SWALLOWED,
        attributes=_ATTRIBUTES | {"*": anywhere, "img": image},
        attribute_filter=_attribute if images else None,
        link_rel="noopener noreferrer nofollow",
        set_tag_attribute_values={"a": {"target": "_blank"}},
        url_schemes={"http", "https", "mailto", "tel"} | ({"cid", "data"} if images else set()),
        url_relative="deny",
        filter_style_properties=_STYLES,
    )


_CLEANER = _cleaner(images=True)
_QUICK_CLEANER = _cleaner(images=False)
_STYLELESS_CLEANER = _cleaner(images=True, styles=False)
_OWN_IMAGE = re.compile(r"cid:|data:image", re.IGNORECASE)
_STYLED = re.compile(r'style="([^"]*)"')

MARKUP = 20_000
"""How many tags a piece of HTML may have: parsers take quadratic time to nest them."""
ATTRIBUTES = 15_000
"""How many attributes one tag may have."""
_ATTRIBUTES_OF_ONE = re.compile(rf"<(?:[^<>\s/]*+[\s/]++){{{ATTRIBUTES}}}")


def weight(html: str) -> int:
    """Return what parsing costs, in tags; five entities count as one."""
    return html.count("<") + html.count("&") // 5


def is_bomb(html: str) -> bool:
    """Say whether parsing this could take seconds (quadratic in tags, entities, attributes)."""
    return weight(html) > MARKUP or has_huge_tag(html)


def has_huge_tag(html: str) -> bool:
    """Say whether a tag has so many attributes that parsing this could take seconds.

    Such a tag is a long stretch without another "<": most mails have none, which a few
    looks from one "<" to the last one in its reach tell.
    """
    if len(html) <= 2 * ATTRIBUTES:
        return False
    place = 0
    while len(html) - place >= ATTRIBUTES:
        place = html.rfind("<", place, place + ATTRIBUTES) + 1
        if place == 0:
            return _ATTRIBUTES_OF_ONE.search(html) is not None
    return False


def sanitise(html: str) -> str:
    """Return a fragment that can neither run anything nor load anything from elsewhere.

    Links stay and open apart. Images stay only as `cid:` (the page around names them anew)
    and as pictures inside the mail itself. Nothing keeps an id, a name or a class. Empty
    for a bomb.
    """
    if is_bomb(html):
        return ""
    cleaners: tuple[nh3.Cleaner, ...] = (_CLEANER, _STYLELESS_CLEANER)
    if not _OWN_IMAGE.search(html):
        # Asking Python about each attribute triples the time, and is seldom needed.
        cleaners = (_QUICK_CLEANER, *cleaners)
    cleaned = ""
    for cleaner in cleaners:
        cleaned = cleaner.clean(html)
        if not any(_CALLED.search(style) for style in _STYLED.findall(cleaned)):
            break
    return cleaned


# Marks from the private use area: they survive the parser and become line breaks after it.
_LINE, _EDGE, _PARAGRAPH, _HISTORY = "\ue000", "\ue001", "\ue002", "\ue003"
_MARKS = re.compile("[\ue000-\ue003]")
_EDGES = re.compile(_EDGE + "{2,}")
_GAPS = re.compile("[\ue000\ue001]*\ue002[\ue000-\ue002]*|[\ue000\ue001]{3,}")
_LINES = re.compile(r"<(?=br[\s/>])", re.IGNORECASE)
_BREAKS = re.compile(r"<(?=(?:/?div|/?dt|/?dd|/?address|/?center|hr)[\s/>])", re.IGNORECASE)
_TABLES = re.compile(r"<(?=table[\s/>])", re.IGNORECASE)
_ITEMS = re.compile(r"<(?=li[\s/>])", re.IGNORECASE)
# What stands between cells, the parser would move out of the table: so marks go into them.
_CELLS = re.compile(r"(<t[dh](?:\s[^<>]*)?>)", re.IGNORECASE)
_ROWS = re.compile(r"(<tr(?:\s[^<>]*)?>\s*<t[dh](?:\s[^<>]*)?>)", re.IGNORECASE)
_TABLE_ENDS = re.compile(r"(</table\s*>)", re.IGNORECASE)
_BLOCKS = re.compile(r"<(?=/?(?:p|h[1-6]|ul|ol|pre|blockquote)[\s/>])", re.IGNORECASE)
_PRE = re.compile(r"(<(/?)pre[\s>])", re.IGNORECASE)
_INVISIBLE = "[\u200b\u2060\ufeff\u00ad\u034f]"
_ZERO_WIDTH = re.compile(_INVISIBLE)
_UNSEEN = (
    "script,style,head,title,template,noscript,textarea,select,"
    '[style*="display:none"],[style*="display: none"],[style*="mso-hide:all"]'
)
# What mail programs put around the mail they quote.
_QUOTES = (
    ".gmail_quote_container,.gmail_quote,.gmail_attr,.gmail_extra>.gmail_quote,"
    'blockquote[type="cite"],blockquote.cite,.moz-cite-prefix,.moz-forward-container,'
    ".yahoo_quoted,.protonmail_quote,.tutanota_quote,.zmail_extra,.freebirdQuote,"
    "#isForwardContent,#OLK_SRC_BODY_SECTION,#mail-editor-reference-message-container,"
    "blockquote.gmail_quote,blockquote.tutanota_quote"
)
# From here to the end all is history.
_HISTORY_STARTS = (
    "#divRplyFwdMsg,#x_divRplyFwdMsg,#appendonsend+hr,#ms-outlook-mobile-body-separator-line,"
    "hr#stopSpelling,hr#zwchr,#reply-intro,.OutlookMessageHeader,"
    'div[style*="border-top:solid #E1E1E1 1.0pt"],div[style*="border-top:solid #B5C4DF 1.0pt"],'
    'div[style*="BORDER-TOP: #b5c4df 1pt solid"],'
    'div[style*="border-top: 1pt solid rgb(225, 225, 225)"],'
    'div[style*="border-top:1pt solid rgb(225,225,225)"]'
)


def to_text(html: str) -> str:
    """Return what a reader sees: text with line breaks where blocks end, no markup."""
    return to_bare_text(html) if is_bomb(html) else _shown(_tree(html))


def to_new_text(html: str) -> str:
    """Return what a reader sees outside the containers that mail programs quote in.

    May be empty: then the whole mail is a quotation.
    """
    if is_bomb(html):
        return to_bare_text(html)
    tree = _tree(html)
    for node in tree.css(_HISTORY_STARTS)[:1]:
        node.insert_before(_HISTORY)
    for node in tree.css(_QUOTES):
        node.decompose()
    return _shown(tree).partition(_HISTORY)[0].strip()


def to_bare_text(html: str) -> str:
    """Return the text of a bomb: its tags cut without understanding them, in linear time."""
    return " ".join(re.sub(r"<[^<>]*>?", " ", html).split())


def _tree(html: str) -> LexborHTMLParser:
    html = _MARKS.sub("", html).replace("\x00", "")
    pieces = _PRE.split(html)
    # Split at <pre> and </pre>: three strings each, the last one the text up to the next.
    for place in range(3, len(pieces), 3):
        if not pieces[place - 1]:
            pieces[place] = pieces[place].replace("\r\n", "\n").replace("\n", _LINE)
    html = "".join(one for place, one in enumerate(pieces) if place % 3 != 2)
    html = _BREAKS.sub(_EDGE + "<", _BLOCKS.sub(_PARAGRAPH + "<", _LINES.sub(_LINE + "<", html)))
    html = _ITEMS.sub(_EDGE + "- <", _TABLES.sub(_PARAGRAPH + "<", html))
    html = _TABLE_ENDS.sub(r"\1" + _PARAGRAPH, _CELLS.sub(r"\1 ", _ROWS.sub(r"\1" + _EDGE, html)))
    tree = LexborHTMLParser(html)
    for node in tree.css(_UNSEEN):
        node.decompose()
    return tree


def _shown(tree: LexborHTMLParser) -> str:
    root = tree.body or tree.root
    text = " ".join(_ZERO_WIDTH.sub("", root.text()).split()) if root else ""
    for mark in (_LINE, _EDGE, _PARAGRAPH):
        text = text.replace(" " + mark, mark).replace(mark + " ", mark)
    # Where a block ends right after a line break, the two are one.
    text = _EDGES.sub(_EDGE, text).replace(_LINE + _EDGE, _EDGE)
    return _GAPS.sub("\n\n", text).replace(_LINE, "\n").replace(_EDGE, "\n").strip()
