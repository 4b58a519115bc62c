"""What the demo's people write: a sale from question to thanks, in eight languages."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Language:
    """How a sale is talked about in a language; `steps` go to and fro, the lead begins."""

    code: str
    charset: str
    subjects: tuple[str, ...]
    greeting: str
    steps: tuple[str, ...]
    closing: str
    attribution: str


GERMAN = Language(
    "de",
    "iso-8859-1",
    ("Anfrage: Photovoltaik für unser Lagerhaus", "Wartungsvertrag", "Speicher für Halle 2"),
    "Guten Tag {name},",
    (
        (
            "wir möchten das Dach unserer Halle mit Modulen belegen, etwa 1.200 m². Können Sie uns"
            " ein Angebot schicken?"
        ),
        (
            "vielen Dank für Ihre Anfrage. Im Anhang finden Sie unser Angebot; es gilt bis zum"
            " Monatsende."
        ),
        "danke, das passt gut. Eine Frage noch: Ist der Netzanschluss im Preis enthalten?",
        "ja, Anschluss und Anmeldung beim Netzbetreiber sind enthalten.",
        "dann nehmen wir das Angebot an. Wann könnten Sie beginnen?",
        "wunderbar! Wir beginnen in der zweiten Woche; den Termin finden Sie im Anhang.",
        "alles läuft, die Anlage speist ein. Herzlichen Dank an Ihre Monteure!",
    ),
    "Mit freundlichen Grüßen",
    "Am {date} schrieb {name}:",
)
ENGLISH = Language(
    "en",
    "us-ascii",
    ("Solar panels for our bakery", "Service contract renewal", "Battery storage - next steps"),
    "Hi {name},",
    (
        (
            "We are looking at panels for our bakery roof, about 400 square metres. Could you send"
            " us a quote?"
        ),
        (
            "Thanks for getting in touch. Please find our quote attached; it is valid until the end"
            " of the month."
        ),
        "That looks good. One question: is the grid connection included?",
        "Yes, the connection and all of the paperwork are included.",
        "Great, then let's go ahead. When could you start?",
        "Wonderful! We would start in the second week; the appointment is attached.",
        "Everything is up and running. Please thank your team from all of us!",
    ),
    "Kind regards",
    "On {date}, {name} wrote:",
)
FRENCH = Language(
    "fr",
    "utf-8",
    ("Demande de devis : panneaux pour l’école", "Contrat d’entretien", "Ombrières du parking"),
    "Bonjour {name},",
    (
        (
            "Nous souhaitons équiper le toit de notre école, environ 600 m². Pourriez-vous nous"
            " envoyer un devis ?"
        ),
        (
            "Merci pour votre demande. Vous trouverez notre devis en pièce jointe ; il est valable"
            " jusqu’à la fin du mois."
        ),
        "Merci, cela nous convient. Le raccordement au réseau est-il compris ?",
        "Oui, le raccordement et les démarches sont compris.",
        "Parfait, nous acceptons le devis. Quand pourriez-vous commencer ?",
        "Très bien ! Nous commençons la deuxième semaine ; le rendez-vous est en pièce jointe.",
        "Tout fonctionne. Un grand merci à votre équipe !",
    ),
    "Cordialement",
    "Le {date}, {name} a écrit :",
)
SPANISH = Language(
    "es",
    "iso-8859-1",
    ("Solicitud de presupuesto: cubierta del almacén", "Mantenimiento anual"),
    "Hola, {name}:",
    (
        (
            "Queremos instalar placas en la cubierta de nuestro almacén, unos 900 m². ¿Nos puede"
            " enviar un presupuesto?"
        ),
        "Gracias por su interés. Adjuntamos nuestro presupuesto, válido hasta fin de mes.",
        "Gracias, nos parece bien. ¿Está incluida la conexión a la red?",
        "Sí, la conexión y los trámites están incluidos.",
        "Entonces aceptamos el presupuesto. ¿Cuándo pueden empezar?",
        "¡Estupendo! Empezamos la segunda semana; adjuntamos la cita.",
        "Ya funciona todo. ¡Muchas gracias al equipo!",
    ),
    "Un saludo",
    "El {date}, {name} escribió:",
)
ITALIAN = Language(
    "it",
    "windows-1252",
    ("Richiesta di preventivo per l'agriturismo", "Manutenzione dell'impianto"),
    "Buongiorno {name},",
    (
        (
            "vorremmo installare i pannelli sul tetto del nostro agriturismo, circa 300 m². Può"
            " inviarci un preventivo?"
        ),
        "grazie per la richiesta. In allegato il nostro preventivo, valido fino a fine mese.",
        "grazie, va bene così. L’allacciamento alla rete è compreso?",
        "sì, l’allacciamento e le pratiche sono compresi.",
        "allora accettiamo il preventivo. Quando potete cominciare?",
        "perfetto! Cominciamo la seconda settimana; in allegato l’appuntamento.",
        "funziona tutto. Grazie mille a tutta la squadra!",
    ),
    "Cordiali saluti",
    "Il giorno {date} {name} ha scritto:",
)
DUTCH = Language(
    "nl",
    "utf-8",
    ("Offerte zonnepanelen bedrijfshal", "Onderhoud van de installatie"),
    "Beste {name},",
    (
        (
            "Wij willen het dak van onze bedrijfshal van panelen voorzien, ongeveer 800 m². Kunt u"
            " ons een offerte sturen?"
        ),
        (
            "Dank voor uw aanvraag. In de bijlage vindt u onze offerte, geldig tot het einde van de"
            " maand."
        ),
        "Dank u, dat ziet er goed uit. Is de netaansluiting inbegrepen?",
        "Ja, de aansluiting en de aanmelding zijn inbegrepen.",
        "Dan gaan we akkoord. Wanneer kunt u beginnen?",
        "Prachtig! We beginnen in de tweede week; de afspraak zit in de bijlage.",
        "Alles werkt. Hartelijk dank aan uw ploeg!",
    ),
    "Met vriendelijke groet",
    "Op {date} schreef {name}:",
)
POLISH = Language(
    "pl",
    "iso-8859-2",
    ("Zapytanie o instalację fotowoltaiczną", "Przegląd instalacji"),
    "Dzień dobry, {name},",
    (
        (
            "chcielibyśmy zamontować panele na dachu naszej drukarni, około 500 m². Czy mogą"
            " Państwo przesłać ofertę?"
        ),
        "dziękujemy za zapytanie. W załączniku przesyłamy ofertę ważną do końca miesiąca.",
        "dziękuję, brzmi dobrze. Czy przyłączenie do sieci jest wliczone w cenę?",
        "tak, przyłączenie i formalności są wliczone.",
        "w takim razie przyjmujemy ofertę. Kiedy mogą Państwo zacząć?",
        "świetnie! Zaczynamy w drugim tygodniu; termin jest w załączniku.",
        "wszystko działa. Serdecznie dziękujemy całemu zespołowi!",
    ),
    "Z poważaniem",
    "W dniu {date} {name} pisze:",
)
JAPANESE = Language(
    "ja",
    "iso-2022-jp",
    ("太陽光パネルのお見積り依頼", "保守契約について"),
    "{name} 様",
    (
        (
            "当社工場の屋根（約1000平方メートル）に太陽光パネルを設置したいと考えております。"
            "お見積りをお願いできますでしょうか。"
        ),
        "お問い合わせありがとうございます。お見積書を添付いたします。",
        "ありがとうございます。系統連系の費用は含まれていますか。",
        "はい、連系の費用と申請手続きはすべて含まれております。",
        "それでは発注いたします。いつ着工できますか。",
        "ありがとうございます。第二週に着工いたします。予定を添付いたします。",
        "すべて順調に稼働しております。皆様に御礼申し上げます。",
    ),
    "よろしくお願いいたします。",
    "{date} {name}:",
)

NOTES = (
    ("Dinner on Sunday?", "Shall we meet at our place on Sunday? The children would love it."),
    ("Zahnarzttermin", "Ihr Termin am Dienstag um 9:30 Uhr ist bestätigt. Ihre Praxis"),
    ("Your order has been shipped", "Your parcel is on its way and arrives tomorrow."),
    ("Photos de vacances", "Voici les photos de la semaine en Bretagne. Bises, Louise"),
    ("Elternabend", "Der Elternabend der Klasse 3b findet am Donnerstag um 19 Uhr statt."),
    ("Newsletter: ten plants for the shade", "This month: ten plants that like the shade."),
    ("Kontoauszug liegt bereit", "In Ihrem Postfach liegt ein neuer Kontoauszug."),
    ("Re: running on Saturday", "I'll be at the lake at eight. Don't be late this time!"),
    ("Rezept von Oma", "Hier ist das Rezept: 500 g Mehl, 4 Eier, ein Schuss Milch."),
    ("Lunch menu of the week", "Monday: lentil soup. Tuesday: pasta. Wednesday: surprise."),
)
"""Subject and text of what is nobody's business: it must never be taken in."""
