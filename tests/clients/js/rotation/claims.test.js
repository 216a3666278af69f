// supabase-js verifies tokens by itself with the published keys, before and after they have rotated.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import { createClient } from '@supabase/supabase-js'
import ws from 'ws'

const { SERVER_URL, SERVER_KEYS, ROTATE } = process.env
const keys = JSON.parse(SERVER_KEYS)

function connect(key) {
  return createClient(SERVER_URL, key, { auth: { autoRefreshToken: false, persistSession: false }, realtime: { transport: ws } })
}

async function ok(answer) {
  const { data, error } = await answer
  if (error) throw error
  return data
}

test('getClaims across a rotation', async () => {
  const client = connect(keys.ANON_KEY)
  const { session } = await ok(client.auth.signUp({ email: `js-${Date.now()}@example.com`, password: 'correct horse 1' }))
  const before = await ok(client.auth.getClaims())
  assert.equal(before.header.alg, 'ES256')
  const [program, ...rest] = JSON.parse(ROTATE)
  execFileSync(program, rest)
  let refreshed = session
  for (let tries = 0; tries < 100; tries += 1) {
    refreshed = (await ok(client.auth.refreshSession())).session
    if (JSON.parse(atob(refreshed.access_token.split('.')[0])).kid !== before.header.kid) break
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  const after = await ok(client.auth.getClaims())
  assert.notEqual(after.header.kid, before.header.kid)
  assert.equal(after.claims.sub, before.claims.sub)
  const old = await ok(client.auth.getClaims(session.access_token))
  assert.equal(old.header.kid, before.header.kid)
  const [head, , signature] = session.access_token.split('.')
  const forged = `${head}.${btoa(JSON.stringify({ ...old.claims, role: 'service_role' })).replace(/=+$/, '')}.${signature}`
  assert.ok((await client.auth.getClaims(forged)).error)
  assert.equal((await ok(connect(keys.ANON_KEY).from('items').select('key'))).length, 0)
})

test('the keys that are no tokens', async () => {
  assert.deepEqual(await ok(connect(keys.PUBLISHABLE_KEY).from('items').select('key')), [])
  const { users } = await ok(connect(keys.SECRET_KEY).auth.admin.listUsers())
  assert.equal(users.length, 1)
  const { error } = await connect(keys.PUBLISHABLE_KEY).auth.admin.listUsers()
  assert.ok([401, 403].includes(error.status))
  const client = connect(keys.PUBLISHABLE_KEY)
  await ok(client.auth.signUp({ email: `js-${Date.now()}@example.com`, password: 'correct horse 1' }))
  assert.ok((await ok(client.auth.getUser())).user.id)
  assert.deepEqual(await ok(client.from('items').select('key')), [])
})
