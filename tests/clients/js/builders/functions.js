import assert from 'node:assert/strict'

import { anon, refusal, rows, says, service, shelves } from './library.js'

says('calling functions', 'Client.rpc', async () => {
  const call = (name, given, options) => anon.schema('public').rpc(name, given, options)
  assert.equal(await rows(call('add', { a: 1 })), 11)
  assert.equal(await rows(call('add', { a: 1, b: 2 }, { get: true })), 3)
  assert.equal(await rows(call('longest', { words: ['a', 'bcd', 'ef'] })), 'bcd')
  assert.equal(await rows(call('longest', { words: ['a', 'bcd', 'ef'] }, { get: true })), 'bcd')
  assert.deepEqual(await refusal(call('add', { c: 1 })), [404, 'PGRST202'])
})

says('rows of a function are a table', 'Client.rpc, TransformBuilder.select order limit single, FilterBuilder.gt contains', async () => {
  const of = (author, options) => anon.schema('public').rpc('books_of', { author }, options)
  assert.deepEqual(await rows(of(1).select('id, authors(name)').gt('price', 10)), [{ id: 1, authors: { name: 'Ines Aalto' } }])
  assert.deepEqual(await rows(of(2, { get: true }).select('id').order('id', { ascending: false }).limit(1)), [{ id: 4 }])
  assert.deepEqual(await rows(of(1).contains('tags', ['sea']).select('title').single()), { title: 'A Quiet Harbour' })
  const counted = await of(3, { head: true, count: 'exact' })
  assert.deepEqual([counted.count, counted.data], [1, null]) // one of two is not listed
})

says('functions that write', 'Client.rpc', async () => {
  const call = (client, options) => client.schema('public').rpc('relabel', { shelf: 2, label: 'nadir' }, options)
  assert.deepEqual(await refusal(call(anon)), [401, '42501'])
  assert.deepEqual(await rows(call(service).select('id, label')), [{ id: 2, label: 'nadir' }])
  assert.deepEqual(await rows(shelves().update({ label: 'south' }).eq('label', 'nadir').select('id')), [{ id: 2 }])
})
