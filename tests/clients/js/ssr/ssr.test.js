// @supabase/ssr unchanged: the browser's and the app server's client share a session in cookies, which this server reads, too.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createBrowserClient, createServerClient } from '@supabase/ssr'
import ws from 'ws'

const { SERVER_URL, SERVER_KEYS } = process.env
const keys = JSON.parse(SERVER_KEYS)
const PASSWORD = 'correct horse 1'
const realtime = { transport: ws }

// The cookies of one browser.
function jar(from = []) {
  const kept = new Map(from)
  return {
    kept,
    getAll: () => [...kept].map(([name, value]) => ({ name, value })),
    setAll: (cookies) => {
      for (const { name, value, options } of cookies) {
        if (value && options?.maxAge !== 0) kept.set(name, value)
        else kept.delete(name)
      }
    },
    header: () => [...kept].map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join('; '),
  }
}

const server = (cookies) => createServerClient(SERVER_URL, keys.ANON_KEY, { cookies, realtime })
const browser = (cookies) => createBrowserClient(SERVER_URL, keys.ANON_KEY, { cookies, realtime, isSingleton: false })

async function ok(answer) {
  const { data, error } = await answer
  if (error) throw error
  return data
}

async function link(email, kind) {
  for (let tries = 0; tries < 100; tries += 1) {
    const answer = await fetch(`${SERVER_URL}/_inbox/messages?to=${encodeURIComponent(email)}`)
    const found = (await answer.json()).find((each) => each.kind === kind)
    if (found) return /http\S+/.exec(found.text)[0]
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  throw new Error(`no mail of the kind ${kind}`)
}

const address = () => `ssr-${Date.now()}-${Math.round(Math.random() * 1e6)}@example.com`

async function signedIn(data = {}) {
  const cookies = jar()
  const email = address()
  const app = browser(cookies)
  await ok(app.auth.signUp({ email, password: PASSWORD, options: { data } }))
  const sent = await fetch(await link(email, 'confirmation'), { redirect: 'manual' })
  const code = new URL(sent.headers.get('location')).searchParams.get('code')
  const { user } = await ok(server(cookies).auth.exchangeCodeForSession(code))
  return { cookies, user, app }
}

test('sign up in the browser, exchange the code on the server (PKCE), sign out in the browser', async () => {
  const { cookies, user } = await signedIn()
  assert.ok([...cookies.kept.keys()].some((name) => name.startsWith('sb-127-auth-token')))
  assert.equal((await ok(server(cookies).auth.getUser())).user.id, user.id)
  const made = await ok(server(cookies).from('notes').insert({ body: 'from the server' }).select('owner'))
  assert.deepEqual(made, [{ owner: user.id }])
  assert.equal((await ok(browser(cookies).auth.getClaims())).claims.sub, user.id)
  await browser(cookies).auth.signOut()
  assert.equal([...cookies.kept.keys()].filter((name) => /auth-token(\.\d)?$/.test(name)).length, 0)
  assert.ok((await server(cookies).auth.getUser()).error)
})

test('a session in several cookies', async () => {
  const { cookies, user } = await signedIn({ bio: 'é'.repeat(400) })
  const parts = [...cookies.kept.keys()].filter((name) => /auth-token\.\d$/.test(name))
  assert.ok(parts.length > 1, parts.join())
  assert.equal((await ok(server(cookies).auth.getUser())).user.id, user.id)
  const answer = await fetch(`${SERVER_URL}/auth/v1/user`, {
    headers: { cookie: cookies.header(), 'sec-fetch-site': 'same-origin', apikey: keys.ANON_KEY },
  })
  assert.equal((await answer.json()).id, user.id)
})

test('middleware refreshes an old session, many at once', async () => {
  const { cookies, user } = await signedIn()
  const before = cookies.header()
  await ok(server(cookies).auth.refreshSession())
  assert.notEqual(cookies.header(), before)
  const seen = await Promise.all(Array.from({ length: 10 }, () => server(cookies).auth.getUser()))
  assert.deepEqual(new Set(seen.map(({ data }) => data.user?.id)), new Set([user.id]))
  // Requests at once: each brings the cookies as they were.
  const many = await Promise.all(Array.from({ length: 10 }, () => server(jar(cookies.kept)).auth.refreshSession()))
  assert.deepEqual(many.map(({ error }) => error).filter(Boolean), [])
  assert.equal(new Set(many.map(({ data }) => data.session.refresh_token)).size, 1)
  assert.equal((await ok(server(cookies).auth.getUser())).user.id, user.id)
})

test('the cookie counts for pages of this site, and for nobody else', async () => {
  const { cookies, user } = await signedIn()
  const ask = (headers, path = '/auth/v1/user') =>
    fetch(SERVER_URL + path, { headers: { cookie: cookies.header(), apikey: keys.ANON_KEY, ...headers } })
  assert.equal((await (await ask({ 'sec-fetch-site': 'same-origin' })).json()).id, user.id)
  assert.equal((await ask({ 'sec-fetch-site': 'cross-site' })).status, 401)
  assert.equal((await ask({ origin: 'https://evil.example' })).status, 401)
  assert.equal((await ask({})).status, 401)
  const notes = await ask({ 'sec-fetch-site': 'same-origin' }, '/rest/v1/notes')
  assert.deepEqual([notes.status, await notes.json()], [200, []])
})

test('a cookie that scripts cannot read serves the app server as well', async () => {
  const { cookies, user, app } = await signedIn()
  const { session } = await ok(server(cookies).auth.getSession())
  const answer = await fetch(`${SERVER_URL}/auth/v1/cookie`, {
    method: 'POST',
    headers: { 'sec-fetch-site': 'same-origin', 'content-type': 'application/json' },
    body: JSON.stringify({ refresh_token: session.refresh_token }),
  })
  assert.equal(answer.status, 200)
  const set = answer.headers.getSetCookie()
  assert.ok(set.every((each) => each.includes('HttpOnly') && each.includes('SameSite=Lax')))
  const own = jar()
  own.setAll(
    set.map((each) => ({ name: each.split('=')[0], value: each.split(';')[0].split('=').slice(1).join('='), options: {} })),
  )
  assert.equal((await ok(server(own).auth.getUser())).user.id, user.id)
  assert.deepEqual(await ok(server(own).from('notes').select('body')), [])
  void app
})
