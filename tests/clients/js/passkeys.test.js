// Passkeys through supabase-js unchanged, with an authenticator in software in the place of a browser's.
import assert from 'node:assert/strict'
import { createHash, generateKeyPairSync, randomBytes, sign } from 'node:crypto'
import { test } from 'node:test'
import { createClient } from '@supabase/supabase-js'
import ws from 'ws'
import { PASSWORD, address, ok, person } from './people.js'
import { service } from './shop.js'

const { SHOP_URL } = process.env
const ORIGIN = `http://localhost:${new URL(SHOP_URL).port}`
const connect = () => person({ experimental: { passkey: true } })

// Texts in base64url, or the buffers that the client has made of them.
const text = (said) => (typeof said === 'string' ? said : Buffer.from(said).toString('base64url'))
const sha256 = (data) => createHash('sha256').update(data).digest()
const bytes = (length, data) => Buffer.concat([Buffer.from([0x58, length]), data]) // CBOR: fewer than 256 bytes

// A device with one key (ES256) that counts its signatures.
function authenticator() {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const { x, y } = publicKey.export({ format: 'jwk' })
  const id = randomBytes(32)
  let count = 0
  let user
  const client = (type, challenge) => Buffer.from(JSON.stringify({ type, challenge: text(challenge), origin: ORIGIN, crossOrigin: false }))
  const data = (rpId, flags) => {
    const counted = Buffer.alloc(5)
    counted.writeUInt8(flags)
    counted.writeUInt32BE(count, 1)
    return Buffer.concat([sha256(rpId), counted])
  }
  const credential = (response) => {
    const told = Object.entries(response).map(([name, value]) => [name, Buffer.from(value).toString('base64url')])
    const named = id.toString('base64url')
    return { id: named, rawId: named, type: 'public-key', response: Object.fromEntries(told), clientExtensionResults: {} }
  }
  return {
    create(options) {
      user = Buffer.from(text(options.user.id), 'base64url')
      const parts = [x, y].map((part) => bytes(32, Buffer.from(part, 'base64url')))
      const key = Buffer.concat([Buffer.from('a5010203262001', 'hex'), Buffer.from([0x21]), parts[0], Buffer.from([0x22]), parts[1]])
      const attested = Buffer.concat([Buffer.alloc(16), Buffer.from([0, 32]), id, key])
      const authData = Buffer.concat([data(options.rp.id, 0x45), attested])
      const attestationObject = Buffer.concat([
        Buffer.from('a363', 'hex'), Buffer.from('fmt'), Buffer.from('64', 'hex'), Buffer.from('none'),
        Buffer.from('67', 'hex'), Buffer.from('attStmt'), Buffer.from('a0', 'hex'),
        Buffer.from('68', 'hex'), Buffer.from('authData'), bytes(authData.length, authData),
      ])
      return credential({ clientDataJSON: client('webauthn.create', options.challenge), attestationObject })
    },
    get(options) {
      count += 1
      const clientDataJSON = client('webauthn.get', options.challenge)
      const authenticatorData = data(options.rpId, 0x05)
      const signature = sign('sha256', Buffer.concat([authenticatorData, sha256(clientDataJSON)]), privateKey)
      return credential({ clientDataJSON, authenticatorData, signature, userHandle: user })
    },
  }
}

test('a passkey from registering to giving it up', async () => {
  const email = address()
  const { user } = await ok(service.auth.admin.createUser({ email, password: PASSWORD, email_confirm: true }))
  const client = connect()
  await ok(client.auth.signInWithPassword({ email, password: PASSWORD }))
  const device = authenticator()
  const begun = await ok(client.auth.passkey.startRegistration())
  const credential = device.create(begun.options)
  const made = await ok(client.auth.passkey.verifyRegistration({ challengeId: begun.challenge_id, credential }))
  assert.ok(made.id)

  const other = connect()
  const events = []
  other.auth.onAuthStateChange((event) => events.push(event))
  const asked = await ok(other.auth.passkey.startAuthentication())
  const answer = { challengeId: asked.challenge_id, credential: device.get(asked.options) }
  const signed = await ok(other.auth.passkey.verifyAuthentication(answer))
  assert.equal(signed.user.id, user.id)
  assert.ok(events.includes('SIGNED_IN'))
  const again = await other.auth.passkey.verifyAuthentication(answer)
  assert.equal(again.error.code, 'webauthn_challenge_not_found')
  const { currentAuthenticationMethods } = await ok(other.auth.mfa.getAuthenticatorAssuranceLevel())
  assert.deepEqual(currentAuthenticationMethods.map((each) => each.method), ['passkey'])

  await ok(other.auth.passkey.update({ passkeyId: made.id, friendlyName: 'laptop' }))
  const listed = await ok(other.auth.passkey.list())
  assert.deepEqual(listed.map((each) => [each.id, each.friendly_name]), [[made.id, 'laptop']])
  assert.ok(listed[0].last_used_at)
  const admin = connectAsService()
  assert.equal((await ok(admin.auth.admin.passkey.listPasskeys({ userId: user.id }))).length, 1)
  await ok(other.auth.passkey.delete({ passkeyId: made.id }))
  assert.deepEqual(await ok(other.auth.passkey.list()), [])
})

test('a key as second factor', async () => {
  const email = address()
  await ok(service.auth.admin.createUser({ email, password: PASSWORD, email_confirm: true }))
  const client = connect()
  await ok(client.auth.signInWithPassword({ email, password: PASSWORD }))
  const { id: factorId } = await ok(client.auth.mfa.enroll({ factorType: 'webauthn', friendlyName: 'key' }))
  const device = authenticator()
  const site = { rpId: 'localhost', rpOrigins: [ORIGIN] }
  async function prove(as, wanted) {
    const challenge = await ok(as.auth.mfa.challenge({ factorId, webauthn: site }))
    const { type, credential_options: { publicKey } } = challenge.webauthn
    assert.equal(type, wanted)
    const credential = type === 'create' ? device.create(publicKey) : device.get(publicKey)
    const webauthn = { ...site, type, credential_response: { toJSON: () => credential } }
    await ok(as.auth.mfa.verify({ factorId, challengeId: challenge.id, webauthn }))
    return ok(as.auth.mfa.getAuthenticatorAssuranceLevel())
  }
  assert.equal((await prove(client, 'create')).currentLevel, 'aal2')
  assert.deepEqual((await ok(client.auth.mfa.listFactors())).webauthn.map((each) => each.id), [factorId])
  const other = connect()
  await ok(other.auth.signInWithPassword({ email, password: PASSWORD }))
  const { currentAuthenticationMethods } = await prove(other, 'request')
  assert.deepEqual(currentAuthenticationMethods.map((each) => each.method), ['mfa/webauthn', 'password'])
})

function connectAsService() {
  return createClient(SHOP_URL, process.env.SHOP_SERVICE_KEY, {
    auth: { autoRefreshToken: false, persistSession: false, experimental: { passkey: true } },
    realtime: { transport: ws },
  })
}
