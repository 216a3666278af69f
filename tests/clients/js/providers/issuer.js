// A certified OpenID Connect provider, oidc-provider, on a port of this machine: with its own pages, its own keys, its own checks.
import { generateKeyPairSync, randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import { Provider } from 'oidc-provider'

const CURVES = { ES256: ['ec', { namedCurve: 'P-256' }], EdDSA: ['ed25519'], RS256: ['rsa', { modulusLength: 2048 }] }

const CONFIGURATION = {
  claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name', 'picture'] },
  pkce: { required: () => true },
  findAccount: (_, id) => ({
    accountId: id,
    claims: () => ({ sub: id, email: `${id}@people.example`, email_verified: true, name: `The ${id}` }),
  }),
}

function newKeys() {
  return Object.entries(CURVES).map(([alg, curve]) => {
    const { privateKey } = generateKeyPairSync(...curve)
    return { ...privateKey.export({ format: 'jwk' }), kid: `${alg}-${randomUUID()}`, alg, use: 'sig' }
  })
}

// `clients` as in their registration, `more` of its configuration; whoever signs in as NAME has the address NAME@people.example.
export async function openIssuer(port, clients, more = {}) {
  let provider
  const server = createServer((request, response) => provider.callback()(request, response))
  await new Promise((resolve) => server.listen(port, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${server.address().port}`
  const rotate = () => {
    provider = new Provider(url, { ...CONFIGURATION, ...more, clients, jwks: { keys: newKeys() } })
  }
  rotate()
  return { url, rotate, close: () => new Promise((resolve) => server.close(resolve).closeAllConnections()) }
}

// What somebody does at it: sign in by a name and a password, and allow what is asked.
export async function allow(browser, url, name, end) {
  let page = await browser.go(url, end)
  for (let steps = 0; page.text && steps < 4; steps += 1) {
    const [, prompt] = /name="prompt" value="(\w+)"/.exec(page.text)
    page = await browser.go(formOf(page), end, { prompt, ...(prompt === 'login' && { login: name, password: 'any' }) })
  }
  return page.url
}

// Or not.
export async function cancel(browser, url, end) {
  const page = await browser.go(url, end)
  const [, abort] = /href="([^"]+\/abort)"/.exec(page.text)
  return (await browser.go(new URL(abort, page.url).href, end)).url
}

function formOf(page) {
  const [, action] = /<form[^>]* action="([^"]+)"/.exec(page.text)
  return new URL(action, page.url).href
}
