// Second factors through supabase-js unchanged: authenticator apps and phones, from enrolling to giving up; recovery codes.
import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { test } from 'node:test'
import { PASSWORD, address, number, ok, person, refused as refusal, text } from './people.js'
import { service } from './shop.js'

const { SHOP_URL, SHOP_ANON_KEY } = process.env

async function refused(answer) {
  const error = await refusal(answer)
  return [error.code, error.status]
}

async function signIn(email) {
  const client = person()
  await ok(client.auth.signInWithPassword({ email, password: PASSWORD }))
  return client
}

async function member() {
  const email = address()
  await ok(service.auth.admin.createUser({ email, password: PASSWORD, email_confirm: true }))
  return email
}

// What an authenticator app shows (RFC 6238), now or a step ahead.
function code(secret, ahead = 0) {
  const bits = [...secret].map((letter) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(letter).toString(2).padStart(5, '0')).join('')
  const key = Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)))
  const step = Buffer.alloc(8)
  step.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000) + ahead))
  const digest = createHmac('sha1', key).update(step).digest()
  const number = digest.readUInt32BE(digest[19] & 15) & 0x7fffffff
  return String(number % 1_000_000).padStart(6, '0')
}

const level = async (client) => ok(client.auth.mfa.getAuthenticatorAssuranceLevel())

test('an authenticator app, from enrolling to giving it up', async () => {
  const email = await member()
  const client = await signIn(email)
  const other = await signIn(email)
  const events = []
  client.auth.onAuthStateChange((event) => events.push(event))
  const enrolled = await ok(client.auth.mfa.enroll({ factorType: 'totp', friendlyName: 'phone' }))
  assert.equal(enrolled.type, 'totp')
  assert.ok(enrolled.totp.qr_code.startsWith('data:image/svg+xml;utf-8,<svg'))
  assert.ok(enrolled.totp.uri.includes(enrolled.totp.secret))
  const again = await refused(client.auth.mfa.enroll({ factorType: 'totp', friendlyName: 'phone' }))
  assert.deepEqual(again, ['mfa_factor_name_conflict', 422])

  const factorId = enrolled.id
  const challenge = await ok(client.auth.mfa.challenge({ factorId }))
  const wrong = await refused(client.auth.mfa.verify({ factorId, challengeId: challenge.id, code: '12' }))
  assert.deepEqual(wrong, ['mfa_verification_failed', 422])
  const proved = await ok(client.auth.mfa.verify({ factorId, challengeId: challenge.id, code: code(enrolled.totp.secret) }))
  assert.ok(proved.access_token)
  assert.ok(events.includes('MFA_CHALLENGE_VERIFIED'))
  const { currentLevel, nextLevel, currentAuthenticationMethods } = await level(client)
  assert.deepEqual([currentLevel, nextLevel], ['aal2', 'aal2'])
  assert.deepEqual(currentAuthenticationMethods.map((each) => each.method), ['totp', 'password'])
  const listed = await ok(client.auth.mfa.listFactors())
  assert.deepEqual(listed.totp.map((each) => [each.id, each.status, each.friendly_name]), [[factorId, 'verified', 'phone']])
  assert.deepEqual([listed.all.length, listed.phone, listed.webauthn], [1, [], []])
  await ok(client.auth.refreshSession())
  assert.equal((await level(client)).currentLevel, 'aal2')
  assert.equal((await refused(other.auth.refreshSession()))[1], 400)

  const low = await signIn(email)
  const before = await level(low)
  assert.deepEqual([before.currentLevel, before.nextLevel], ['aal1', 'aal2'])
  assert.deepEqual(await refused(low.auth.updateUser({ password: 'another horse 2' })), ['insufficient_aal', 401])
  assert.deepEqual(await refused(low.auth.mfa.enroll({ factorType: 'totp' })), ['insufficient_aal', 403])
  assert.deepEqual(await refused(low.auth.mfa.unenroll({ factorId })), ['insufficient_aal', 422])
  await ok(low.auth.mfa.challengeAndVerify({ factorId, code: code(enrolled.totp.secret, 1) }))
  assert.equal((await level(low)).currentLevel, 'aal2')
  const used = await refused(low.auth.mfa.challengeAndVerify({ factorId, code: code(enrolled.totp.secret, 1) }))
  assert.deepEqual(used, ['mfa_verification_failed', 422])

  const { id } = (await ok(low.auth.getUser())).user
  const factors = (await ok(service.auth.admin.mfa.listFactors({ userId: id }))).factors
  assert.deepEqual(factors.map((each) => each.id), [factorId])
  await ok(low.auth.mfa.unenroll({ factorId }))
  await ok(low.auth.refreshSession())
  const after = await level(low)
  assert.deepEqual([after.currentLevel, after.nextLevel], ['aal1', 'aal1'])
})

test('a phone that gets codes', async () => {
  const [phone, email] = [number(), await member()]
  const client = await signIn(email)
  const enrolled = await ok(client.auth.mfa.enroll({ factorType: 'phone', phone: `+${phone}`, friendlyName: 'mine' }))
  assert.deepEqual([enrolled.type, enrolled.phone], ['phone', `+${phone}`])
  const factorId = enrolled.id
  const challenge = await ok(client.auth.mfa.challenge({ factorId, channel: 'sms' }))
  const soon = await refused(client.auth.mfa.challenge({ factorId, channel: 'sms' }))
  assert.deepEqual(soon, ['over_sms_send_rate_limit', 429])
  await ok(client.auth.mfa.verify({ factorId, challengeId: challenge.id, code: await text(phone) }))
  const { currentLevel, currentAuthenticationMethods } = await level(client)
  assert.deepEqual([currentLevel, currentAuthenticationMethods[0].method], ['aal2', 'mfa/phone'])
  assert.deepEqual((await ok(client.auth.mfa.listFactors())).phone.map((each) => each.phone), [phone])
})

test('codes for a lost phone', async () => {
  const email = await member()
  const client = await signIn(email)
  const enrolled = await ok(client.auth.mfa.enroll({ factorType: 'totp', friendlyName: 'phone' }))
  await ok(client.auth.mfa.challengeAndVerify({ factorId: enrolled.id, code: code(enrolled.totp.secret) }))
  const url = `${SHOP_URL}/auth/v1/factors/recovery-codes`
  const headers = async (of) => {
    const { access_token } = (await ok(of.auth.getSession())).session
    return { apikey: SHOP_ANON_KEY, authorization: `Bearer ${access_token}`, 'content-type': 'application/json' }
  }
  const { codes } = await (await fetch(url, { method: 'POST', headers: await headers(client) })).json()
  assert.equal(codes.length, 10)

  const lost = await signIn(email)
  const body = JSON.stringify({ code: codes[3] })
  const answer = await fetch(`${url}/verify`, { method: 'POST', headers: await headers(lost), body })
  const { access_token, refresh_token } = await answer.json()
  await ok(lost.auth.setSession({ access_token, refresh_token }))
  assert.equal((await level(lost)).currentLevel, 'aal2')
  await ok(lost.auth.mfa.unenroll({ factorId: enrolled.id }))

  const { id } = (await ok(lost.auth.getUser())).user
  const second = await ok(lost.auth.mfa.enroll({ factorType: 'totp', friendlyName: 'another phone' }))
  await ok(lost.auth.mfa.challengeAndVerify({ factorId: second.id, code: code(second.totp.secret) }))
  await ok(service.auth.admin.mfa.deleteFactor({ userId: id, id: second.id }))
  assert.deepEqual((await ok(lost.auth.mfa.listFactors())).all, [])
})
