// People sign in with supabase-js through a certified OpenID Connect provider that is not ours, with all that it checks.
import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { after, before, test } from 'node:test'
import { ok, person } from '../people.js'
import { service } from '../shop.js'
import { Browser, told } from './browser.js'
import { allow, cancel, openIssuer } from './issuer.js'

const { SHOP_URL, ISSUER, CLIENTS, SECRET } = process.env
const END = `${SHOP_URL}/welcome`
const SITE = `${SHOP_URL}/?`
const BACK = 'http://127.0.0.1/back'
const NAMES = JSON.parse(CLIENTS)
let numbers = 0
let issuer

const name = () => `somebody${Date.now()}-${(numbers += 1)}`

const ours = { redirect_uris: [`${SHOP_URL}/auth/v1/callback`], client_secret: SECRET }
const mobile = { client_id: 'mobile', application_type: 'native', token_endpoint_auth_method: 'none', redirect_uris: [BACK] }

before(async () => {
  const clients = Object.entries(NAMES).map(([id, said]) => ({ client_id: id, ...ours, ...said }))
  issuer = await openIssuer(new URL(ISSUER).port, [...clients, mobile])
})
after(() => issuer.close())

async function leave(client, provider) {
  const options = { redirectTo: END, skipBrowserRedirect: true }
  return (await ok(client.auth.signInWithOAuth({ provider, options }))).url
}

async function signIn(provider, somebody) {
  const client = person({ flowType: 'pkce' })
  const page = await allow(new Browser(), await leave(client, provider), somebody, END)
  assert.ok(page.searchParams.get('code'), page.href)
  return ok(client.auth.exchangeCodeForSession(page.searchParams.get('code')))
}

for (const provider of Object.keys(NAMES)) {
  test(`somebody signs in (${provider})`, async () => {
    const somebody = name()
    const { session, user } = await signIn(provider, somebody)
    assert.deepEqual(user.app_metadata, { provider, providers: [provider] })
    assert.deepEqual([user.email, user.identities[0].id], [`${somebody}@people.example`, somebody])
    assert.equal(user.user_metadata.full_name, `The ${somebody}`)
    const answer = await fetch(`${ISSUER}/me`, { headers: { authorization: `Bearer ${session.provider_token}` } })
    assert.equal((await answer.json()).sub, somebody, 'the app may ask the provider further')
    assert.equal((await signIn(provider, somebody)).user.id, user.id)
  })
}

test('a provider that is added takes the secret in a header only', async () => {
  const strict = await openIssuer(0, [{ client_id: 'added', ...ours }], { clientAuthMethods: ['client_secret_basic'] })
  try {
    const said = { provider_type: 'oidc', identifier: 'custom:strict', name: 'Strict', issuer: strict.url }
    await ok(service.auth.admin.customProviders.createProvider({ ...said, client_id: 'added', client_secret: SECRET }))
    const somebody = name()
    const { user } = await signIn('custom:strict', somebody)
    assert.deepEqual([user.email, user.identities[0].id], [`${somebody}@people.example`, somebody])
  } finally {
    await strict.close()
  }
})

test('what comes back is of one sign-in in one browser', async () => {
  const [mine, other] = [new Browser(), new Browser()]
  const url = await leave(person({ flowType: 'pkce' }), 'posting')
  const asked = new URL((await mine.ask(url)).headers.get('location'))
  for (const parameter of ['state', 'nonce', 'code_challenge']) assert.ok(asked.searchParams.get(parameter), parameter)
  assert.equal(asked.searchParams.get('code_challenge_method'), 'S256')
  const back = (await allow(mine, asked.href, name(), `${SHOP_URL}/auth/v1/callback`)).href
  assert.equal(new URL(back).searchParams.get('iss'), ISSUER)
  assert.equal(told((await other.go(back, SITE)).url).error_code, 'bad_oauth_state', 'a stolen answer')

  const another = await allow(other, await leave(person({ flowType: 'pkce' }), 'posting'), name(), `${SHOP_URL}/auth/v1/callback`)
  const mixed = new URL(back)
  mixed.searchParams.set('code', another.searchParams.get('code'))
  const page = await mine.go(mixed.href, END)
  assert.match(told(page.url).error_description, /invalid_grant/, 'the provider sees that the verifier is not that of the code')
  assert.equal(told((await mine.go(back, SITE)).url).error_code, 'bad_oauth_state', 'a sign-in that failed is over')
})

test('who says no at the provider is not signed in', async () => {
  const page = await cancel(new Browser(), await leave(person({ flowType: 'pkce' }), 'basic'), END)
  const { error, error_description: text } = told(page)
  assert.deepEqual([error, text], ['access_denied', 'End-User aborted interaction'])
})

// An application on a device gets an ID token from the provider by itself.
async function idToken(somebody, nonce) {
  const verifier = randomBytes(48).toString('base64url')
  const query = new URLSearchParams({
    client_id: 'mobile',
    response_type: 'code',
    redirect_uri: BACK,
    scope: 'openid',
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
    claims: JSON.stringify({ id_token: { email: null, email_verified: null } }),
    nonce: createHash('sha256').update(nonce).digest('hex'),
  })
  const back = await allow(new Browser(), `${ISSUER}/auth?${query}`, somebody, BACK)
  const form = { grant_type: 'authorization_code', client_id: 'mobile', redirect_uri: BACK, code_verifier: verifier }
  const body = new URLSearchParams({ ...form, code: back.searchParams.get('code') })
  const answer = await (await fetch(`${ISSUER}/token`, { method: 'POST', body })).json()
  assert.ok(answer.id_token, JSON.stringify(answer))
  return { token: answer.id_token, access_token: answer.access_token }
}

test('an ID token that a program got signs the same person in', async () => {
  const somebody = name()
  const { user } = await signIn('basic', somebody)
  const nonce = randomBytes(16).toString('hex')
  const shown = { provider: 'basic', ...(await idToken(somebody, nonce)) }
  const again = await ok(person().auth.signInWithIdToken({ ...shown, nonce }))
  assert.equal(again.user.id, user.id)
  const refused = async (said) => (await person().auth.signInWithIdToken({ ...shown, ...said })).error.message
  assert.equal(await refused({ nonce: 'another' }), 'Nonces mismatch')
  assert.equal(await refused({}), 'Passed nonce and nonce in id_token should either both exist or not.')
  const [head, payload, signature] = shown.token.split('.')
  assert.ok(await refused({ nonce, token: [head, payload, signature.slice(0, -8) + 'AAAAAAAA'].join('.') }))
})

test('the provider changes its keys', async () => {
  const somebody = name()
  const { user } = await signIn('basic', somebody)
  issuer.rotate()
  for (const provider of Object.keys(NAMES)) await signIn(provider, provider === 'basic' ? somebody : name())
  const nonce = randomBytes(16).toString('hex')
  const shown = { provider: 'basic', ...(await idToken(somebody, nonce)), nonce }
  assert.equal((await ok(person().auth.signInWithIdToken(shown))).user.id, user.id)
})
