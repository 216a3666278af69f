// Invitations and links made by the service key: supabase-js unchanged, mails read from the inbox.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PASSWORD, address, mail, member, ok, person, refused } from './people.js'
import { service } from './shop.js'

const admin = service.auth.admin

test('invite somebody', async () => {
  const email = address()
  const { user } = await ok(admin.inviteUserByEmail(email, { data: { team: 'red' } }))
  assert.deepEqual([user.email, user.user_metadata.team], [email, 'red'])
  assert.ok(user.invited_at)
  const client = person()
  const { code } = await mail(email, 'invite')
  await ok(client.auth.verifyOtp({ type: 'invite', email, token: code }))
  await ok(client.auth.updateUser({ password: PASSWORD }))
  await ok(person().auth.signInWithPassword({ email, password: PASSWORD }))
  assert.equal((await refused(admin.inviteUserByEmail(email))).code, 'email_exists')
  assert.equal((await refused(client.auth.admin.inviteUserByEmail(address()))).code, 'not_admin')
})

test('links of every kind', async () => {
  const kinds = { signup: 'signup', invite: 'invite', magiclink: 'magiclink', recovery: 'recovery' }
  for (const [type, verification] of Object.entries(kinds)) {
    const email = type === 'signup' || type === 'invite' ? address() : (await member()).email
    const { properties, user } = await ok(admin.generateLink({ type, email, password: PASSWORD, options: { data: { a: 1 } } }))
    assert.deepEqual([user.email, properties.verification_type], [email, verification])
    const { session } = await ok(person().auth.verifyOtp({ type: verification, token_hash: properties.hashed_token }))
    assert.equal(session.user.id, user.id)
    const used = await refused(person().auth.verifyOtp({ type: verification, email, token: properties.email_otp }))
    assert.equal(used.code, 'otp_expired')
  }
  const stranger = await ok(admin.generateLink({ type: 'magiclink', email: address() }))
  assert.equal(stranger.properties.verification_type, 'signup')
  assert.equal((await refused(admin.generateLink({ type: 'recovery', email: address() }))).code, 'user_not_found')
})

test('links that change an address', async () => {
  const { email } = await member()
  const newEmail = address()
  const current = await ok(admin.generateLink({ type: 'email_change_current', email, newEmail }))
  const next = await ok(admin.generateLink({ type: 'email_change_new', email, newEmail }))
  const first = await fetch(current.properties.action_link, { redirect: 'manual' })
  assert.ok(first.headers.get('location').includes('message='))
  const second = await fetch(next.properties.action_link, { redirect: 'manual' })
  assert.ok(second.headers.get('location').includes('access_token='))
  await ok(person().auth.signInWithPassword({ email: newEmail, password: PASSWORD }))
})
