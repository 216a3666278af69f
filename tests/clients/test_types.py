"""`mainspring types`: what it writes compiles, and the clients' own types understand it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from mainspring.cli.arguments import main
from mainspring.cli.typescript import typescript
from tests.conformance.test_computed import application
from tests.support.servers import PostgresServer

SHOP = Path(__file__).parents[2] / "examples" / "store" / "app.py"
USE = """
import { createClient } from '@supabase/supabase-js'
import type { Database } from './database.js'
const shop = createClient<Database>('http://127.0.0.1', 'key')
const { data } = await shop.from('albums').select('title, price, artists(name), tracks(title)').eq('id', 1).single()
if (data) {
  const title: string = data.title
  const price: number = data.price
  const artist: string = data.artists.name
  const tracks: string[] = data.tracks.map(track => track.title)
  console.log(title, price, artist, tracks)
}
const { data: labels } = await shop.from('albums').select('label, price').eq('label', 'x').order('label')
const told: (string | null)[] | undefined = labels?.map(album => album.label)
console.log(told)
// @ts-expect-error what is computed is not written
await shop.from('albums').update({ label: 'x' })
const { data: tally } = await shop.from('albums').select('artist_id, count(), price.sum(), cheapest:price.min()')
for (const group of tally ?? []) {
  const figures: number[] = [group.artist_id, group.count, group.sum, group.cheapest]
  console.log(figures)
}
const { data: counts } = await shop.from('artists').select('name, albums(count())')
const many: number | undefined = counts?.[0].albums[0].count
const { data: track } = await shop.from('tracks').select('title, ...albums(album:title, price)').single()
if (track) {
  const album: string = track.album
  const price: number = track.price
  console.log(album, price)
}
const { data: artist } = await shop.from('artists').select('...albums(titles:title)').single()
const titles: string[] | undefined = artist?.titles
console.log(many, titles)
await shop.from('albums').select().contains('details', { label: 'Havn' }).textSearch('title', 'blue').rangeGt('title', '[1,2]')
await shop.from('artists').update({ country: 'NO' }).eq('id', 1).maxAffected(1)
await shop.from('artists').insert({ name: 'x', country: 'NO' })
// @ts-expect-error a number is no name
await shop.from('artists').insert({ name: 1, country: 'NO' })
// @ts-expect-error there is no such column
await shop.from('artists').insert({ name: 'x', country: 'NO', nope: 1 })
// @ts-expect-error there is no such table
shop.from('nowhere')
"""


def test_supabase_js_takes_the_types(capsys: pytest.CaptureFixture[str], node_modules: Path) -> None:
    assert main(["types", "typescript", str(SHOP)]) == 0
    folder = node_modules / "node_modules" / ".types"
    folder.mkdir(exist_ok=True)
    (folder / "database.ts").write_text(capsys.readouterr().out)
    (folder / "use.ts").write_text(USE)
    assert compiled(folder, "use.ts") == ""


RELATED = """
import { createClient } from '@supabase/supabase-js'
import type { Database } from './related.js'
const client = createClient<Database>('http://127.0.0.1', 'key')
const { data } = await client.from('orders').select('total, packed_by(full_name)').single()
const total: number | null | undefined = data?.total
const packer: string | null | undefined = data?.packed_by?.full_name
const { data: people } = await client.from('people').select('packed(id)')
const ids: number[] | undefined = people?.flatMap(person => person.packed.map(order => order.id))
console.log(total, packer, ids)
"""


def test_supabase_js_knows_computed_relations(node_modules: Path) -> None:
    folder = node_modules / "node_modules" / ".types"
    folder.mkdir(exist_ok=True)
    (folder / "related.ts").write_text(typescript(application().catalog(), ["public"]))
    (folder / "use_related.ts").write_text(RELATED)
    assert compiled(folder, "use_related.ts") == ""


def compiled(folder: Path, file: str) -> str:
    """What tsc says about a file."""
    options = ["--strict", "--noEmit", "--skipLibCheck", "--target", "es2022", "--module", "nodenext"]
    command = ["node", "../typescript/bin/tsc", *options, file]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120).stdout


def test_the_pydantic_models_hold(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["types", "python", str(SHOP)]) == 0
    file = tmp_path / "shop_types.py"
    file.write_text(capsys.readouterr().out)
    use = """
from shop_types import AlbumsInsert, AlbumsRow, ArtistsInsert
assert "label" in AlbumsRow.model_fields and "label" not in AlbumsInsert.model_fields
from pydantic import ValidationError
assert ArtistsInsert(name="x", country="NO").model_dump(mode="json", exclude_unset=True) == {"name": "x", "country": "NO"}
try:
    ArtistsInsert()
except ValidationError:
    print("refused", len(AlbumsRow.model_fields) > 3)
"""
    done = subprocess.run([sys.executable, "-c", use], cwd=tmp_path, capture_output=True, text=True)
    assert done.stdout == "refused True\n", done.stderr
    checked = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--config-file=", str(file)], cwd=tmp_path, capture_output=True, text=True
    )
    assert checked.returncode == 0, checked.stdout


def test_a_database_as_it_is(capsys: pytest.CaptureFixture[str], postgres: PostgresServer) -> None:
    import psycopg

    url = postgres.database("types")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "CREATE TYPE mood AS ENUM ('sad', 'glad'); CREATE TABLE a (id int PRIMARY KEY, m mood, at point);"
            "CREATE VIEW v AS SELECT id FROM a; CREATE FUNCTION f(x int, y text DEFAULT '') RETURNS SETOF a LANGUAGE sql"
            " AS $$ SELECT * FROM a $$"
        )
    assert main(["types", "typescript", "--database", url, "--database-auth-mode", "database"]) == 0
    told = capsys.readouterr().out
    assert 'Row: { id: number; m: "sad" | "glad" | null; at: unknown | null }' in told
    assert 'f: { Args: { x: number; y?: string }; Returns: Database["public"]["Tables"]["a"]["Row"][] }' in told
    assert 'mood: "sad" | "glad"' in told
    assert "Views: {" in told
