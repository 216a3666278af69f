// A certified OAuth and OpenID Connect client, openid-client, signs people in here: all it is told is the issuer's address.
import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import * as oidc from 'openid-client'
import { address, ok, PASSWORD, person } from '../people.js'

const { SHOP_URL } = process.env
const ISSUER = new URL(`${SHOP_URL}/auth/v1`)
const BACK = 'https://program.example/back'
const METHODS = {
  client_secret_basic: oidc.ClientSecretBasic,
  client_secret_post: oidc.ClientSecretPost,
  none: oidc.None,
}
const insecure = { execute: [oidc.allowInsecureRequests, oidc.enableNonRepudiationChecks] }
let app
let user

before(async () => {
  app = person()
  user = (await ok(app.auth.signUp({ email: address(), password: PASSWORD }))).user
})

// A program registers itself.
function register(method) {
  const said = { redirect_uris: [BACK], client_name: 'Program', token_endpoint_auth_method: method }
  return oidc.dynamicClientRegistration(ISSUER, said, METHODS[method](), insecure)
}

// Somebody is sent here by a program, and says yes or no: where they are sent back.
async function answered(program, said, answer = 'approveAuthorization') {
  const asked = oidc.buildAuthorizationUrl(program, { redirect_uri: BACK, scope: 'openid email profile offline_access', ...said })
  const sent = await fetch(asked, { redirect: 'manual' })
  assert.equal(sent.status, 302, await sent.text())
  const id = new URL(sent.headers.get('location')).searchParams.get('authorization_id')
  const seen = await ok(app.auth.oauth.getAuthorizationDetails(id))
  return new URL(seen.redirect_url ?? (await ok(app.auth.oauth[answer](id))).redirect_url)
}

// What a program keeps of a sign-in that it begins, and what it asks with.
async function begun() {
  const pkceCodeVerifier = oidc.randomPKCECodeVerifier()
  const checks = { pkceCodeVerifier, expectedState: oidc.randomState(), expectedNonce: oidc.randomNonce(), idTokenExpected: true }
  const challenge = await oidc.calculatePKCECodeChallenge(pkceCodeVerifier)
  const said = { code_challenge: challenge, code_challenge_method: 'S256', state: checks.expectedState, nonce: checks.expectedNonce }
  return { checks, said }
}

async function signedIn(program) {
  const { checks, said } = await begun()
  return oidc.authorizationCodeGrant(program, await answered(program, said), checks)
}

const refused = (promise, error) => assert.rejects(promise, (found) => (assert.equal(found.error, error), true))

for (const method of Object.keys(METHODS)) {
  test(`a program signs somebody in (${method})`, async () => {
    const program = await register(method)
    const tokens = await signedIn(program)
    const claims = tokens.claims()
    assert.deepEqual([claims.sub, claims.email, claims.aud], [user.id, user.email, program.clientMetadata().client_id])
    const info = await oidc.fetchUserInfo(program, tokens.access_token, user.id)
    assert.deepEqual([info.email, info.email_verified], [user.email, true])
    const renewed = await oidc.refreshTokenGrant(program, tokens.refresh_token)
    assert.notEqual(renewed.refresh_token, tokens.refresh_token)
    assert.equal((await oidc.fetchUserInfo(program, renewed.access_token, user.id)).sub, user.id)
    const active = async (token) => (await oidc.tokenIntrospection(program, token)).active
    if (method !== 'none') assert.deepEqual([await active(renewed.access_token), await active(tokens.refresh_token)], [true, false])
    await oidc.tokenRevocation(program, renewed.refresh_token)
    if (method !== 'none') assert.equal(await active(renewed.access_token), false)
    await refused(oidc.refreshTokenGrant(program, renewed.refresh_token), 'invalid_grant')
    await assert.rejects(oidc.fetchUserInfo(program, renewed.access_token, user.id))
  })
}

test('the document says what is there', async () => {
  const { client_id: id } = (await register('none')).clientMetadata()
  for (const algorithm of ['oidc', 'oauth2']) {
    const metadata = (await oidc.discovery(ISSUER, id, undefined, oidc.None(), { ...insecure, algorithm })).serverMetadata()
    assert.equal(metadata.issuer, ISSUER.href)
    assert.ok(metadata.supportsPKCE())
    assert.equal(metadata.token_endpoint, `${ISSUER.href}/oauth/token`)
  }
})

test('who says no', async () => {
  const program = await register('none')
  const { checks, said } = await begun()
  const back = await answered(program, said, 'denyAuthorization')
  await refused(oidc.authorizationCodeGrant(program, back, checks), 'access_denied')
})

test('what is not of this sign-in, or not of this program', async () => {
  const [program, other] = [await register('client_secret_basic'), await register('client_secret_basic')]
  const [first, second] = [await begun(), await begun()]
  const back = await answered(program, first.said)
  await assert.rejects(oidc.authorizationCodeGrant(program, back, second.checks), (error) => /state/.test(error.cause.message))
  const verifier = { ...first.checks, pkceCodeVerifier: second.checks.pkceCodeVerifier }
  await refused(oidc.authorizationCodeGrant(program, back, verifier), 'invalid_grant')
  await refused(oidc.authorizationCodeGrant(other, back, first.checks), 'invalid_grant')
  const tokens = await oidc.authorizationCodeGrant(program, back, first.checks)
  await refused(oidc.refreshTokenGrant(other, tokens.refresh_token), 'invalid_grant')
  await refused(oidc.tokenRevocation(other, tokens.refresh_token), 'invalid_grant')
  const { client_id: id } = program.clientMetadata()
  const liar = await oidc.discovery(ISSUER, id, undefined, oidc.ClientSecretBasic('wrong'), insecure)
  await assert.rejects(oidc.refreshTokenGrant(liar, tokens.refresh_token), { code: 'OAUTH_WWW_AUTHENTICATE_CHALLENGE', status: 401 })
  assert.ok((await oidc.refreshTokenGrant(program, tokens.refresh_token)).access_token)
})
