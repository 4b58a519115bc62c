"""What a folder is for: by SPECIAL-USE (RFC 6154), else by the names people's servers give it."""

from __future__ import annotations

import unicodedata

from connectors.base import FolderRole

_BY_ATTRIBUTE = {
    b"\\sent": FolderRole.SENT,
    b"\\drafts": FolderRole.DRAFTS,
    b"\\trash": FolderRole.TRASH,
    b"\\junk": FolderRole.JUNK,
    b"\\spam": FolderRole.JUNK,
    b"\\archive": FolderRole.ARCHIVE,
    b"\\all": FolderRole.ALL,
    b"\\allmail": FolderRole.ALL,
}

_NAMES = {
    FolderRole.SENT: """
        sent; sent items; sent mail; sent messages; sent-mail; sentmail; outbox sent; gesendet;
        gesendete objekte; gesendete elemente; gesendete nachrichten; gesendete; gesendete e-mails;
        postausgang gesendet; envoyés; éléments envoyés; messages envoyés; courrier envoyé;
        objets envoyés; enviados; elementos enviados; mensajes enviados; correo enviado;
        correos enviados; itens enviados; mensagens enviadas; e-mails enviados; enviadas;
        inviata; posta inviata; inviati; elementi inviati; messaggi inviati; verzonden;
        verzonden items; verzonden berichten; verzonden objecten; skickat; skickade;
        skickade objekt; skickade meddelanden; sendt; sendte elementer; sendt post; sendte;
        sendt element; lähetetyt; lähetetyt viestit; lähetetyt kohteet; wysłane;
        elementy wysłane; wysłane wiadomości; odeslané; odeslaná pošta; odoslané;
        odoslaná pošta; elküldött; elküldött elemek; elküldött levelek; trimise;
        elemente trimise; mesaje trimise; poslano; poslani elementi; poslana pošta;
        poslane stavke; poslane poruke; изпратени; изпратена поща; απεσταλμένα;
        σταλμένα; πόρτα απεσταλμένων; saadetud; saadetud kirjad; saadetud üksused;
        nosūtītie; nosūtītās ziņas; nosūtītie vienumi; išsiųsta; išsiųsti; išsiųstieji;
        išsiųsti laiškai; mibgħuta; seolta; отправленные; надіслані; gönderilmiş;
        gönderilmiş öğeler; enviats; elements enviats; bidalitakoak; enviado
    """,
    FolderRole.DRAFTS: """
        drafts; draft; draft messages; entwürfe; entwurf; brouillons; brouillon; borradores;
        borrador; rascunhos; rascunho; bozze; bozza; concepten; concept; utkast; kladder; kladde;
        luonnokset; wersje robocze; robocze; szkice; koncepty; koncept; rozepsané; rozpísané;
        piszkozatok; vázlatok; schițe; ciorne; osnutki; skice; nacrti; чернови; πρόχειρα;
        mustandid; melnraksti; juodraščiai; abbozzi; dréachtaí; черновики; чернетки; taslaklar;
        esborranys; zirriborroak
    """,
    FolderRole.TRASH: """
        trash; deleted; deleted items; deleted messages; bin; wastebasket; papierkorb;
        gelöscht; gelöschte objekte; gelöschte elemente; gelöschte nachrichten; corbeille;
        éléments supprimés; messages supprimés; supprimés; papelera; elementos eliminados;
        mensajes eliminados; eliminados; lixeira; lixo eliminado; itens eliminados;
        itens excluídos; itens apagados; cestino; posta eliminata; elementi eliminati; eliminata;
        prullenbak; prullenmand; verwijderde items; verwijderde berichten; verwijderd;
        papperskorgen; borttaget; borttagna objekt; papirkurv; slettet post; slettede elementer;
        søppel; slettede; roskakori; poistetut; poistetut kohteet; kosz; elementy usunięte;
        usunięte; koš; odstraněná pošta; odstraněné; kôš; odstránené; odstránená pošta; kuka;
        lomtár; törölt elemek; coș de gunoi; elemente șterse; gunoi; koš za smeti; smeti;
        izbrisano; izbrisani elementi; smeće; otpad; izbrisane stavke; кошче; изтрити;
        κάδος απορριμμάτων; κάδος; διαγραμμένα; prügikast; kustutatud; kustutatud üksused;
        miskaste; atkritne; dzēstie vienumi; šiukšlinė; šiukšliadėžė; ištrinta; корзина;
        удаленные; кошик; çöp kutusu; silinmiş öğeler; paperera; zakarrontzia
    """,
    FolderRole.JUNK: """
        junk; junk e-mail; junk email; junk mail; spam; bulk; bulk mail; spam mail; spamverdacht;
        unerwünscht; junk-e-mail; courrier indésirable; indésirables; pourriel; correo no deseado;
        no deseado; lixo eletrônico; lixo electrónico; spam e lixo; posta indesiderata;
        indesiderata; ongewenst; ongewenste e-mail; ongewenste reclame; skräppost; uønsket post;
        uønsket e-post; uønsket; søppelpost; roskaposti; wiadomości-śmieci; wiadomości śmieci;
        nevyžádaná pošta; nevyžádané; nevyžiadaná pošta; levélszemét; mesaje nedorite; nedorite;
        vsiljena pošta; neželena pošta; neželjena pošta; нежелана поща; спам;
        ανεπιθύμητα; ανεπιθύμητη αλληλογραφία; rämpspost; mēstules; surogātpasts; brukalas;
        šlamštas; нежелательная почта; небажана пошта; önemsiz; gereksiz e-posta; correu brossa
    """,
    FolderRole.ARCHIVE: """
        archive; archives; archiv; archivo; archivos; arquivo; arquivos; arquivo morto;
        archivio; archief; arkiv; arkisto; archiwum; archív; archívum; arhivă; arhiva; arhiv;
        архив; αρχείο; αρχειοθήκη; arhiiv; arhīvs; archyvas; архів; arşiv; arxiu; artxiboa
    """,
    FolderRole.ALL: """
        all mail; alle nachrichten; tous les messages; todos; todos los correos; todo;
        todos os e-mails; todos os emails; todo o correio; tutti i messaggi; alle e-mail;
        alle berichten; alla mail; all e-post; al post; alle mails; all mail messages;
        kaikki viestit; kaikki sähköpostit; wszystkie; cała poczta; všechny zprávy; všechny e-maily;
        všetky správy; minden levél; összes levél; toate mesajele; toate e-mailurile;
        vsa pošta; sva pošta; всички имейли; цялата поща; όλα τα μηνύματα;
        όλη η αλληλογραφία; kõik kirjad; visas vēstules; visi laiškai; вся почта;
        уся пошта; tüm postalar
    """,
}


def _fold(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold().strip()


_BY_NAME = {
    _fold(name): role for role, names in _NAMES.items() for name in names.split(";") if _fold(name)
}
# "All" would be too common a word for a folder: it counts below the provider's own root only.
_PROVIDER_ROOTS = frozenset({"[gmail]", "[google mail]"})


def role_by_attributes(attributes: frozenset[bytes]) -> FolderRole | None:
    """Return the role the server itself gives, whatever the case of its letters."""
    for attribute in sorted(attributes):
        if role := _BY_ATTRIBUTE.get(attribute.lower()):
            return role
    return None


def role_by_name(path: tuple[str, ...]) -> FolderRole | None:
    """Return the role that a folder's name stands for; `path` is from the root down.

    Only folders at the root, or right below INBOX or the provider's own root, have one: a
    project named "Archiv/Sent" is just a folder.
    """
    if (
        not path
        or len(path) > 2
        or (len(path) == 2 and _fold(path[0]) not in _PROVIDER_ROOTS | {"inbox"})
    ):
        return None
    role = _BY_NAME.get(_fold(path[-1]))
    if role is FolderRole.ALL and (len(path) == 1 or _fold(path[0]) not in _PROVIDER_ROOTS):
        return None
    return role
