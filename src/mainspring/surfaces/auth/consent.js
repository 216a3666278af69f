// Signs a person in, shows what a program asks for, and tells the server the answer. The token stays in this page's memory: no cookie
// is set, so that no other page can answer. Whatever comes from a program is written as text, never as markup.
'use strict'

const api = new URL('..', location.href)
const id = new URLSearchParams(location.search).get('authorization_id') || ''
const element = (name) => document.getElementById(name)
const WORDS = {
  openid: 'who you are here',
  email: 'your e-mail address',
  profile: 'your name, picture and what else your profile says',
  phone: 'your phone number',
  offline_access: 'all of that while you are away, too',
}
let token = ''

async function ask(path, body, method = body ? 'POST' : 'GET') {
  const headers = { 'content-type': 'application/json', 'x-supabase-api-version': '2024-01-01' }
  if (token) headers.authorization = `Bearer ${token}`
  const answer = await fetch(new URL(path, api), { method, headers, body: body && JSON.stringify(body) })
  const told = answer.status === 204 ? {} : await answer.json()
  if (answer.ok) return told
  throw Object.assign(new Error(told.message || 'Something went wrong'), { status: answer.status })
}

function problem(text) {
  element('problem').textContent = text
  element('problem').hidden = !text
}

async function doing(work) {
  const buttons = document.querySelectorAll('button')
  problem('')
  buttons.forEach((each) => { each.disabled = true })
  try {
    await work()
  } catch (error) {
    problem(error.message)
  } finally {
    buttons.forEach((each) => { each.disabled = false })
  }
}

function showSignIn() {
  element('sign-in').hidden = false
  element('email').focus()
}

function showConsent(details) {
  const name = details.client.name || 'A program without a name'
  element('title').textContent = `${name} wants to sign you in`
  element('program').textContent = name
  element('who').textContent = details.user.email || details.user.id
  element('where').textContent = new URL(details.redirect_uri).host || details.redirect_uri
  element('scopes').replaceChildren(
    ...details.scope.split(' ').map((scope) => Object.assign(document.createElement('li'), { textContent: WORDS[scope] || scope })),
  )
  element('unknown').hidden = details.client.registration_type !== 'dynamic'
  element('sign-in').hidden = true
  element('consent').hidden = false
}

async function look() {
  const details = await ask(`oauth/authorizations/${encodeURIComponent(id)}`)
  if (details.redirect_url) await leave(details.redirect_url)
  else showConsent(details)
}

async function leave(to) {
  if (token) await ask('logout?scope=local', {}).catch(() => {}) // this page's session has served
  location.replace(to)
}

async function signIn() {
  const email = element('email').value.trim()
  const code = element('code').value.trim()
  const session = element('with-code').hidden
    ? await ask('token?grant_type=password', { email, password: element('password').value })
    : await ask('verify', { type: 'email', email, token: code })
  token = session.access_token
  await look()
}

async function sendCode() {
  if (!element('email').reportValidity()) return
  await ask('otp', { email: element('email').value.trim(), create_user: false })
  element('with-password').hidden = true
  element('send-code').hidden = true
  element('with-code').hidden = false
  element('code').focus()
}

async function answer(action) {
  const told = await ask(`oauth/authorizations/${encodeURIComponent(id)}/consent`, { action })
  await leave(told.redirect_url)
}

element('sign-in').addEventListener('submit', (event) => {
  event.preventDefault()
  doing(signIn)
})
element('send-code').addEventListener('click', () => doing(sendCode))
element('approve').addEventListener('click', () => doing(() => answer('approve')))
element('deny').addEventListener('click', () => doing(() => answer('deny')))

if (!/^[A-Za-z0-9]{8,64}$/.test(id)) problem('This address belongs to no request. Begin again where you came from.')
else look().catch((error) => (error.status === 401 ? showSignIn() : problem(error.message))) // 401: no cookie of ours signs one in
