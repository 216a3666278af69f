// The app's side of being a provider: supabase-js shows what a program asks, says yes or no, lists and takes back; and keeps programs.
import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { createClient } from '@supabase/supabase-js'
import ws from 'ws'

const { SERVER_URL, SERVER_KEYS } = process.env
const keys = JSON.parse(SERVER_KEYS)
const BACK = 'https://program.example/back'

function connect(key) {
  return createClient(SERVER_URL, key, { auth: { autoRefreshToken: false, persistSession: false }, realtime: { transport: ws } })
}

async function ok(answer) {
  const { data, error } = await answer
  if (error) throw error
  return data
}

async function ask(client, verifier, scope = 'openid email') {
  const challenge = createHash('sha256').update(verifier).digest('base64url')
  const query = new URLSearchParams({
    client_id: client.client_id,
    redirect_uri: BACK,
    response_type: 'code',
    scope,
    code_challenge: challenge,
    code_challenge_method: 'S256',
  })
  const answer = await fetch(`${SERVER_URL}/auth/v1/oauth/authorize?${query}`, { redirect: 'manual' })
  assert.equal(answer.status, 302)
  return new URL(answer.headers.get('location')).searchParams.get('authorization_id')
}

test('consent, tokens, grants', async () => {
  const admin = connect(keys.SERVICE_KEY).auth.admin.oauth
  const program = await ok(admin.createClient({ client_name: 'Program', redirect_uris: [BACK] }))
  const app = connect(keys.ANON_KEY)
  const { user } = await ok(app.auth.signUp({ email: `js-${Date.now()}@example.com`, password: 'correct horse 1' }))
  const verifier = randomBytes(48).toString('base64url')
  const id = await ask(program, verifier)
  const details = await ok(app.auth.oauth.getAuthorizationDetails(id))
  assert.deepEqual([details.client.name, details.user.id, details.scope], ['Program', user.id, 'openid email'])
  const { redirect_url } = await ok(app.auth.oauth.approveAuthorization(id))
  const answer = await fetch(`${SERVER_URL}/auth/v1/oauth/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${btoa(`${program.client_id}:${program.client_secret}`)}` },
    body: new URLSearchParams({
      grant_type: 'authorization_code',
      code: new URL(redirect_url).searchParams.get('code'),
      code_verifier: verifier,
      redirect_uri: BACK,
    }),
  })
  const tokens = await answer.json()
  assert.equal(answer.status, 200, JSON.stringify(tokens))
  const { claims } = await ok(app.auth.getClaims(tokens.id_token))
  assert.deepEqual([claims.sub, claims.aud], [user.id, program.client_id])
  assert.equal((await ok(connect(keys.ANON_KEY).auth.getUser(tokens.access_token))).user.id, user.id)
  const grants = await ok(app.auth.oauth.listGrants())
  assert.deepEqual(grants.map((each) => [each.client.id, each.scopes]), [[program.client_id, ['openid', 'email']]])
  const again = await ok(app.auth.oauth.getAuthorizationDetails(await ask(program, verifier)))
  assert.ok(again.redirect_url.startsWith(`${BACK}?code=`))
  await ok(app.auth.oauth.revokeGrant({ clientId: program.client_id }))
  assert.deepEqual(await ok(app.auth.oauth.listGrants()), [])
  assert.ok((await connect(keys.ANON_KEY).auth.getUser(tokens.access_token)).error)
  const denied = await ask(program, verifier)
  await ok(app.auth.oauth.getAuthorizationDetails(denied))
  const refusal = await ok(app.auth.oauth.denyAuthorization(denied))
  assert.equal(new URL(refusal.redirect_url).searchParams.get('error'), 'access_denied')
  assert.ok((await app.auth.oauth.getAuthorizationDetails('nothing')).error)
})

test('programs are administered', async () => {
  const admin = connect(keys.SERVICE_KEY).auth.admin.oauth
  const made = await ok(admin.createClient({ client_name: 'One', redirect_uris: [BACK] }))
  assert.ok(made.client_secret)
  const listed = await ok(admin.listClients({ page: 1, perPage: 10 }))
  assert.ok(listed.clients.some((each) => each.client_id === made.client_id))
  assert.ok(listed.total >= 1)
  assert.equal((await ok(admin.updateClient(made.client_id, { client_name: 'Two' }))).client_name, 'Two')
  const renewed = await ok(admin.regenerateClientSecret(made.client_id))
  assert.notEqual(renewed.client_secret, made.client_secret)
  assert.equal((await ok(admin.getClient(made.client_id))).client_secret, undefined)
  assert.equal((await admin.deleteClient(made.client_id)).error, null)
  assert.ok((await admin.getClient(made.client_id)).error)
  assert.ok((await connect(keys.ANON_KEY).auth.admin.oauth.listClients()).error)
})
