"""`mainspring types`: what it writes compiles, and the clients' own types understand it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from mainspring.cli.arguments import main
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
    options = ["--strict", "--noEmit", "--skipLibCheck", "--target", "es2022", "--module", "nodenext"]
    done = subprocess.run(
        ["node", "../typescript/bin/tsc", *options, "use.ts"], cwd=folder, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stdout


def test_the_pydantic_models_hold(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["types", "python", str(SHOP)]) == 0
    file = tmp_path / "shop_types.py"
    file.write_text(capsys.readouterr().out)
    use = """
from shop_types import AlbumsRow, ArtistsInsert
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
