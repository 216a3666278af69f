// People sign up, in and out, change what is known of them, and are administered: supabase-js unchanged, mails read from the inbox.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PASSWORD, address, mail, member, ok, person, refused } from './people.js'
import { column, rows, service } from './shop.js'

const { SHOP_URL, SHOP_ANON_KEY } = process.env

test('sign up, confirm, sign in', async () => {
  const email = address()
  const client = person()
  const events = []
  client.auth.onAuthStateChange((event) => events.push(event))
  const signed = await ok(client.auth.signUp({ email, password: PASSWORD, options: { data: { name: 'Jo' } } }))
  assert.equal(signed.session, null)
  assert.equal(signed.user.email, email)
  const early = await refused(client.auth.signInWithPassword({ email, password: PASSWORD }))
  assert.deepEqual([early.code, early.status], ['email_not_confirmed', 400])
  const { code } = await mail(email, 'confirmation')
  const { session } = await ok(client.auth.verifyOtp({ type: 'signup', email, token: code }))
  assert.ok(session.access_token)
  assert.deepEqual((await ok(client.auth.getUser())).user.user_metadata, { name: 'Jo', email_verified: true })
  assert.ok(events.includes('SIGNED_IN'))
  const wrong = await refused(person().auth.signInWithPassword({ email, password: 'wrong' }))
  assert.deepEqual([wrong.code, wrong.message], ['invalid_credentials', 'Invalid login credentials'])
  await ok(person().auth.signInWithPassword({ email, password: PASSWORD }))
  const weak = await refused(person().auth.signUp({ email: address(), password: '123' }))
  assert.equal(weak.name, 'AuthWeakPasswordError')
  assert.deepEqual(weak.reasons, ['length'])
  const soon = await refused(person().auth.signUp({ email, password: PASSWORD }))
  assert.equal(soon.code, 'over_email_send_rate_limit')
  const known = address()
  await ok(service.auth.admin.createUser({ email: known, email_confirm: true, password: PASSWORD }))
  const seeming = await ok(person().auth.signUp({ email: known, password: PASSWORD }))
  assert.deepEqual([seeming.session, seeming.user.identities], [null, []])
})

test('what a signed-in person reads and writes is their own', async () => {
  const { client, user } = await member()
  await rows(service.from('customers').insert({ id: user.id, name: 'Jo', email: user.email }))
  const [order] = await rows(client.from('orders').insert({ customer_id: user.id }).select('id, customer_id'))
  assert.equal(order.customer_id, user.id)
  assert.deepEqual(column(await rows(client.from('orders').select('id')), 'id'), [order.id])
  await rows(service.from('orders').delete().eq('id', order.id))
  await rows(service.from('customers').delete().eq('id', user.id))
})

test('refresh, fifty times at once', async () => {
  const { client } = await member()
  const before = (await ok(client.auth.getSession())).session
  const { session } = await ok(client.auth.refreshSession())
  assert.notEqual(session.refresh_token, before.refresh_token)
  const body = JSON.stringify({ refresh_token: session.refresh_token })
  const headers = { apikey: SHOP_ANON_KEY, 'content-type': 'application/json' }
  const url = `${SHOP_URL}/auth/v1/token?grant_type=refresh_token`
  const answers = await Promise.all(Array.from({ length: 50 }, () => fetch(url, { method: 'POST', headers, body })))
  assert.deepEqual(new Set(answers.map((each) => each.status)), new Set([200]))
  assert.equal(new Set((await Promise.all(answers.map((each) => each.json()))).map((each) => each.refresh_token)).size, 1)
  await ok(client.auth.refreshSession())
  await ok(client.auth.getUser())
})

test('recover a password, change it, sign out everywhere', async () => {
  const { client, email } = await member()
  const other = person()
  await ok(other.auth.signInWithPassword({ email, password: PASSWORD }))
  await ok(person().auth.resetPasswordForEmail(email))
  const recovered = person()
  const { code } = await mail(email, 'recovery')
  await ok(recovered.auth.verifyOtp({ type: 'recovery', email, token: code }))
  const same = await refused(recovered.auth.updateUser({ password: PASSWORD }))
  assert.equal(same.code, 'same_password')
  await ok(recovered.auth.updateUser({ password: 'another horse 2', data: { age: 7 } }))
  assert.ok(await refused(other.auth.refreshSession()))
  assert.ok(await refused(client.auth.refreshSession()))
  const again = person()
  await ok(again.auth.signInWithPassword({ email, password: 'another horse 2' }))
  assert.equal((await ok(again.auth.getUser())).user.user_metadata.age, 7)
  const { session } = await ok(again.auth.getSession())
  assert.equal((await again.auth.signOut()).error, null)
  assert.equal((await ok(again.auth.getSession())).session, null)
  const dead = await fetch(`${SHOP_URL}/rest/v1/orders`, {
    headers: { apikey: SHOP_ANON_KEY, authorization: `Bearer ${session.access_token}` },
  })
  assert.equal(dead.status, 401)
})

test('a link ends in a code for the program that asked (PKCE)', async () => {
  const email = address()
  const client = person({ flowType: 'pkce' })
  await ok(client.auth.signUp({ email, password: PASSWORD }))
  const { link } = await mail(email, 'confirmation')
  const followed = await fetch(link, { redirect: 'manual' })
  assert.equal(followed.status, 303)
  const code = new URL(followed.headers.get('location')).searchParams.get('code')
  const { session } = await ok(client.auth.exchangeCodeForSession(code))
  assert.equal(session.user.email, email)
  assert.ok(await refused(person({ flowType: 'pkce' }).auth.exchangeCodeForSession(code)))
})

test('sign in by mail, change the address', async () => {
  const email = address()
  const client = person()
  await ok(client.auth.signInWithOtp({ email }))
  const { code } = await mail(email, 'confirmation')
  await ok(client.auth.verifyOtp({ type: 'email', email, token: code }))
  const closed = await refused(person().auth.signInWithOtp({ email: address(), options: { shouldCreateUser: false } }))
  assert.equal(closed.code, 'otp_disabled')
  const next = address()
  await ok(client.auth.updateUser({ email: next }))
  await ok(client.auth.verifyOtp({ type: 'email_change', email, token: (await mail(email, 'email_change')).code }))
  const { user } = await ok(
    client.auth.verifyOtp({ type: 'email_change', email: next, token: (await mail(next, 'email_change')).code }),
  )
  assert.equal(user.email, next)
})

test('administration', async () => {
  const admin = service.auth.admin
  const email = address()
  const { user } = await ok(admin.createUser({ email, password: PASSWORD, email_confirm: true, app_metadata: { roles: ['staff'] } }))
  assert.deepEqual(user.app_metadata, { provider: 'email', providers: ['email'], roles: ['staff'] })
  const client = person()
  await ok(client.auth.signInWithPassword({ email, password: PASSWORD }))
  assert.ok((await rows(client.from('orders').select('id'))).length > 20, 'staff sees all orders')
  const page = await ok(admin.listUsers({ page: 1, perPage: 1 }))
  assert.equal(page.users.length, 1)
  assert.ok(page.total >= 1)
  assert.equal((await ok(admin.getUserById(user.id))).user.email, email)
  await ok(admin.updateUserById(user.id, { app_metadata: { roles: [] } }))
  await ok(client.auth.refreshSession())
  assert.deepEqual(await rows(client.from('orders').select('id')), [])
  await ok(admin.updateUserById(user.id, { ban_duration: '24h' }))
  assert.ok(await refused(client.auth.refreshSession()))
  await ok(admin.deleteUser(user.id))
  assert.equal((await refused(admin.getUserById(user.id))).code, 'user_not_found')
  const { client: nobody } = await member()
  assert.ok(await refused(nobody.auth.admin.listUsers()))
})
