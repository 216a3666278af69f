// People sign in through a provider, with ID tokens and with wallets, and add accounts elsewhere to their own: supabase-js unchanged.
import assert from 'node:assert/strict'
import { generateKeyPairSync, sign } from 'node:crypto'
import { test } from 'node:test'
import { createClient } from '@supabase/supabase-js'
import ws from 'ws'
import { column, service } from './shop.js'

const { SHOP_URL, SHOP_ANON_KEY, SHOP_PROVIDER, SHOP_WALLET } = process.env
let numbers = 0

function person(options = {}) {
  const kept = new Map()
  const storage = {
    getItem: (key) => kept.get(key) ?? null,
    setItem: (key, value) => void kept.set(key, value),
    removeItem: (key) => void kept.delete(key),
  }
  return createClient(SHOP_URL, SHOP_ANON_KEY, {
    auth: { autoRefreshToken: false, persistSession: true, storage, ...options },
    realtime: { transport: ws },
  })
}

const address = () => `js-elsewhere-${Date.now()}-${(numbers += 1)}@example.com`

async function ok(answer) {
  const { data, error } = await answer
  if (error) throw error
  return data
}

async function refused(answer) {
  const { error } = await answer
  assert.ok(error, 'it was not refused')
  return error
}

// What a browser does with an address: it follows redirects until it is at a page of the site, and keeps cookies.
async function browse(url, cookies = {}) {
  for (let steps = 0; steps < 5; steps += 1) {
    const said = Object.entries(cookies).map(([name, value]) => `${name}=${value}`)
    const own = url.startsWith(SHOP_URL)
    const answer = await fetch(url, { redirect: 'manual', headers: own && said.length ? { cookie: said.join('; ') } : {} })
    for (const cookie of own ? answer.headers.getSetCookie() : []) {
      const [name, value] = cookie.split(';')[0].split('=')
      cookies[name] = value
    }
    url = answer.headers.get('location')
    assert.ok(url, `${answer.status}: ${await answer.text()}`)
    if (url.startsWith(SHOP_URL) && !url.startsWith(`${SHOP_URL}/auth/v1/`)) return new URL(url)
  }
  throw new Error('too many redirects')
}

function asked(email, redirectTo = `${SHOP_URL}/welcome`) {
  return { provider: 'google', options: { redirectTo, queryParams: { login_hint: email }, skipBrowserRedirect: true } }
}

test('a program signs somebody in with a code', async () => {
  const client = person({ flowType: 'pkce' })
  const email = address()
  const { url } = await ok(client.auth.signInWithOAuth(asked(email, `${SHOP_URL}/welcome?next=1`)))
  const page = await browse(url)
  assert.equal(page.pathname, '/welcome')
  assert.equal(page.searchParams.get('next'), '1')
  const { session, user } = await ok(client.auth.exchangeCodeForSession(page.searchParams.get('code')))
  assert.equal(user.email, email)
  assert.deepEqual(user.app_metadata, { provider: 'google', providers: ['google'] })
  assert.equal(session.provider_refresh_token, `refresh-${session.provider_token}`)
  assert.equal((await ok(client.auth.refreshSession())).session.provider_token, undefined)
  assert.deepEqual(column(await ok(client.from('albums').select('id').limit(1)), 'id').length, 1)
  const other = person({ flowType: 'pkce' })
  await ok(other.auth.signInWithOAuth(asked(email)))
  const error = await refused(other.auth.exchangeCodeForSession(page.searchParams.get('code')))
  assert.equal(error.code, 'flow_state_not_found')
})

test('a page gets a session in its fragment', async () => {
  const email = address()
  const { url } = await ok(person({ flowType: 'implicit' }).auth.signInWithOAuth(asked(email)))
  const page = await browse(url)
  const said = new URLSearchParams(page.hash.slice(1))
  assert.ok(said.get('provider_token'))
  const client = person()
  await ok(client.auth.setSession({ access_token: said.get('access_token'), refresh_token: said.get('refresh_token') }))
  assert.equal((await ok(client.auth.getUser())).user.email, email)
})

test('a sign-in goes on only in the browser in which it began', async () => {
  const { url } = await ok(person().auth.signInWithOAuth(asked(address())))
  const first = await fetch(url, { redirect: 'manual' })
  const page = await browse(first.headers.get('location'), {})
  assert.equal(page.searchParams.get('error_code'), 'bad_oauth_state')
  assert.equal(new URLSearchParams(page.hash.slice(1)).get('error_code'), 'bad_oauth_state')
})

for (const flowType of ['implicit', 'pkce']) {
  test(`an account elsewhere is added and taken off (${flowType})`, async () => {
    const client = person({ flowType })
    const { user } = await ok(client.auth.signInWithIdToken({ provider: 'google', token: await issued(address()) }))
    const { url } = await ok(client.auth.linkIdentity(asked(address())))
    const refusedPage = await browse(url)
    if (flowType === 'pkce') {
      await ok(client.auth.exchangeCodeForSession(refusedPage.searchParams.get('code')))
    } else {
      assert.ok(refusedPage.hash.includes('access_token='))
    }
    const { identities } = await ok(client.auth.getUserIdentities())
    assert.deepEqual(column(identities, 'provider'), ['google', 'google'])
    await ok(client.auth.unlinkIdentity(identities[0]))
    const left = (await ok(client.auth.getUserIdentities())).identities
    assert.deepEqual(column(left, 'identity_id'), [identities[1].identity_id])
    assert.equal((await refused(client.auth.unlinkIdentity(left[0]))).code, 'single_identity_not_deletable')
    assert.equal((await ok(client.auth.getUser())).user.id, user.id)
  })
}

async function issued(email, nonce) {
  const query = new URLSearchParams({ login_hint: email, ...(nonce && { nonce }) })
  return (await (await fetch(`${SHOP_PROVIDER}/issued?${query}`)).json()).id_token
}

test('an ID token signs somebody in', async () => {
  const client = person()
  const email = address()
  const { user } = await ok(client.auth.signInWithIdToken({ provider: 'google', token: await issued(email) }))
  assert.equal(user.email, email)
  const wrong = await refused(client.auth.signInWithIdToken({ provider: 'google', token: await issued(email), nonce: 'x' }))
  assert.equal(wrong.message, 'Passed nonce and nonce in id_token should either both exist or not.')
  const linked = await ok(client.auth.linkIdentity({ provider: 'google', token: await issued(address()) }))
  assert.equal(linked.user.id, user.id)
})

test('wallets sign somebody in', async () => {
  const ethereum = JSON.parse(SHOP_WALLET)
  const client = person()
  const { user } = await ok(client.auth.signInWithWeb3({ chain: 'ethereum', ...ethereum }))
  assert.deepEqual(user.app_metadata, { provider: 'web3', providers: ['web3'] })
  const again = await refused(client.auth.signInWithWeb3({ chain: 'ethereum', ...ethereum }))
  assert.match(again.message, /used already/)

  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  const key = publicKey.export({ format: 'der', type: 'spki' }).subarray(-32)
  const wallet = {
    publicKey: { toBase58: () => base58(key) },
    signMessage: async (message) => new Uint8Array(sign(null, message, privateKey)),
  }
  const options = { url: `${SHOP_URL}/` }
  const solana = await ok(person().auth.signInWithWeb3({ chain: 'solana', wallet, statement: 'I accept', options }))
  assert.equal(solana.user.identities[0].identity_data.custom_claims.address, base58(key))
})

function base58(bytes) {
  const alphabet = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz'
  let number = BigInt(`0x${Buffer.from(bytes).toString('hex')}`)
  let text = ''
  for (; number > 0n; number /= 58n) text = alphabet[Number(number % 58n)] + text
  return text
}

test('the service key adds a provider', async () => {
  const custom = service.auth.admin.customProviders
  const said = { name: 'Mine', provider_type: 'oidc', identifier: `custom:js-${Date.now()}`, issuer: SHOP_PROVIDER }
  const secrets = { client_id: 'our-client', client_secret: 'our-secret' }
  const made = await ok(custom.createProvider({ ...said, ...secrets }))
  assert.equal(made.client_secret, undefined)
  const listed = await ok(custom.listProviders({ type: 'oidc' }))
  assert.ok(column(listed.providers, 'identifier').includes(said.identifier))
  const client = person({ flowType: 'pkce' })
  const wanted = { ...asked(address()), provider: said.identifier }
  const page = await browse((await ok(client.auth.signInWithOAuth(wanted))).url)
  const { user } = await ok(client.auth.exchangeCodeForSession(page.searchParams.get('code')))
  assert.equal(user.app_metadata.provider, said.identifier)
  assert.equal((await ok(custom.updateProvider(said.identifier, { enabled: false }))).enabled, false)
  await ok(custom.deleteProvider(said.identifier))
  assert.equal((await refused(custom.getProvider(said.identifier))).code, 'custom_provider_not_found')
})
