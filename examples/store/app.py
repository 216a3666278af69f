"""A record shop, complete: who may see and do what, in about a hundred lines.

Run it with `mainspring serve examples/store/app.py`. The tables are in models.py, the first rows in seed.py.
Three kinds of caller: `anon` (nobody signed in), `authenticated` (a customer), and an `authenticated` user
whose token carries the role "staff". A policy is run once, when the process starts, to build a condition;
the database then checks that condition for every row.
"""

from __future__ import annotations

from typing import Any

from models import Address, Album, AlbumGenre, Artist, Base, Customer, Genre, Order, OrderLine, Review, Track
from seed import rows

from mainspring import Mainspring, coalesce, exists

app = Mainspring(models=Base)


# Computed for whoever may read what it is made of; clients name it: `select=title,label`.
@app.computed(Album)
def label(album: Any) -> Any:
    """The title with what is printed below it."""
    return album.title + coalesce(" (" + album.details["label"] + ")", "")


everybody = ["anon", "authenticated"]


# The catalogue: anybody reads it, staff write it.


@app.policy(Artist, "select", to=everybody)
@app.policy(Genre, "select", to=everybody)
def open_to_all(row: Any, me: Any) -> Any:
    return True


@app.policy(Album, "select", to=everybody)
def published_or_staff(album: Any, me: Any) -> Any:
    return album.published | me.has_role("staff")


@app.policy(Track, "select", to=everybody)
@app.policy(AlbumGenre, "select", to=everybody)
@app.policy(Review, "select", to=everybody)
def album_is_visible(row: Any, me: Any) -> Any:
    out = exists(Album, lambda album: (album.id == row.album_id) & album.published)
    return out | me.has_role("staff")


@app.policy(Artist, "all", to="authenticated")
@app.policy(Album, "all", to="authenticated")
@app.policy(Track, "all", to="authenticated")
@app.policy(Genre, "all", to="authenticated")
@app.policy(AlbumGenre, "all", to="authenticated")
def staff(row: Any, me: Any) -> Any:
    return me.has_role("staff")


# What the shop pays for an album only the service key can read: no `*`, filter or order reaches it.
app.grant(Album, "select", to=everybody, exclude=["wholesale_price"])


# Customers and their orders: everybody their own, staff all of them.


@app.policy(Customer, "all", to="authenticated")
def myself_or_staff(customer: Any, me: Any) -> Any:
    return (customer.id == me.uid) | me.has_role("staff")


@app.policy(Address, "all", to="authenticated")
def mine_or_staff(row: Any, me: Any) -> Any:
    return (row.customer_id == me.uid) | me.has_role("staff")


@app.policy(Order, "select", to="authenticated")
def my_orders(order: Any, me: Any) -> Any:
    return (order.customer_id == me.uid) | me.has_role("staff")


@app.policy(Order, "insert", "update", "delete", to="authenticated")
def my_pending_orders(order: Any, me: Any) -> Any:
    mine = order.customer_id == me.uid
    return (mine & (order.status == "pending")) | me.has_role("staff")


@app.policy(OrderLine, "select", to="authenticated")
def lines_of_my_orders(line: Any, me: Any) -> Any:
    mine = exists(Order, lambda order: (order.id == line.order_id) & (order.customer_id == me.uid))
    return mine | me.has_role("staff")


@app.policy(OrderLine, "insert", "update", "delete", to="authenticated")
def lines_of_my_pending_orders(line: Any, me: Any) -> Any:
    mine = exists(Order, lambda order: (order.id == line.order_id) & (order.customer_id == me.uid))
    pending = exists(Order, lambda order: (order.id == line.order_id) & (order.status == "pending"))
    return (mine & pending) | me.has_role("staff")


# A restrictive policy takes away: it must hold beside the others. Nobody names their own price.
@app.policy(OrderLine, "insert", "update", to="authenticated", restrictive=True)
def at_our_price(line: Any, me: Any) -> Any:
    listed = exists(Album, lambda a: (a.id == line.album_id) & (a.price == line.unit_price) & a.published)
    return listed | me.has_role("staff")


# Reviews: whoever sees the album reads them (above), their authors write them, staff take them down.


@app.policy(Review, "insert", "update", "delete", to="authenticated")
def my_reviews(review: Any, me: Any) -> Any:
    return review.user_id == me.uid


@app.policy(Review, "delete", to="authenticated")
def moderated_by_staff(review: Any, me: Any) -> Any:
    return me.has_role("staff")


# This one binds staff too: an album is reviewed when it is out.
@app.policy(Review, "insert", to="authenticated", restrictive=True)
def album_is_out(review: Any, me: Any) -> Any:
    return exists(Album, lambda album: (album.id == review.album_id) & album.published)


@app.seed
def seed() -> dict[type[Base], list[dict[str, Any]]]:
    return rows()
