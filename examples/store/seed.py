"""The shop's first rows: invented artists and records, the same on every machine."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from models import (
    Address,
    Album,
    AlbumGenre,
    Artist,
    Base,
    Customer,
    Genre,
    Order,
    OrderLine,
    OrderStatus,
    Review,
    Track,
)

Row = dict[str, Any]

ARTISTS = [
    ("The Paper Lanterns", "IE", 1998),
    ("Ottoline Vask", "NO", None),
    ("Copper Weather", "CA", 2007),
    ("Señora Niebla", "AR", 2011),
    ("Halvard & the Tides", "DK", 1984),
    ("Midnight Ferry", "GB", 1976),
    ("Élodie Marchetaud", "FR", 2015),
    ("Nine Small Rooms", "US", 2002),
    ("Kofi Arhinful Quartet", "GH", 1969),
    ("Velvet Abacus", "DE", None),
    ("Saltmarsh Choir", "NL", 1991),
    ("The Unfinished Bridge", "US", 2019),
]
GENRES = ["Ambient", "Chamber", "Folk", "Jazz", "Post-rock", "Soul", "Synth-pop", "Tango"]

# artist, title, release date, price, genres, label, rpm of the vinyl (None: no vinyl), published
ALBUMS: list[tuple[int, str, date | None, str, list[int], str, int | None, bool]] = [
    (1, "Light for Small Hours", date(2001, 3, 9), "14.90", [3], "Tin Roof", 33, True),
    (1, "The Long Harbour", date(2006, 10, 20), "16.50", [3, 5], "Tin Roof", 33, True),
    (2, "Snowblind Letters", date(2013, 1, 25), "18.00", [1, 2], "Nordlys Tapes", 45, True),
    (2, "A Map of Breathing", date(2021, 11, 5), "21.00", [1], "Nordlys Tapes", 33, True),
    (3, "Barometer", date(2009, 6, 12), "12.50", [5], "Prairie Signal", None, True),
    (3, "Thunder, Mostly", date(2014, 8, 29), "15.00", [5], "Prairie Signal", 33, True),
    (4, "Calle sin Nombre", date(2012, 5, 4), "13.90", [8], "Discos Farola", None, True),
    (4, "Bruma", date(2018, 9, 14), "17.90", [1, 8], "Discos Farola", 33, True),
    (5, "Seven Grey Boats", date(1986, 2, 28), "9.90", [2, 3], "Havn", 33, True),
    (5, "The Lighthouse Keeper's Radio", date(1993, 4, 16), "11.90", [3], "Havn", None, True),
    (6, "Last Crossing", date(1978, 7, 7), "10.50", [6], "Dockside", 45, True),
    (6, "Dance Hall, Low Tide", date(1981, 12, 4), "10.50", [6, 7], "Dockside", 45, True),
    (7, "Chambre 12", date(2016, 3, 18), "19.50", [2], "Petit Matin", 33, True),
    (7, "L'heure bleue, encore", date(2022, 2, 11), "22.00", [2, 4], "Petit Matin", None, True),
    (8, "Floor Plans", date(2004, 5, 21), "8.90", [5], "Cardboard", None, True),
    (8, "100% Quiet", date(2010, 10, 1), "13.00", [1, 5], "Cardboard", 33, True),
    (9, "Accra by Night", date(1972, 6, 30), "24.00", [4], "Harmattan", 33, True),
    (9, "Blue Lorry", date(1975, 9, 19), "26.00", [4, 6], "Harmattan", 33, True),
    (10, "Counting Machine", date(2003, 11, 14), "12.00", [7], "Rechenwerk", None, True),
    (10, "Remainder_1", date(2008, 1, 11), "12.00", [7, 1], "Rechenwerk", 45, True),
    (11, "Evensong for Herons", date(1996, 12, 6), "14.00", [2], "Wad", None, True),
    (11, "Mudflat Hymnal", date(1999, 12, 3), "14.00", [2, 3], "Wad", 33, True),
    (12, "Span", date(2020, 8, 21), "16.00", [5], "Prairie Signal", 33, True),
    (12, "Working Title", None, "16.00", [5], "Prairie Signal", None, False),
]
TRACK_OPENINGS = [
    "Morning",
    "Letter",
    "Paper",
    "Northern",
    "Slow",
    "Second",
    "Glass",
    "Kept",
    "Quiet",
    "Copper",
]
TRACK_ENDINGS = ["Station", "Weather", "Garden", "Signal", "Arithmetic", "Window", "Ferry", "Song", "Rain"]

# name, street, city; the second address of a customer is made from the first one
CUSTOMERS = [
    ("Alice Thornbury", "4 Mill Lane", "Galway"),
    ("Bruno Castellan", "18 Rua do Poço", "Porto"),
    ("Chidi Okparaeke", "77 Station Road", "Leeds"),
    ("Dagny Solheim", "2 Fjordveien", "Bergen"),
    ("Esra Günözü", "31 Gül Sokak", "Izmir"),
    ("Felix Obermeyer", "9 Gartenstraße", "Leipzig"),
    ("Greta Lindqvist", "55 Hamngatan", "Malmö"),
    ("Hugo Fairweather", "12 Elm Street", "Bath"),
]
OPINIONS = ["Not for me.", None, "Side two is the better one.", "Grows slowly.", "Wore the grooves out."]
OPENING_DAY = datetime(2024, 1, 8, 9, 30, tzinfo=UTC)


def user_id(number: int) -> UUID:
    """Returns the user id of the customer with this number (1 is Alice)."""
    return UUID(int=0xA11CE000_0000_4000_8000_000000000000 + number)


def rows() -> dict[type[Base], list[Row]]:
    """Returns the rows of every table, parents before children."""
    return {
        Artist: [
            {"id": number, "name": name, "country": country, "formed": formed}
            for number, (name, country, formed) in enumerate(ARTISTS, 1)
        ],
        Genre: [{"id": number, "name": name} for number, name in enumerate(GENRES, 1)],
        Album: _albums(),
        Track: _tracks(),
        AlbumGenre: [
            {"album_id": number, "genre_id": genre}
            for number, album in enumerate(ALBUMS, 1)
            for genre in album[4]
        ],
        Customer: _customers(),
        Address: _addresses(),
        Order: _orders(),
        OrderLine: _order_lines(),
        Review: _reviews(),
    }


def _albums() -> list[Row]:
    return [
        {
            "id": number,
            "artist_id": artist,
            "title": title,
            "released_on": released_on,
            "price": Decimal(price),
            "wholesale_price": Decimal(price) * 60 / 100,
            "published": published,
            "details": {"label": label, "vinyl": {"rpm": rpm, "colour": "black"} if rpm else None},
        }
        for number, (artist, title, released_on, price, _, label, rpm, published) in enumerate(ALBUMS, 1)
    ]


def _tracks() -> list[Row]:
    tracks = []
    for album in range(1, len(ALBUMS) + 1):
        for position in range(1, 8 + album % 3):
            number = len(tracks) + 1
            title = f"{TRACK_OPENINGS[number % 10]} {TRACK_ENDINGS[(number // 10 + position) % 9]}"
            seconds = 121 + number * 37 % 240
            tracks.append(
                {"id": number, "album_id": album, "position": position, "title": title, "seconds": seconds}
            )
    return tracks


def _customers() -> list[Row]:
    return [
        {
            "id": user_id(number),
            "name": name,
            "email": f"{name.partition(' ')[0].lower()}@example.com",
            "referred_by": user_id(number // 2) if number > 1 else None,
            "created_at": OPENING_DAY + timedelta(days=number),
        }
        for number, (name, _, _) in enumerate(CUSTOMERS, 1)
    ]


def _addresses() -> list[Row]:
    addresses = []
    for number, (_, street, city) in enumerate(CUSTOMERS, 1):
        home = {"id": 2 * number - 1, "customer_id": user_id(number), "street": street, "city": city}
        addresses += [home, {**home, "id": 2 * number, "street": f"{street}, at work"}]
    return addresses


def _orders() -> list[Row]:
    return [_order(number) for number in range(1, 25)]


def _order(number: int) -> Row:
    customer = (number - 1) % len(CUSTOMERS) + 1
    status = list(OrderStatus)[(number - 1) // len(CUSTOMERS)]
    created_at = OPENING_DAY + timedelta(days=20 + number, minutes=37 * number)
    return {
        "id": number,
        "customer_id": user_id(customer),
        "status": status,
        "billing_address_id": 2 * customer - 1,
        "shipping_address_id": 2 * customer - number % 2,
        "note": "Please wrap it." if number % 6 == 0 else None,
        "created_at": created_at,
        "shipped_at": created_at + timedelta(days=2) if status is OrderStatus.shipped else None,
    }


def _order_lines() -> list[Row]:
    return [
        {
            "order_id": order,
            "album_id": album,
            "quantity": 1 + (order + album) % 3,
            "unit_price": Decimal(ALBUMS[album - 1][3]),
        }
        for order in range(1, 25)
        for album in sorted({order * 5 % 23 + 1, order * 7 % 23 + 1, order * 11 % 23 + 1})
    ]


def _reviews() -> list[Row]:
    wanted = [
        (album, user) for album in range(1, 24) for user in range(1, 9) if (album * user + album) % 5 == 1
    ]
    return [
        {
            "id": number,
            "album_id": album,
            "user_id": user_id(user),
            "signed": CUSTOMERS[user - 1][0].partition(" ")[0],
            "rating": 1 + (3 * number + number // 4) % 5,
            "body": OPINIONS[(3 * number + number // 4) % 5],
            "created_at": OPENING_DAY + timedelta(days=60 + number, hours=number % 24),
        }
        for number, (album, user) in enumerate(wanted, 1)
    ]
