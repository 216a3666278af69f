// People of a company sign in whose identity provider is another project's: it reads our metadata and verifies our requests.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ok, person } from '../people.js'
import { service } from '../shop.js'
import { Browser, told } from './browser.js'
import { openCompany } from './company.js'

const { SHOP_URL, PAIR } = process.env
const SAML = `${SHOP_URL}/auth/v1/sso/saml`
const END = `${SHOP_URL}/welcome`
const OLD = 'http://www.w3.org/2001/04/xmlenc#aes256-cbc'
const WAYS = {
  openly: undefined,
  'encrypted (GCM)': { way: 'http://www.w3.org/2009/xmlenc11#aes128-gcm' },
  'encrypted and signed as a whole (CBC)': { way: OLD, whole: true },
}
const ours = await (await fetch(`${SAML}/metadata`)).text()
const open = (encryption) => openCompany(ours, JSON.parse(PAIR), encryption)


const headers = { authorization: `Bearer ${process.env.SHOP_SERVICE_KEY}`, 'content-type': 'application/json' }

async function admin(method, path, body) {
  const answer = await fetch(`${SHOP_URL}/auth/v1/admin/sso/providers${path}`, { method, headers, body: JSON.stringify(body) })
  assert.ok(answer.ok, await answer.clone().text())
  return answer.json()
}

const { id: providerId } = await admin('POST', '', {
  type: 'saml',
  metadata_xml: open().metadata,
  domains: ['corp.example'],
  attribute_mapping: { keys: { email: { name: 'mail' } } },
})

async function leave(client) {
  const options = { redirectTo: END, skipBrowserRedirect: true }
  return (await ok(client.auth.signInWithSSO({ domain: 'corp.example', options }))).url
}

async function back(form) {
  return new URL((await new Browser().ask(`${SAML}/acs`, form)).headers.get('location'))
}

for (const [how, encryption] of Object.entries(WAYS)) {
  test(`somebody of a company signs in, ${how}`, async () => {
    const client = person({ flowType: 'pkce' })
    const email = `${Date.now()}@corp.example`
    const page = await back(await open(encryption).answer(await leave(client), `employee ${how}`, email))
    assert.ok(page.searchParams.get('code'), page.href)
    const { user } = await ok(client.auth.exchangeCodeForSession(page.searchParams.get('code')))
    assert.deepEqual([user.email, user.app_metadata.provider], [email, `sso:${providerId}`])
    assert.equal(user.identities[0].id, `employee ${how}`)
  })
}

test('it takes no request that is not ours as it is', async () => {
  const company = open()
  const url = await leave(person())
  const { extract, sigAlg } = await company.read(url)
  assert.equal(extract.issuer, `${SAML}/metadata`)
  assert.match(sigAlg, /rsa-sha256$/)
  const another = new URL(await leave(person())).searchParams
  for (const name of ['SAMLRequest', 'RelayState', 'Signature']) {
    const spoiled = new URL(url)
    spoiled.searchParams.set(name, another.get(name))
    await assert.rejects(company.read(spoiled.href), /ERR_FAILED_MESSAGE_SIGNATURE_VERIFICATION/, name)
  }
  const bare = new URL(url)
  bare.searchParams.delete('Signature')
  await assert.rejects(company.read(bare.href), /ERR_MISSING_SIG_ALG/)
})

test('what anybody could have changed is refused', async () => {
  const form = await open({ way: OLD }).answer(await leave(person()), 'employee', 'changed@corp.example')
  assert.match(told(await back(form)).error_description, /encrypted by .*aes256-cbc/)
})

test('an answer serves once, and only whom it is for', async () => {
  const [mine, other] = [await leave(person()), await leave(person())]
  const form = await open().answer(mine, 'employee', `once-${Date.now()}@corp.example`)
  const mixed = { ...form, RelayState: new URL(other).searchParams.get('RelayState') }
  assert.ok(told(await back(mixed)).error, 'it answers another request')
  assert.ok(told(await back(form)).access_token)
  assert.equal(told(await back(form)).error_code, 'saml_relay_state_not_found')
})
