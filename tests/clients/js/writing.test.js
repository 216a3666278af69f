import assert from 'node:assert/strict'
import { test } from 'node:test'

import { ALICE, alice, column, refusal, rows, staff } from './shop.js'

const genres = () => staff.from('genres')
const names = async () => column(await rows(genres().select('name').gt('id', 8).order('name')), 'name')
const clear = () => rows(genres().delete().gt('id', 8))

test('insert: one row, with and without the row in the answer', async () => {
  const silent = await genres().insert({ name: 'Dub' })
  assert.deepEqual([silent.status, silent.data, silent.error], [201, null, null])
  const [row] = await rows(genres().insert({ name: 'Drone' }).select())
  assert.deepEqual(Object.keys(row), ['id', 'name'])
  assert.ok(row.id > 8)
  assert.deepEqual(await names(), ['Drone', 'Dub'])
  assert.equal((await rows(genres().insert({ name: 'Fado' }).select('title:name').single())).title, 'Fado')
  await clear()
})

test('insert: many rows are all written or none', async () => {
  const answer = await genres().insert([{ name: 'Dub' }, { name: 'Drone' }], { count: 'exact' }).select('name')
  assert.deepEqual(answer.data, [{ name: 'Dub' }, { name: 'Drone' }])
  assert.equal(answer.count, 2)
  const refused = await refusal(genres().insert([{ name: 'Fado' }, { name: 'Dub' }]))
  assert.deepEqual([refused.code, refused.status], ['23505', 409])
  assert.deepEqual(await names(), ['Drone', 'Dub'])
  await clear()
})

test('insert: defaults for missing columns, embeds in the answer', async () => {
  const review = { album_id: 10, signed: 'Alice', rating: 5 }
  const written = await rows(alice.from('reviews').insert(review).select('user_id, body, created_at, albums(title)').single())
  assert.equal(written.user_id, ALICE)
  assert.equal(written.body, null)
  assert.ok(Math.abs(Date.parse(written.created_at) - Date.now()) < 60_000)
  assert.deepEqual(written.albums, { title: "The Lighthouse Keeper's Radio" })
  await rows(alice.from('reviews').delete().eq('album_id', 10).eq('user_id', ALICE))
})

test('insert: rows of different shape, missing columns as null or as their default', async () => {
  const albums = [
    { id: 901, artist_id: 1, title: 'One', price: 10, published: true },
    { id: 902, artist_id: 1, title: 'Two', price: 12.5 },
  ]
  const nulls = await refusal(staff.from('albums').insert(albums))
  assert.deepEqual([nulls.code, nulls.status], ['23502', 400])
  const query = staff.from('albums').insert(albums, { defaultToNull: false }).select('id, published, price, details')
  assert.deepEqual(await rows(query), [
    { id: 901, published: true, price: 10, details: {} },
    { id: 902, published: false, price: 12.5, details: {} },
  ])
  await rows(staff.from('albums').delete().in('id', [901, 902]))
})

test('upsert: by primary key and by a unique column', async () => {
  await rows(genres().insert({ id: 50, name: 'Dub' }))
  assert.deepEqual(await rows(genres().upsert({ id: 50, name: 'Dub techno' }).select()), [{ id: 50, name: 'Dub techno' }])
  const both = [{ id: 50, name: 'Dub poetry' }, { id: 51, name: 'Drone' }]
  assert.deepEqual(await rows(genres().upsert(both).select('id, name')), both)
  const review = { album_id: 3, signed: 'A. Thornbury', rating: 2, body: 'Changed my mind.' }
  const [changed] = await rows(alice.from('reviews').upsert(review, { onConflict: 'album_id,user_id' }).select('id, signed, rating'))
  assert.deepEqual(changed, { id: 4, signed: 'A. Thornbury', rating: 2 })
  await clear()
})

test('upsert: duplicates can be ignored', async () => {
  const options = { onConflict: 'name', ignoreDuplicates: true }
  const written = await rows(genres().upsert([{ name: 'Jazz' }, { name: 'Drone' }], options).select('name'))
  assert.deepEqual(written, [{ name: 'Drone' }])
  assert.deepEqual(await rows(genres().select('id').eq('name', 'Jazz')), [{ id: 4 }])
  await clear()
})

test('update: the rows of the filter, nothing else', async () => {
  await rows(genres().insert([{ id: 50, name: 'Dub' }, { id: 51, name: 'Drone' }]))
  const answer = await genres().update({ name: 'Dub techno' }, { count: 'exact' }).eq('id', 50).select()
  assert.deepEqual([answer.data, answer.count], [[{ id: 50, name: 'Dub techno' }], 1])
  const silent = await genres().update({ name: 'Doom' }).eq('name', 'Drone')
  assert.deepEqual([silent.status, silent.data], [204, null])
  assert.deepEqual(await rows(genres().update({ name: 'X' }).eq('id', 999).select()), [])
  assert.deepEqual(await names(), ['Doom', 'Dub techno'])
  await clear()
})

test('delete: the rows of the filter, and they can be had back in the answer', async () => {
  await rows(genres().insert([{ id: 50, name: 'Dub' }, { id: 51, name: 'Drone' }, { id: 52, name: 'Fado' }]))
  assert.deepEqual(await rows(genres().delete().in('id', [50, 51]).select('name').order('name')), [{ name: 'Drone' }, { name: 'Dub' }])
  const silent = await genres().delete({ count: 'exact' }).eq('id', 52)
  assert.deepEqual([silent.status, silent.data, silent.count], [204, null, 1])
  assert.deepEqual(await names(), [])
})

test('values: what is written comes back the same', async () => {
  const details = { label: 'Zoë \u{1F3B5} "quoted"', list: [1, 2.5, null, true, { deep: [] }], big: 9007199254740991 }
  const album = { artist_id: 2, title: "O'Brien; -- \\ %_", price: 12345678.91, released_on: '2024-02-29', published: true, details }
  const [written] = await rows(staff.from('albums').insert(album).select())
  const { id, ...same } = written
  assert.deepEqual(same, album)
  assert.deepEqual(await rows(staff.from('albums').select('id').eq('title', album.title)), [{ id }])
  await rows(staff.from('albums').delete().eq('id', id))
})

test('computed columns are read, and cannot be written', async () => {
  const lines = staff.from('order_lines').select('total')
  assert.deepEqual(await rows(lines.eq('order_id', 1).order('album_id')), [{ total: 30 }, { total: 17.9 }, { total: 21 }])
  const refused = await refusal(staff.from('order_lines').insert({ order_id: 1, album_id: 1, unit_price: 1, total: 1 }))
  assert.deepEqual([refused.code, refused.status], ['428C9', 400])
})

test('errors name the constraint or the column', async () => {
  const missingColumn = await refusal(genres().insert({ nam: 'Dub' }))
  assert.deepEqual([missingColumn.code, missingColumn.status], ['PGRST204', 400])
  assert.match(missingColumn.message, /'nam'/)
  const noParent = await refusal(staff.from('albums').insert({ artist_id: 999, title: 'Lost', price: 1 }))
  assert.deepEqual([noParent.code, noParent.status], ['23503', 409])
  const stillUsed = await refusal(staff.from('artists').delete().eq('id', 1))
  assert.deepEqual([stillUsed.code, stillUsed.status], ['23503', 409])
  const notNull = await refusal(staff.from('albums').insert({ artist_id: 1, price: 1 }))
  assert.deepEqual([notNull.code, notNull.status], ['23502', 400])
  assert.match(notNull.message, /title/)
  const tooCheap = await refusal(staff.from('albums').insert({ artist_id: 1, title: 'Cheap', price: -1 }))
  assert.deepEqual([tooCheap.code, tooCheap.status], ['23514', 400])
  assert.match(tooCheap.message, /price_not_negative/)
  const noEnum = await refusal(staff.from('orders').update({ status: 'lost' }).eq('id', 1))
  assert.deepEqual([noEnum.code, noEnum.status], ['22P02', 400])
  const noDate = await refusal(staff.from('albums').update({ released_on: 'soon' }).eq('id', 1))
  assert.deepEqual([noDate.code, noDate.status], ['22007', 400])
})
