// People who are known by a phone number: supabase-js unchanged, texts read from the inbox.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PASSWORD, member, number, ok, person, refused, text } from './people.js'
import { service } from './shop.js'

test('sign up by phone with a password', async () => {
  const [phone, client] = [number(), person()]
  const signed = await ok(client.auth.signUp({ phone: `+${phone}`, password: PASSWORD, options: { data: { name: 'Jo' } } }))
  assert.deepEqual([signed.session, signed.user.phone], [null, phone])
  const early = await refused(client.auth.signInWithPassword({ phone, password: PASSWORD }))
  assert.equal(early.code, 'phone_not_confirmed')
  const soon = await refused(client.auth.resend({ type: 'sms', phone }))
  assert.deepEqual([soon.code, soon.status], ['over_sms_send_rate_limit', 429])
  const { session, user } = await ok(client.auth.verifyOtp({ type: 'sms', phone, token: await text(phone) }))
  assert.ok(session.access_token)
  assert.deepEqual([user.phone, user.app_metadata.provider, user.identities[0].provider], [phone, 'phone', 'phone'])
  await ok(person().auth.signInWithPassword({ phone, password: PASSWORD }))
})

test('sign in with a code by phone', async () => {
  const [phone, client] = [number(), person()]
  const sent = await ok(client.auth.signInWithOtp({ phone, options: { channel: 'whatsapp' } }))
  assert.ok(sent.messageId)
  const token = await text(phone, 'whatsapp')
  const { user } = await ok(client.auth.verifyOtp({ type: 'sms', phone, token }))
  assert.equal(user.phone, phone)
  const used = await refused(person().auth.verifyOtp({ type: 'sms', phone, token }))
  assert.deepEqual([used.code, used.status], ['otp_expired', 403])
  const closed = await refused(person().auth.signInWithOtp({ phone: number(), options: { shouldCreateUser: false } }))
  assert.equal(closed.code, 'otp_disabled')
  assert.equal((await refused(person().auth.signInWithOtp({ phone: '12' + 'x' }))).code, 'validation_failed')
})

test('change a phone number', async () => {
  const { client, user } = await member()
  const phone = number()
  const changing = await ok(client.auth.updateUser({ phone }))
  assert.deepEqual([changing.user.phone, changing.user.new_phone], ['', phone])
  const changed = await ok(client.auth.verifyOtp({ type: 'phone_change', phone, token: await text(phone) }))
  assert.deepEqual([changed.user.id, changed.user.phone], [user.id, phone])
  const other = await member()
  assert.equal((await refused(other.client.auth.updateUser({ phone }))).code, 'phone_exists')
})

test('users with a phone number, administered', async () => {
  const phone = number()
  const { user } = await ok(service.auth.admin.createUser({ phone, phone_confirm: true, password: PASSWORD }))
  assert.ok(user.phone_confirmed_at)
  await ok(person().auth.signInWithPassword({ phone, password: PASSWORD }))
  assert.equal((await refused(service.auth.admin.createUser({ phone }))).code, 'phone_exists')
  const next = number()
  const changed = await ok(service.auth.admin.updateUserById(user.id, { phone: next, phone_confirm: true }))
  assert.equal(changed.user.phone, next)
  await ok(service.auth.admin.deleteUser(user.id))
})
