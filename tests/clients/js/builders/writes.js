import assert from 'node:assert/strict'

import { ids, refusal, rows, says, shelves } from './library.js'

const added = () => shelves().delete().gt('id', 2)

says('inserting', 'QueryBuilder.insert delete, TransformBuilder.select', async () => {
  assert.equal(await rows(shelves().insert({ id: 10, label: 'attic' })), null)
  const made = await shelves().insert([{ id: 11, label: 'cellar' }, { id: 12, label: 'loft', room: 'top' }], { count: 'exact' }).select()
  assert.deepEqual([made.count, made.status], [2, 201])
  assert.deepEqual(made.data, [{ id: 11, label: 'cellar', room: null }, { id: 12, label: 'loft', room: 'top' }])
  const both = [{ id: 13, label: 'yard' }, { id: 14, label: 'shed', room: 'out' }]
  const defaults = await rows(shelves().insert(both, { defaultToNull: false }).select('room').order('id'))
  assert.deepEqual(defaults, [{ room: 'hall' }, { room: 'out' }])
  assert.deepEqual(await refusal(shelves().insert({ id: 15, label: 'north' })), [409, '23505'])
  const gone = await rows(added().select('id'))
  assert.deepEqual(gone.map(({ id }) => id).sort(), [10, 11, 12, 13, 14])
})

says('inserting or updating', 'QueryBuilder.upsert', async () => {
  assert.deepEqual(await rows(shelves().upsert([{ id: 2, label: 'south', room: 'low' }, { id: 30, label: 'new', room: 'hall' }]).select('id, room').order('id')), [
    { id: 2, room: 'low' }, { id: 30, room: 'hall' },
  ])
  assert.deepEqual(await rows(shelves().upsert({ id: 31, label: 'new', room: 'x' }, { onConflict: 'label', ignoreDuplicates: true }).select()), [])
  const renamed = await rows(shelves().upsert({ id: 2, label: 'south', room: null }, { onConflict: 'label' }).select())
  assert.deepEqual(renamed, [{ id: 2, label: 'south', room: null }])
  assert.equal((await shelves().upsert({ id: 32, label: 'last' }, { defaultToNull: false, count: 'exact' })).count, 1)
  assert.deepEqual(await rows(shelves().select('room').eq('id', 32)), [{ room: 'hall' }])
  await rows(added())
})

says('updating and deleting', 'QueryBuilder.update delete', async () => {
  const changed = await shelves().update({ room: 'attic' }, { count: 'exact' }).eq('label', 'south').select()
  assert.deepEqual([changed.count, changed.data], [1, [{ id: 2, label: 'south', room: 'attic' }]])
  assert.deepEqual(await rows(shelves().update({ room: null }).eq('id', 2).select('room')), [{ room: null }])
  assert.deepEqual(await rows(shelves().update({ room: 'x' }).eq('id', 99).select()), [])
  await rows(shelves().insert({ id: 40, label: 'short' }))
  assert.equal((await shelves().delete({ count: 'exact' }).eq('id', 40)).count, 1)
  assert.deepEqual(await ids(shelves().select('id')), [1, 2])
})
