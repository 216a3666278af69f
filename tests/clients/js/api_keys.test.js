// A service with a key of its own: supabase-js unchanged, and no more than the key was made for.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createClient } from '@supabase/supabase-js'
import ws from 'ws'

const { SHOP_URL, SHOP_SERVICE_KEY } = process.env
const connect = (key) => createClient(SHOP_URL, key, { auth: { persistSession: false }, realtime: { transport: ws } })

async function create(body) {
  const answer = await fetch(`${SHOP_URL}/auth/v1/admin/api-keys`, {
    method: 'POST',
    headers: { authorization: `Bearer ${SHOP_SERVICE_KEY}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  assert.equal(answer.status, 201)
  return answer.json()
}

test('a key for reading albums reads albums', async () => {
  const { key } = await create({ name: 'catalogue export', tables: { albums: ['select'] }, expires_in: '1d' })
  const service = connect(key)
  const { data, error } = await service.from('albums').select('id, title, published').limit(3)
  assert.equal(error, null)
  assert.equal(data.length, 3)
  const hidden = await service.from('albums').select('id').eq('published', false)
  assert.ok(hidden.data.length > 0, 'the service role passes policies')
  for (const answer of [
    await service.from('customers').select('id'),
    await service.from('albums').update({ title: 'x' }).eq('id', data[0].id),
    await service.from('albums').delete().eq('id', data[0].id),
    await service.from('albums').select('id, artists(name)'),
  ]) {
    assert.ok(answer.error, 'it was not refused')
  }
  assert.ok((await service.auth.admin.listUsers()).error)
})

test('a key of the service role without limits administers', async () => {
  const { key } = await create({ name: 'back office' })
  const { data, error } = await connect(key).auth.admin.listUsers()
  assert.equal(error, null)
  assert.ok(Array.isArray(data.users))
})
