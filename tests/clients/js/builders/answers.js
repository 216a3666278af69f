import assert from 'node:assert/strict'

import { anon, books, ids, place, refusal, rows, says, service, shelves } from './library.js'

says('choosing, ordering, paging', 'QueryBuilder.select, TransformBuilder.order limit range', async () => {
  const dear = await rows(books('id, price, by:authors(name), colour:details->cover->>colour').order('price', { ascending: false }).limit(2))
  assert.deepEqual(dear, [
    { id: 5, price: 31, by: { name: 'Oriel Sunday' }, colour: null }, { id: 3, price: 20, by: { name: 'Bao Lindqvist' }, colour: null },
  ])
  const pages = await rows(books('pages').order('pages', { nullsFirst: true }).order('id').range(0, 1))
  assert.deepEqual(pages, [{ pages: null }, { pages: 99 }])
  const counted = await anon.from('books').select('id', { count: 'exact' }).order('id').range(1, 2)
  assert.deepEqual([counted.count, counted.data, counted.status], [5, [{ id: 2 }, { id: 3 }], 206])
  const head = await anon.from('books').select('*', { count: 'exact', head: true }).contains('tags', ['calm'])
  assert.deepEqual([head.count, head.data], [2, null])
  const embedded = anon.from('authors').select('id, books(id)').order('price', { referencedTable: 'books' })
  assert.deepEqual(await rows(embedded.limit(1, { referencedTable: 'books' }).order('id')), [
    { id: 1, books: [{ id: 2 }] }, { id: 2, books: [{ id: 4 }] }, { id: 3, books: [{ id: 5 }] },
  ])
})

says('groups and spreads', 'QueryBuilder.select', async () => {
  const tally = await rows(books('author_id, count(), pages.sum(), price.max()').order('author_id'))
  assert.deepEqual(tally, [
    { author_id: 1, count: 2, sum: 390, max: 12.5 }, { author_id: 2, count: 2, sum: 405, max: 20 },
    { author_id: 3, count: 1, sum: 99, max: 31 },
  ])
  assert.deepEqual(await rows(books('id, ...authors(by:name)').eq('id', 3)), [{ id: 3, by: 'Bao Lindqvist' }])
  const lists = anon.from('authors').select('id, ...books(titles:title)').order('title', { referencedTable: 'books' }).eq('id', 1)
  assert.deepEqual(await rows(lists), [{ id: 1, titles: ['A Quiet Harbour', 'The Quiet Engine'] }])
})

says('one row', 'TransformBuilder.single maybeSingle', async () => {
  assert.deepEqual(await rows(books('title').eq('id', 5).single()), { title: 'Sums' })
  assert.deepEqual(await refusal(books().eq('id', 6).single()), [406, 'PGRST116'])
  assert.deepEqual(await rows(books('title').eq('id', 5).maybeSingle()), { title: 'Sums' })
  assert.equal(await rows(books().eq('id', 6).maybeSingle()), null)
  assert.equal((await refusal(books().lte('id', 2).maybeSingle()))[1], 'PGRST116')
})

says('CSV, and documents without nulls', 'TransformBuilder.csv, Builder.stripNulls', async () => {
  const text = await rows(books('id,title,pages').gte('id', 4).order('id').csv())
  assert.equal(text, 'id,title,pages\n4,"rain again",\n5,Sums,99')
  assert.deepEqual(await rows(books('id, pages').in('id', [4, 5]).order('id').stripNulls()), [{ id: 4 }, { id: 5, pages: 99 }])
})

says('GeoJSON is refused where there is no geometry', 'TransformBuilder.geojson', async () => {
  assert.deepEqual(await refusal(books().geojson()), place === 'database' ? [404, '42883'] : [406, 'PGRST107'])
})

says('execution plans', 'TransformBuilder.explain', async () => {
  const text = await rows(books().eq('id', 1).explain())
  assert.match(text, place === 'sqlite' ? /INTEGER PRIMARY KEY/ : /books_pkey/)
  const [told] = await rows(books().eq('id', 1).explain({ format: 'json' }))
  assert.ok(place === 'sqlite' ? told.Detail : told.Plan['Node Type'])
  const analyzed = books().eq('id', 1).explain({ format: 'json', analyze: true, verbose: true })
  if (place === 'sqlite') assert.deepEqual(await refusal(analyzed), [400, 'PGRST127']) // it has no such options
  else assert.equal((await rows(analyzed))[0].Plan['Actual Rows'], 1)
})

says('a write that is undone', 'TransformBuilder.rollback', async () => {
  const [made] = await rows(shelves().insert({ id: 20, label: 'gone' }).select().rollback())
  assert.deepEqual(made, { id: 20, label: 'gone', room: 'hall' })
  assert.deepEqual(await ids(shelves().select('id')), [1, 2])
})

says('a bound on what a write may change', 'TransformBuilder.maxAffected', async () => {
  assert.deepEqual(await refusal(shelves().update({ room: 'attic' }).gte('id', 1).maxAffected(1)), [400, 'PGRST124'])
  assert.deepEqual(await rows(shelves().select('room').order('id')), [{ room: 'hall' }, { room: null }])
  const changed = shelves().update({ room: 'hall' }).eq('id', 1).maxAffected(1).select('id')
  assert.deepEqual(await rows(changed), [{ id: 1 }])
})

says('a request that is given up', 'TransformBuilder.abortSignal', async () => {
  const given = new AbortController()
  assert.deepEqual(await rows(books().eq('id', 1).abortSignal(given.signal)), [{ id: 1 }])
  given.abort()
  const { data, error } = await books().abortSignal(given.signal)
  assert.equal(data, null)
  assert.match(error.message, /abort/i)
})

says('types are said, rows stay', 'TransformBuilder.returns, Builder.overrideTypes', async () => {
  assert.deepEqual(await rows(books().eq('id', 1).returns()), [{ id: 1 }])
  assert.deepEqual(await rows(books().eq('id', 1).single().returns()), { id: 1 })
  assert.deepEqual(await rows(books().eq('id', 1).overrideTypes()), [{ id: 1 }])
})

says('errors thrown', 'FilterBuilder.throwOnError, TransformBuilder.throwOnError, Builder.throwOnError then', async () => {
  assert.deepEqual((await books().eq('id', 1).throwOnError()).data, [{ id: 1 }])
  await assert.rejects(async () => await books('nothing').throwOnError(), { code: '42703' })
  await assert.rejects(async () => await books().eq('id', 6).single().throwOnError(), { code: 'PGRST116' })
})

says('headers and retries of one request', 'Builder.setHeader retry', async () => {
  const { data, count } = await books().eq('id', 1).setHeader('Prefer', 'count=exact')
  assert.deepEqual([data, count], [[{ id: 1 }], 1])
  assert.deepEqual(await rows(books().eq('id', 1).retry(false)), [{ id: 1 }])
})

says('schemas', 'Client.schema from rpc', async () => {
  const library = anon.schema('public')
  assert.deepEqual(await ids(library.from('books').select('id').lte('id', 2)), [1, 2])
  assert.equal(await rows(library.rpc('add', { a: 1 })), 11)
  assert.deepEqual(await refusal(library.schema('private').from('books').select()), [406, 'PGRST106'])
})

says('what a role may not', 'QueryBuilder.insert', async () => {
  assert.deepEqual(await refusal(anon.from('shelves').insert({ id: 20, label: 'mine' })), [401, '42501'])
  assert.deepEqual(await ids(service.from('books').select('id').eq('pages', 210)), [1, 6])
})
