import assert from 'node:assert/strict'
import { test } from 'node:test'

import { anon, column, refusal, rows, service, staff } from './shop.js'

const albums = (select = 'id') => anon.from('albums').select(select)
const ids = async (query) => column(await rows(query.order('id')), 'id')

test('select: columns, aliases, casts and JSON paths', async () => {
  const query = albums('nr:id, title, released_on, price, text:price::text, published, label:details->>label, rpm:details->vinyl->rpm')
  assert.deepEqual(await rows(query.in('id', [1, 5]).order('id')), [
    { nr: 1, title: 'Light for Small Hours', released_on: '2001-03-09', price: 14.9, text: '14.90', published: true, label: 'Tin Roof', rpm: 33 },
    { nr: 5, title: 'Barometer', released_on: '2009-06-12', price: 12.5, text: '12.50', published: true, label: 'Prairie Signal', rpm: null },
  ])
})

test('select: every column of a row in its JSON form', async () => {
  assert.deepEqual(await rows(service.from('orders').select().eq('id', 17)), [
    {
      id: 17, customer_id: 'a11ce000-0000-4000-8000-000000000001', status: 'shipped', billing_address_id: 1,
      shipping_address_id: 1, note: null, created_at: '2024-02-14T19:59:00+00:00', shipped_at: '2024-02-16T19:59:00+00:00',
    },
  ])
})

test('filters: comparison', async () => {
  assert.deepEqual(await ids(albums().eq('title', 'Span')), [23])
  assert.deepEqual(await ids(albums().eq('title', "L'heure bleue, encore")), [14])
  assert.deepEqual(await ids(albums().neq('artist_id', 1).lte('id', 4)), [3, 4])
  assert.deepEqual(await ids(albums().gt('price', 22)), [17, 18])
  assert.deepEqual(await ids(albums().gte('price', 22)), [14, 17, 18])
  assert.deepEqual(await ids(albums().lt('released_on', '1978-07-07')), [17, 18])
  assert.deepEqual(await ids(albums().lte('released_on', '1978-07-07')), [11, 17, 18])
})

test('filters: text patterns', async () => {
  assert.deepEqual(await ids(albums().like('title', 'B%')), [5, 8, 18])
  assert.deepEqual(await ids(albums().like('title', 'b%')), [])
  assert.deepEqual(await ids(albums().ilike('title', 'b%')), [5, 8, 18])
  assert.deepEqual(await ids(albums().ilike('title', '%QUIET')), [16])
  assert.deepEqual(await ids(anon.from('artists').select('id').ilike('name', 'ÉLODIE%')), [7])
})

test('filters: is, in, not, or, and, match', async () => {
  assert.deepEqual(await ids(anon.from('artists').select('id').is('formed', null)), [2, 10])
  assert.deepEqual(await ids(albums().is('published', true).lte('id', 2)), [1, 2])
  assert.deepEqual(await ids(albums().in('title', ['Thunder, Mostly', 'Span'])), [6, 23])
  assert.deepEqual(await ids(albums().in('id', [])), [])
  assert.deepEqual(await ids(albums().not('price', 'gte', 10)), [9, 15])
  assert.deepEqual(await ids(albums().not('id', 'in', '(1,2,3)').lte('id', 5)), [4, 5])
  assert.deepEqual(await ids(albums().or('price.gt.25,title.eq."Thunder, Mostly"')), [6, 18])
  assert.deepEqual(await ids(albums().or('and(price.gte.21,price.lte.22),id.eq.1')), [1, 4, 14])
  assert.deepEqual(await ids(albums().or('id.lt.3,not.and(price.lt.25,id.gt.0)')), [1, 2, 18])
  assert.deepEqual(await ids(albums().match({ artist_id: 5, price: 9.9 })), [9])
  assert.deepEqual(await ids(albums().eq('details->>label', 'Havn')), [9, 10])
})

test('order: direction and the place of nulls', async () => {
  const formed = async (options) => column(await rows(anon.from('artists').select('formed').order('formed', options)), 'formed')
  assert.deepEqual((await formed({ ascending: true })).slice(-3), [2019, null, null])
  assert.deepEqual((await formed({ ascending: false })).slice(0, 3), [null, null, 2019])
  assert.deepEqual((await formed({ nullsFirst: true })).slice(0, 3), [null, null, 1969])
  assert.deepEqual((await formed({ ascending: false, nullsFirst: false })).slice(-3), [1969, null, null])
  const dearest = await rows(albums('id, price').order('price', { ascending: false }).order('id').limit(4))
  assert.deepEqual(column(dearest, 'id'), [18, 17, 14, 4])
})

test('limit, range and counts', async () => {
  assert.deepEqual(column(await rows(albums().order('id').limit(2)), 'id'), [1, 2])
  const page = await albums('id').order('id').range(20, 29)
  assert.deepEqual(column(page.data, 'id'), [21, 22, 23])
  const counted = await anon.from('albums').select('id', { count: 'exact' }).order('id').range(0, 4)
  assert.deepEqual([counted.count, counted.data.length, counted.status], [23, 5, 206])
  const head = await anon.from('albums').select('*', { count: 'exact', head: true }).gt('price', 20)
  assert.deepEqual([head.count, head.data, head.error], [4, null, null])
  const beyond = await refusal(anon.from('albums').select('id', { count: 'exact' }).range(100, 110))
  assert.deepEqual([beyond.code, beyond.status], ['PGRST103', 416])
})

test('embed: to-one, to-many and many-to-many, nested', async () => {
  const [album] = await rows(albums('title, artist:artists(name), genres(name), tracks(position)').eq('id', 9)
    .order('name', { referencedTable: 'genres' }).order('position', { referencedTable: 'tracks' }))
  assert.deepEqual(album.artist, { name: 'Halvard & the Tides' })
  assert.deepEqual(album.genres, [{ name: 'Chamber' }, { name: 'Folk' }])
  assert.deepEqual(column(album.tracks, 'position'), [1, 2, 3, 4, 5, 6, 7])
  const [artist] = await rows(anon.from('artists').select('name, albums(title, tracks(title, position))').eq('id', 9)
    .order('id', { referencedTable: 'albums' }).eq('albums.tracks.position', 1))
  assert.deepEqual(column(artist.albums, 'title'), ['Accra by Night', 'Blue Lorry'])
  assert.deepEqual(artist.albums.map(({ tracks }) => column(tracks, 'position')), [[1], [1]])
})

test('embed: hints choose between two ways, and self references', async () => {
  const [order] = await rows(service.from('orders')
    .select('id, billed:addresses!billing_address_id(id), shipped:addresses!shipping_address_id(id), customers(name)').eq('id', 2))
  assert.deepEqual(order, { id: 2, billed: { id: 3 }, shipped: { id: 4 }, customers: { name: 'Bruno Castellan' } })
  const ambiguous = await refusal(service.from('orders').select('id, addresses(city)'))
  assert.deepEqual([ambiguous.code, ambiguous.status], ['PGRST201', 300])
  assert.match(ambiguous.hint, /addresses!/)
  const [bruno] = await rows(service.from('customers')
    .select('name, by:referred_by(name), friends:customers!referred_by(name)').eq('email', 'bruno@example.com')
    .order('name', { referencedTable: 'friends' }))
  assert.deepEqual(bruno, {
    name: 'Bruno Castellan', by: { name: 'Alice Thornbury' }, friends: [{ name: 'Dagny Solheim' }, { name: 'Esra Günözü' }],
  })
})

test('embed: filter, order and limit the embedded rows', async () => {
  const artists = await rows(anon.from('artists').select('id, albums(id)').in('id', [1, 4]).gt('albums.price', 16).order('id'))
  assert.deepEqual(artists, [{ id: 1, albums: [{ id: 2 }] }, { id: 4, albums: [{ id: 8 }] }])
  const none = await rows(anon.from('artists').select('id, albums(id)').eq('id', 5).gt('albums.price', 100))
  assert.deepEqual(none, [{ id: 5, albums: [] }])
  const [album] = await rows(albums('id, tracks(seconds)').eq('id', 9)
    .order('seconds', { referencedTable: 'tracks', ascending: false }).limit(2, { referencedTable: 'tracks' }))
  assert.deepEqual(album.tracks, [{ seconds: 348 }, { seconds: 311 }])
  const either = await rows(anon.from('artists').select('id, albums(id)').eq('id', 9)
    .or('price.gt.25,id.eq.17', { referencedTable: 'albums' }).order('id', { referencedTable: 'albums' }))
  assert.deepEqual(either, [{ id: 9, albums: [{ id: 17 }, { id: 18 }] }])
})

test('embed: filter and order the parent by a related column', async () => {
  assert.deepEqual(await ids(albums('id, artists!inner(country)').eq('artists.country', 'US')), [15, 16, 23])
  assert.deepEqual(await ids(albums('id, genres!inner(name)').eq('genres.name', 'Jazz')), [14, 17, 18])
  const kept = await rows(anon.from('albums').select('id, artists(name)').eq('artists.country', 'US').eq('id', 1))
  assert.deepEqual(kept, [{ id: 1, artists: null }])
  const first = await rows(albums('id, artists(name)').order('artists(name)', { ascending: false }).order('id').limit(3))
  assert.deepEqual(column(first, 'id'), [13, 14, 19])
})

test('single and maybeSingle', async () => {
  assert.deepEqual(await rows(albums('title').eq('id', 1).single()), { title: 'Light for Small Hours' })
  assert.deepEqual(await rows(albums('title').eq('id', 1).maybeSingle()), { title: 'Light for Small Hours' })
  assert.equal(await rows(albums('title').eq('id', 999).maybeSingle()), null)
  const none = await refusal(albums().eq('id', 999).single())
  assert.deepEqual([none.code, none.status, none.details], ['PGRST116', 406, 'The result contains 0 rows'])
  const many = await refusal(albums().lte('id', 2).single())
  assert.deepEqual([many.code, many.details], ['PGRST116', 'The result contains 2 rows'])
  assert.equal((await refusal(albums().lte('id', 2).maybeSingle())).code, 'PGRST116')
})

test('errors name the mistake and help', async () => {
  const noTable = await refusal(anon.from('album').select())
  assert.deepEqual([noTable.code, noTable.status], ['PGRST205', 404])
  assert.match(noTable.hint, /albums/)
  const noColumn = await refusal(albums('titel'))
  assert.deepEqual([noColumn.code, noColumn.status], ['42703', 400])
  assert.match(`${noColumn.message} ${noColumn.hint}`, /titel.*title/s)
  assert.equal((await refusal(albums().eq('titel', 1))).code, '42703')
  const noRelation = await refusal(albums('id, trackz(title)'))
  assert.deepEqual([noRelation.code, noRelation.status], ['PGRST200', 400])
  assert.match(noRelation.hint, /tracks/)
  const noOperator = await refusal(albums().filter('id', 'equals', 1))
  assert.deepEqual([noOperator.code, noOperator.status], ['PGRST100', 400])
  const noNumber = await refusal(albums().eq('id', 'one'))
  assert.deepEqual([noNumber.code, noNumber.status], ['22P02', 400])
})

test('a hidden row is not counted, and a hidden column does not exist in a row', async () => {
  assert.equal((await anon.from('albums').select('*', { count: 'exact', head: true })).count, 23)
  assert.equal((await staff.from('albums').select('*', { count: 'exact', head: true })).count, 24)
  const [album] = await rows(anon.from('albums').select().eq('id', 1))
  assert.deepEqual(Object.keys(album), ['id', 'artist_id', 'title', 'released_on', 'price', 'published', 'details'])
  assert.deepEqual(await rows(service.from('albums').select('wholesale_price').eq('id', 1)), [{ wholesale_price: 8.94 }])
  for (const query of [albums('wholesale_price'), albums().gt('wholesale_price', 1), albums().order('wholesale_price')]) {
    assert.equal((await refusal(query)).code, '42501')
  }
})
